#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace millrace::net {

/// One blocking connection that asks in frames (four bytes of length, then as many bytes) and waits for each answer.
///
/// Threading: one thread at a time. Time is the machine's: a socket waits for nothing else.
class FrameCaller {
 public:
  /// Errors: `kTimedOut` when `deadline` passes, `kIo` with the address and the system's words.
  static Result<std::unique_ptr<FrameCaller>> connect(const std::string& host, std::uint16_t port, TimePoint deadline);
  ~FrameCaller();
  FrameCaller(const FrameCaller&) = delete;
  FrameCaller& operator=(const FrameCaller&) = delete;

  /// Sends `frame`, its length included, and gives the answer without its length. After an error the connection is of
  /// no use. Errors: `kTimedOut`, `kIo`, `kMalformed` for an answer above `kMaxAnswerBytes`.
  [[nodiscard]] Result<std::vector<std::byte>> ask(Bytes frame, TimePoint deadline);
  static constexpr std::int32_t kMaxAnswerBytes = 100 << 20;

 private:
  FrameCaller(int socket, std::string peer) : socket_(socket), peer_(std::move(peer)) {}
  [[nodiscard]] Result<void> wait(short events, TimePoint deadline) const;
  [[nodiscard]] Result<void> receive(MutableBytes into, TimePoint deadline) const;

  const int socket_;
  const std::string peer_;
};

}  // namespace millrace::net
