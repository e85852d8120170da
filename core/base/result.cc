#include "base/result.h"

#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>

namespace millrace {

std::string_view name_of(ErrorCode code) {
  switch (code) {
#define MILLRACE_NAME(identifier, number, name) \
  case ErrorCode::identifier:                   \
    return name;
    MILLRACE_ERROR_CODES(MILLRACE_NAME)
#undef MILLRACE_NAME
  }
  return "UNKNOWN_SERVER_ERROR";
}

std::int16_t Error::wire_code() const {
  const auto number = static_cast<std::int32_t>(code_);
  return static_cast<std::int16_t>(number < 10000 ? number : static_cast<std::int32_t>(ErrorCode::kUnknownServerError));
}

std::unexpected<Error> fail_errno(int error_number, std::string_view doing) {
  const auto code = error_number == ENOSPC || error_number == EDQUOT ? ErrorCode::kNoSpace
                    : error_number == ENOENT                         ? ErrorCode::kNotFound
                    : error_number == EADDRINUSE                     ? ErrorCode::kInUse
                                                                     : ErrorCode::kIo;
  return fail(code, std::string{doing} + ": " + std::generic_category().message(error_number));
}

}  // namespace millrace
