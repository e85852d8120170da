#pragma once

#include <functional>
#include <span>
#include <string_view>

namespace CLI {
class App;
}

namespace millrace::cli {

/// The program's exit codes.
enum ExitCode : int { kDone = 0, kFailed = 1, kWrongUse = 2 };
struct ExitMeaning {
  ExitCode code;
  std::string_view when;
};
constexpr ExitMeaning kExitCodes[] = {
    {kDone, "done, or stopped by a signal while it followed"},
    {kFailed, "failed: standard error says what and what to do; for `log verify` also: something is damaged"},
    {kWrongUse, "wrong use: an unknown command, option or setting, or a value that cannot be"},
};

/// Gets a command as CLI11 knows it, options and all.
using AppVisitor = std::function<void(const CLI::App& app)>;

/// One word of the command line, declared once in `commands()`: `millrace NAME ...`. `run` gets the arguments after the
/// name and gives the exit code; `show` is for the reference. Data goes to standard output, messages to standard error.
struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(std::span<char*> arguments);
  void (*show)(const AppVisitor& visit);
};

int run_weblog(std::span<char*> arguments);
int run_broker(std::span<char*> arguments);
int run_topic(std::span<char*> arguments);
int run_group(std::span<char*> arguments);
int run_produce(std::span<char*> arguments);
int run_consume(std::span<char*> arguments);
int run_log(std::span<char*> arguments);
int run_completion(std::span<char*> arguments);
int run_docs(std::span<char*> arguments);
void show_weblog(const AppVisitor& visit);
void show_broker(const AppVisitor& visit);
void show_topic(const AppVisitor& visit);
void show_group(const AppVisitor& visit);
void show_produce(const AppVisitor& visit);
void show_consume(const AppVisitor& visit);
void show_log(const AppVisitor& visit);
void show_completion(const AppVisitor& visit);
void show_docs(const AppVisitor& visit);

[[nodiscard]] std::span<const Command> commands();

}  // namespace millrace::cli
