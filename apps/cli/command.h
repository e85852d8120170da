#pragma once

#include <span>
#include <string_view>

namespace millrace::cli {

/// The program's exit codes.
enum ExitCode : int { kDone = 0, kFailed = 1, kWrongUse = 2 };

/// One word of the command line, declared once in `commands()`: `millrace NAME ...`. `run` gets the arguments after the
/// name and gives the exit code. Data goes to standard output, messages to standard error.
struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(std::span<char*> arguments);
};

int run_weblog(std::span<char*> arguments);
int run_broker(std::span<char*> arguments);
int run_log(std::span<char*> arguments);

[[nodiscard]] std::span<const Command> commands();

}  // namespace millrace::cli
