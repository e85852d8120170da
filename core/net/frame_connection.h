#pragma once
// Only for net's own .cc files: it shows Asio.

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <unordered_set>
#include <vector>

#include "net/frame_server.h"

namespace millrace::net {

class FrameConnection;

/// What the connections of a server share.
struct FrameServerState {
  FrameServerState(const FrameServerConfig& server_config, Logger& server_logger)
      : config(server_config), logger(server_logger) {}

  const FrameServerConfig config;
  Logger& logger;
  BufferPool buffers{32U << 20};
  /// Bytes of frames that are being received or not yet answered.
  std::atomic<std::size_t> bytes_in_flight{0};
  std::atomic<std::size_t> connections{0};
  std::mutex gone_mutex;
  std::condition_variable gone;

  void wait_for_no_connections(Duration timeout) {
    std::unique_lock lock{gone_mutex};
    // A deadline that is further away than the clock reaches would be one in the past.
    gone.wait_for(lock, std::min<Duration>(timeout, std::chrono::hours{1}), [this] { return connections.load() == 0; });
  }

  /// Connections that would begin a frame but for the server's budget; of any thread.
  std::mutex starved_mutex;
  std::vector<std::weak_ptr<FrameConnection>> starved;
};

/// One I/O thread and the connections that live on it.
struct FrameThread {
  boost::asio::io_context context{1};
  /// What a read puts here is taken before the next one: one buffer serves all connections, however many are silent.
  std::array<std::byte, 16U << 10> received;
  /// Those that are open: what keeps them. Only on the thread.
  std::unordered_set<std::shared_ptr<FrameConnection>> connections;
};

/// One connection: frames in, answers out.
///
///     socket -> the thread's buffer (lengths, short frames, starts of long ones) -> buffer of the frame -> session
///     session, any thread -> mailbox -> answers_ (by number) -> one gathered write of those that are ready
///
/// It reads while it may begin another frame, and it always finishes a frame that it began: so the budgets bound what
/// is begun, and no two connections can wait for each other's half frames. Silent, it has no buffer.
///
/// Threading: everything on the connection's thread, but `answer` and `refuse` (any thread).
class FrameConnection final : public FrameAnswers, public std::enable_shared_from_this<FrameConnection> {
 public:
  FrameConnection(std::shared_ptr<FrameServerState> server, std::shared_ptr<FrameThread> thread,
                  boost::asio::ip::tcp::socket socket, std::string peer);
  ~FrameConnection() override;

  void start(const FrameSessions& sessions);
  /// Reads nothing more and closes when the frames so far are answered.
  void finish();
  void close();
  /// Goes on reading: the server's budget allows it again.
  void resume();

  void answer(std::uint64_t number, GatherBuffer bytes) override;
  void refuse(std::uint64_t number, std::string reason) override;

 private:
  static constexpr std::size_t kLengthBytes = 4;
  /// Frames up to this size begin even when the server's budget is spent, so that connections that send large frames
  /// slowly cannot keep the others from asking.
  static constexpr std::size_t kSmallFrame = 64U << 10;

  struct Answer {
    std::size_t frame_bytes = 0;
    bool ready = false;
    bool refused = false;
    std::string reason;
    GatherBuffer bytes;
  };
  struct Mail {
    std::uint64_t number;
    bool refused;
    std::string reason;
    GatherBuffer bytes;
  };

  void read();
  void on_readable();
  void on_read(std::size_t size);
  /// What follows a frame, or is one.
  void take_in(Bytes bytes);
  /// What could not be taken moves out of the thread's buffer.
  void keep_rest();
  /// Takes what lies in unread_ as far as it goes; true when that was something.
  bool take_frames();
  bool begin_frame();
  void end_frame();
  [[nodiscard]] bool may_begin_frame() const;
  [[nodiscard]] bool server_has_room(std::size_t frame_size);
  void release(std::size_t bytes);

  /// Looks at the mail, then sends and reads what may be sent and read.
  void proceed();
  void read_mail();
  void settle(std::uint64_t number, Mail mail);
  /// Sends the answers that are ready and in turn.
  void flush();
  void collect_ready();
  void write();
  void on_written(std::size_t size);
  void watch_idle();

  std::shared_ptr<FrameServerState> server_;
  std::shared_ptr<FrameThread> thread_;
  boost::asio::ip::tcp::socket socket_;
  std::string peer_;
  std::unique_ptr<FrameSession> session_;
  boost::asio::steady_timer idle_timer_;
  TimePoint last_active_{};

  /// Bytes of no frame yet. They lie in the thread's buffer while that is being taken, else in kept_.
  Bytes unread_;
  std::vector<std::byte> kept_;
  /// The frame that is being received.
  std::optional<Frame> frame_;
  std::size_t received_ = 0;

  /// Frames in order; the first has the number `first_number_`.
  std::vector<Answer> answers_;
  std::uint64_t first_number_ = 0;
  std::size_t bytes_in_flight_ = 0;
  /// A frame whose session wants the next one only after its answer.
  std::optional<std::uint64_t> awaited_;

  /// What is being written, and how far. Pieces point into `sending_`.
  std::vector<GatherBuffer> sending_;
  std::vector<boost::asio::const_buffer> pieces_;
  std::size_t next_piece_ = 0;
  std::size_t unsent_ = 0;

  bool reading_ = false;
  bool writing_ = false;
  bool in_frames_ = false;
  bool starved_ = false;
  bool finishing_ = false;
  bool refused_ = false;
  bool closed_ = false;

  std::mutex mailbox_mutex_;
  std::vector<Mail> mailbox_;
  bool mailbox_closed_ = false;
};

}  // namespace millrace::net
