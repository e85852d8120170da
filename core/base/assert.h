#pragma once

#include <source_location>

namespace millrace {

/// Ends the process with the place and the broken condition. Only for our own mistakes.
[[noreturn]] void assertion_failed(const char* condition, const std::source_location& where);

}  // namespace millrace

/// Holds in every build. For our own mistakes only: what a peer, a file or a user can cause is an `Error`.
#define MILLRACE_ASSERT(condition) \
  ((condition) ? void() : ::millrace::assertion_failed(#condition, std::source_location::current()))
