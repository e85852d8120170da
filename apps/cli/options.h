#pragma once

#include <optional>
#include <span>
#include <string>

namespace CLI {
class App;
}

namespace millrace::cli {

/// Reads a command's arguments into what `app` was told of, subcommands included. Gives the exit code when that was
/// all: after --help (0), and after a message about what is wrong, with the option or subcommand that was probably
/// meant (2).
[[nodiscard]] std::optional<int> parse_options(CLI::App& app, std::span<char*> arguments);

/// Prints what --help prints; gives the exit code.
[[nodiscard]] int print_help(const CLI::App& app);

/// "millrace topic create".
[[nodiscard]] std::string full_name(const CLI::App& app);

}  // namespace millrace::cli
