#pragma once

#include <functional>
#include <span>

#include "cli/log_address.h"

namespace millrace::cli {

class Output;

/// A subcommand that asks a log's admin and prints the answer.
struct AdminCommand {
  CLI::App* command;
  std::function<Result<void>(Admin&, Output&)> act;
  Folder folder = Folder::kMustBeLog;
};

/// Runs the one that was given on the command line; gives the exit code. What was done is said also when what came next
/// was not.
[[nodiscard]] int run_admin_command(std::span<const AdminCommand> commands, const LogAddress& log);

}  // namespace millrace::cli
