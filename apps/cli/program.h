#pragma once

#include <span>

namespace millrace::cli {

/// The whole program, after `main`: finds the command and runs it. Gives the exit code.
int run_program(std::span<char*> arguments);

}  // namespace millrace::cli
