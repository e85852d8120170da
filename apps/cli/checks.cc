#include "cli/checks.h"

#include <fmt/core.h>

#include <charconv>
#include <cstdint>

#include "net/host_port.h"

namespace millrace::cli {

CLI::Validator whole_number(std::uint64_t most) {
  return {[most](const std::string& word) {
            std::uint64_t value = 0;
            const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
            const bool is_number = end == word.data() + word.size() && !word.empty();
            if (error == std::errc{} && is_number && value <= most) return std::string{};
            if (is_number) return fmt::format("\"{}\" is more than {}", word, most);
            return fmt::format("\"{}\" is not a whole number from 0 up", word);
          },
          ""};
}

CLI::Validator not_empty(std::string_view hint) {
  return {[hint = std::string{hint}](const std::string& word) {
            return word.empty() ? fmt::format("\"\" is empty: {}", hint) : std::string{};
          },
          ""};
}

CLI::Validator host_and_port() {
  return {[](const std::string& word) {
            std::string_view address = word;
            if (const auto scheme = address.find("://"); scheme != std::string_view::npos && scheme > 0) {
              address.remove_prefix(scheme + 3);
            }
            const auto parsed = net::parse_host_port(address);
            return parsed ? std::string{} : parsed.error().message();
          },
          ""};
}

}  // namespace millrace::cli
