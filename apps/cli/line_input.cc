#include "cli/line_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace millrace::cli {
namespace {

constexpr std::size_t kChunk = 256 << 10;
constexpr std::size_t kLongestLine = 1 << 30;

}  // namespace

Result<LineInput> LineInput::open(const std::string& path, int stop_descriptor) {
  if (path == "-") return LineInput{"standard input", STDIN_FILENO, stop_descriptor};
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail_errno(errno, fmt::format("cannot read {}", path));
  return LineInput{path, descriptor, stop_descriptor};
}

LineInput::LineInput(LineInput&& other) noexcept
    : name_(std::move(other.name_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      stop_descriptor_(other.stop_descriptor_),
      buffer_(std::move(other.buffer_)),
      used_(other.used_),
      line_number_(other.line_number_),
      ended_(other.ended_),
      stopped_(other.stopped_) {}

LineInput::~LineInput() {
  if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
}

Result<std::optional<std::string_view>> LineInput::next() {
  auto searched = used_;
  for (;;) {
    if (const auto end = buffer_.find('\n', searched); end != std::string::npos) {
      const std::string_view line{buffer_.data() + used_, end - used_};
      used_ = end + 1;
      ++line_number_;
      return line;
    }
    if (stopped_) return std::nullopt;
    if (ended_) {
      if (used_ == buffer_.size()) return std::nullopt;
      const std::string_view line{buffer_.data() + used_, buffer_.size() - used_};
      used_ = buffer_.size();
      ++line_number_;
      return line;
    }
    buffer_.erase(0, std::exchange(used_, 0));
    searched = buffer_.size();
    if (buffer_.size() > kLongestLine) {
      return fail(ErrorCode::kMessageTooLarge,
                  fmt::format("{}: line {} is longer than 1 GiB", name_, line_number_ + 1));
    }
    MILLRACE_TRY(more, read_more());
    if (!more) ended_ = true;
  }
}

Result<bool> LineInput::read_more() {
  pollfd watched[] = {{.fd = descriptor_, .events = POLLIN, .revents = 0},
                      {.fd = stop_descriptor_, .events = POLLIN, .revents = 0}};
  while (::poll(watched, 2, -1) < 0) {
    if (errno != EINTR) return fail_errno(errno, fmt::format("cannot wait for {}", name_));
  }
  if ((watched[1].revents & POLLIN) != 0) {
    stopped_ = true;
    return false;
  }
  const auto before = buffer_.size();
  buffer_.resize(before + kChunk);
  ssize_t got = 0;
  do {
    got = ::read(descriptor_, buffer_.data() + before, kChunk);
  } while (got < 0 && errno == EINTR);
  const int problem = errno;
  buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) return fail_errno(problem, fmt::format("cannot read {}", name_));
  return got > 0;
}

}  // namespace millrace::cli
