#include "cli/log_address.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string_view>

#include "cli/command.h"

namespace millrace::cli {
namespace {

/// Opening would make a log of any folder, and of a mistyped name an empty one.
Result<void> check_log_folder(const std::string& at, const std::filesystem::path& directory) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(directory, ignored)) {
    return fail(ErrorCode::kNotFound, fmt::format("--at {}: there is no such folder", at));
  }
  // Every log has it, Kafka's too.
  if (std::filesystem::exists(directory / "meta.properties", ignored)) return {};
  return fail(ErrorCode::kNotFound, fmt::format("--at {}: the folder holds no log; \"millrace topic create\" and "
                                                "\"millrace produce\" make one",
                                                at));
}

}  // namespace

void declare_log_address(CLI::App& app, LogAddress& address) {
  app.add_option("--at", address.at,
                 "the log: kafka:HOST:PORT of a broker, or embedded:DIR, a folder no broker has open")
      ->capture_default_str();
  app.add_option("--set", address.settings, "KEY=VALUE: a setting of the client");
}

Result<std::pair<std::string, std::string>> parse_setting(const std::string& option, const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return fail(ErrorCode::kInvalidConfig, fmt::format("{} {}: write KEY=VALUE", option, text));
  }
  return std::pair{text.substr(0, equals), text.substr(equals + 1)};
}

Result<std::unique_ptr<Client>> open_log(const LogAddress& address, Folder folder) {
  constexpr std::string_view kEmbedded = "embedded:";
  Properties properties;
  for (const auto& setting : address.settings) {
    MILLRACE_TRY(parsed, parse_setting("--set", setting));
    properties.insert_or_assign(std::move(parsed.first), std::move(parsed.second));
  }
  const bool is_folder = address.at.starts_with(kEmbedded);
  const auto directory = is_folder ? address.at.substr(kEmbedded.size()) : std::string{};
  if (folder == Folder::kMustBeLog && !directory.empty()) MILLRACE_CHECK(check_log_folder(address.at, directory));
  return Client::open(address.at, properties);
}

int say_failure(const std::string& command, const Error& error) {
  const auto* next = error.code() == ErrorCode::kNoSpace ? ". Free some space and try again" : "";
  fmt::print(stderr, "{}: {}{}\n", command, error.message(), next);
  const bool wrong_use = error.code() == ErrorCode::kInvalidConfig || error.code() == ErrorCode::kInvalidArgument;
  return wrong_use ? kWrongUse : kFailed;
}

}  // namespace millrace::cli
