#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "millrace/result.h"

namespace millrace::cli {

/// Lines of a file or of standard input, until it ends or a signal comes.
///
/// Threading: one thread.
class LineInput {
 public:
  /// `path` "-": standard input. `stop_descriptor` becomes readable when it is to end. Errors: `kNotFound`, `kIo`.
  static Result<LineInput> open(const std::string& path, int stop_descriptor);
  LineInput(LineInput&& other) noexcept;
  LineInput& operator=(LineInput&&) = delete;
  ~LineInput();

  /// The next line without its end, valid until the next call; none at the end of the input and after a signal. A last
  /// line without an end counts. Errors: `kIo`; `kMessageTooLarge` for a line above 1 GiB.
  [[nodiscard]] Result<std::optional<std::string_view>> next();
  /// The number of the last line, from 1.
  [[nodiscard]] std::uint64_t line_number() const { return line_number_; }

 private:
  LineInput(std::string name, int descriptor, int stop_descriptor)
      : name_(std::move(name)), descriptor_(descriptor), stop_descriptor_(stop_descriptor) {}
  /// False when it ends.
  [[nodiscard]] Result<bool> read_more();

  std::string name_;
  int descriptor_;
  int stop_descriptor_;
  std::string buffer_;
  std::size_t used_ = 0;
  std::uint64_t line_number_ = 0;
  bool ended_ = false;
  bool stopped_ = false;
};

}  // namespace millrace::cli
