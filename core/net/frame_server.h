#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/buffers.h"
#include "base/gather_buffer.h"
#include "base/logger.h"
#include "base/result.h"
#include "base/types.h"

// Connections that carry frames: four bytes of length (big-endian), then so many bytes, answered in the order they
// came.

namespace millrace::net {

/// One frame, without its length, in the buffer that it was received into. Whoever holds a copy of the buffer keeps the
/// bytes.
struct Frame {
  SharedBuffer buffer;
  std::size_t size = 0;
  [[nodiscard]] MutableBytes bytes() const { return buffer.bytes().first(size); }
};

/// What a connection does with the answers to its frames. Implemented by the server and by tests.
///
/// Threading: any thread.
class FrameAnswers {
 public:
  virtual ~FrameAnswers() = default;
  /// The answer to frame `number`, its length included; an empty one says that there is none.
  virtual void answer(std::uint64_t number, GatherBuffer bytes) = 0;
  /// Closes the connection once earlier frames are answered. `reason` goes to the log; empty: nothing to say.
  virtual void refuse(std::uint64_t number, std::string reason) = 0;
};

/// Where one frame is answered: exactly once, in any order, from any thread. The connection puts the answers in order.
/// A reply that is dropped unanswered closes the connection.
class FrameReply {
 public:
  FrameReply(std::shared_ptr<FrameAnswers> answers, std::uint64_t number)
      : answers_(std::move(answers)), number_(number) {}
  FrameReply(FrameReply&&) noexcept = default;
  FrameReply& operator=(FrameReply&&) = delete;
  ~FrameReply() {
    if (answers_) answers_->refuse(number_, "a request was dropped without an answer");
  }

  void send(GatherBuffer bytes) && { std::exchange(answers_, nullptr)->answer(number_, std::move(bytes)); }
  /// There is no answer to this frame.
  void none() && { std::move(*this).send(GatherBuffer{}); }
  /// The peer does not speak our language: close the connection and say why in one line of log.
  void close(std::string reason) && { std::exchange(answers_, nullptr)->refuse(number_, std::move(reason)); }

 private:
  std::shared_ptr<FrameAnswers> answers_;
  std::uint64_t number_;
};

/// Whether the connection's next frame may be taken before this one is answered.
enum class Next : std::uint8_t { kAtOnce, kAfterAnswer };

/// One connection as its owner sees it.
///
/// Threading: everything on the connection's thread. Nothing may wait.
class FrameSession {
 public:
  virtual ~FrameSession() = default;
  virtual Next on_frame(Frame frame, FrameReply reply) = 0;
  /// The server is closing: what waits should be answered now.
  virtual void finishing() {}
  /// The connection is gone; answers go nowhere. Replies still kept keep its memory: they are to be let go.
  virtual void closed() {}
};

/// Makes the session of a new connection; `peer` is its address, "127.0.0.1:40312".
using FrameSessions = std::function<std::unique_ptr<FrameSession>(const std::string& peer)>;

struct FrameServerConfig {
  std::size_t threads = 2;
  std::size_t max_frame_bytes = 100U << 20;
  /// A connection with so many unanswered bytes or frames is not read on until answers are out.
  std::size_t max_connection_bytes = 16U << 20;
  std::size_t max_connection_frames = 256;
  /// The same for all connections together: none begins another frame while this is spent.
  std::size_t max_server_bytes = 256U << 20;
  /// A connection that takes its answers so slowly that this much waits is not read on.
  std::size_t max_unsent_bytes = 1U << 20;
  /// One more than so many connections is closed at once, with a line of log now and then. 0: about half as many as the
  /// process may have files open when the server is made, so that files keep the rest.
  std::size_t max_connections = 0;
  /// A connection that is silent this long is closed; 0 or less: never.
  std::chrono::milliseconds idle_timeout = std::chrono::minutes{10};
};

/// Listens for and serves frame connections on a few threads of its own; a connection stays on one of them.
///
/// A frame is read into its final buffer; answers that are ready together leave in one write, and the pieces of a
/// `GatherBuffer` are not copied. A frame that is too long, or that a session refuses, closes that connection, with one
/// line of log. Idle, it uses no processor.
///
/// Threading: any thread.
class FrameServer {
 public:
  /// `logger` must outlive the server. Starts no thread before the first `listen`.
  static std::unique_ptr<FrameServer> create(FrameServerConfig config, Logger& logger);
  /// Closes, at once.
  virtual ~FrameServer() = default;

  /// Serves connections to "HOST:PORT" (port 0: any free one; an empty host: every interface) and gives the bound
  /// address. Errors: `kInUse`, `kInvalidArgument`, `kIo`.
  [[nodiscard]] virtual Result<std::string> listen(std::string_view address, FrameSessions sessions) = 0;

  [[nodiscard]] virtual std::size_t connections() const = 0;

  /// Takes no more connections and frames, gives answers under way until `timeout` to leave, then closes every
  /// connection and joins the threads. Idempotent. Not from a session.
  virtual void close(Duration timeout) = 0;
};

}  // namespace millrace::net
