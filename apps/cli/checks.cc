#include "cli/checks.h"

#include <fmt/core.h>

#include <charconv>
#include <cstdint>

namespace millrace::cli {

CLI::Validator whole_number() {
  return {[](const std::string& word) {
            std::uint64_t value = 0;
            const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
            if (error == std::errc{} && end == word.data() + word.size()) return std::string{};
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

}  // namespace millrace::cli
