#pragma once

#include <memory>
#include <string>
#include <vector>

#include "millrace/client.h"

namespace CLI {
class App;
}

namespace millrace::cli {

/// Which log a command talks to, and how: the options --at and --set.
struct LogAddress {
  std::string at = "kafka:127.0.0.1:9092";
  std::vector<std::string> settings;
};

enum class Folder : unsigned char { kMustBeLog, kMayBeMade };

void declare_log_address(CLI::App& app, LogAddress& address);

/// Errors: `kInvalidConfig` for --set without a key; those of `Client::open`. A folder that is only looked at is not
/// made a log: `kNotFound`.
[[nodiscard]] Result<std::unique_ptr<Client>> open_log(const LogAddress& address, Folder folder);

/// KEY=VALUE. Errors: `kInvalidConfig`, naming `option`.
[[nodiscard]] Result<std::pair<std::string, std::string>> parse_setting(const std::string& option,
                                                                        const std::string& text);

/// Says on standard error what failed; gives the exit code.
int say_failure(const std::string& command, const Error& error);

}  // namespace millrace::cli
