#include "cli/output.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstdio>

#include "base/result.h"

namespace millrace::cli {

void Output::write(std::string_view text) {
  if (error_number_ != 0) return;
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) < text.size()) error_number_ = errno != 0 ? errno : EIO;
}

Result<void> Output::finish() {
  if (error_number_ == 0 && std::fflush(stdout) != 0) error_number_ = errno;
  if (error_number_ != 0) return fail_errno(error_number_, fmt::format("cannot write {}", what_));
  return {};
}

bool Output::reader_is_gone() const { return error_number_ == EPIPE; }

Result<void> write_output(std::string_view text, std::string_view what) {
  Output output{what};
  output.write(text);
  return output.finish();
}

}  // namespace millrace::cli
