#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::cli {

/// Checks of option values, whose messages quote the user's word.

/// A number without sign or fraction, up to `most`: CLI11 itself reads "-1" as the largest one.
[[nodiscard]] CLI::Validator whole_number(std::uint64_t most = UINT64_MAX);

/// Not "": `hint` says what to give.
[[nodiscard]] CLI::Validator not_empty(std::string_view hint);

/// HOST:PORT, or NAME://HOST:PORT where listeners have names: a typing mistake is known before anything is opened.
[[nodiscard]] CLI::Validator host_and_port();

}  // namespace millrace::cli
