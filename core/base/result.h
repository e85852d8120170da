#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/error_codes.h"

namespace millrace {

enum class ErrorCode : std::int32_t {
#define MILLRACE_DECLARE(identifier, number, name) identifier = number,
  MILLRACE_ERROR_CODES(MILLRACE_DECLARE)
#undef MILLRACE_DECLARE
};

/// Kafka's name of the code, "OFFSET_OUT_OF_RANGE"; ours are named alike.
[[nodiscard]] std::string_view name_of(ErrorCode code);

/// What failed: a code for programs and a sentence for people. The sentence says what was being done to what, what is
/// wrong and, where there is one, the next step.
///
/// Threading: a value.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  /// The number for the wire: Kafka's own codes unchanged, ours as UNKNOWN_SERVER_ERROR.
  [[nodiscard]] std::int16_t wire_code() const;

  /// The same error with "`context`: " before its sentence.
  [[nodiscard]] Error in(std::string_view context) && {
    message_.insert(0, ": ").insert(0, context);
    return std::move(*this);
  }

 private:
  ErrorCode code_;
  std::string message_;
};

/// A value, or why there is none. Never ignore one: log it, return it, or handle it.
template <class T>
using Result = std::expected<T, Error>;

/// The error as a `Result` of any type: `return fail(ErrorCode::kIo, "cannot ...");`
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

/// An error made from errno, with the system's own words for it; ENOSPC becomes `kNoSpace`, ENOENT `kNotFound`.
/// `doing` says what to what: "cannot write /var/lib/shop/0.log".
[[nodiscard]] std::unexpected<Error> fail_errno(int error_number, std::string_view doing);

}  // namespace millrace

#define MILLRACE_CONCAT_(a, b) a##b
#define MILLRACE_CONCAT(a, b) MILLRACE_CONCAT_(a, b)
#define MILLRACE_TRY_AS_(temporary, leave, name, ...)    \
  auto temporary = (__VA_ARGS__);                        \
  if (!temporary) [[unlikely]]                           \
    leave std::unexpected(std::move(temporary).error()); \
  auto name = *std::move(temporary)

/// `MILLRACE_TRY(name, expression);` declares `name` as the value of a `Result`, or returns its error from the
/// function.
#define MILLRACE_TRY(name, ...) MILLRACE_TRY_AS_(MILLRACE_CONCAT(try_result_, __LINE__), return, name, __VA_ARGS__)

/// The same in a coroutine.
#define MILLRACE_CO_TRY(name, ...) \
  MILLRACE_TRY_AS_(MILLRACE_CONCAT(try_result_, __LINE__), co_return, name, __VA_ARGS__)

/// `MILLRACE_CHECK(expression);` the same for a `Result<void>`.
#define MILLRACE_CHECK(...)                                            \
  if (auto check_result_ = (__VA_ARGS__); !check_result_) [[unlikely]] \
  return std::unexpected(std::move(check_result_).error())
