#include "net/frame_connection.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <functional>
#include <span>

#include "base/assert.h"
#include "base/bytes_io.h"

namespace millrace::net {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {
/// No more pieces in one write: IOV_MAX is 1024, and Asio takes 64.
constexpr std::size_t kMostPieces = 64;
/// Room for more pieces than that is given back when they are sent.
constexpr std::size_t kFewPieces = 8;
}  // namespace

FrameConnection::FrameConnection(std::shared_ptr<FrameServerState> server, std::shared_ptr<FrameThread> thread,
                                 asio::ip::tcp::socket socket, std::string peer)
    : server_(std::move(server)),
      thread_(std::move(thread)),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      idle_timer_(thread_->context) {
  ++server_->connections;
}

FrameConnection::~FrameConnection() {
  if (--server_->connections > 0) return;
  const std::lock_guard lock{server_->gone_mutex};
  server_->gone.notify_all();
}

void FrameConnection::start(const FrameSessions& sessions) {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
  socket_.non_blocking(true, ignored);
  session_ = sessions(peer_);
  last_active_ = std::chrono::steady_clock::now();
  if (server_->config.idle_timeout.count() > 0) watch_idle();
  read();
}

void FrameConnection::watch_idle() {
  idle_timer_.expires_at(last_active_ + server_->config.idle_timeout);
  idle_timer_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (error || !self || self->closed_) return;
    // Activity only notes its time; the timer looks at it when it fires, so a busy connection costs no timer.
    const auto now = std::chrono::steady_clock::now();
    if (now - self->last_active_ >= self->server_->config.idle_timeout) {
      if (self->answers_.empty() && self->sending_.empty()) return self->close();
      self->last_active_ = now;  // it waits for us, not we for it
    }
    self->watch_idle();
  });
}

void FrameConnection::read() {
  if (reading_) return;
  // Frames that were received while none might begin come first.
  while (take_frames()) flush();
  if (unread_.empty()) kept_ = {};
  if (closed_ || finishing_ || refused_) return;
  if (!frame_ && (!may_begin_frame() || unread_.size() >= kLengthBytes)) return;
  reading_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_read, [self = shared_from_this()](error_code error) {
    self->reading_ = false;
    if (self->closed_) return;
    if (error) return self->close();
    self->on_readable();
  });
}

void FrameConnection::on_readable() {
  // What follows the frame comes with it: lengths and short frames cost no read of their own.
  auto& received = thread_->received;
  const std::size_t missing = frame_ ? frame_->size - received_ : 0;
  const std::array<asio::mutable_buffer, 2> places{
      missing > 0 ? asio::buffer(frame_->buffer.data() + received_, missing) : asio::mutable_buffer{},
      asio::buffer(received)};
  error_code error;
  const auto size = socket_.read_some(places, error);
  if (error == asio::error::would_block) return read();
  if (error) return close();
  on_read(size);
}

void FrameConnection::on_read(std::size_t size) {
  last_active_ = std::chrono::steady_clock::now();
  if (frame_) {
    const auto mine = std::min(size, frame_->size - received_);
    received_ += mine;
    bytes_in_flight_ += mine;
    server_->bytes_in_flight += mine;
    size -= mine;
  }
  take_in(Bytes{thread_->received}.first(size));
  take_frames();
  keep_rest();
  flush();
  read();
}

void FrameConnection::take_in(Bytes bytes) {
  if (unread_.empty()) {
    unread_ = bytes;
    return;
  }
  // A piece of a length.
  std::vector<std::byte> joined{unread_.begin(), unread_.end()};
  joined.insert(joined.end(), bytes.begin(), bytes.end());
  kept_ = std::move(joined);
  unread_ = kept_;
}

void FrameConnection::keep_rest() {
  const auto& received = thread_->received;
  const bool is_kept = std::less<>{}(unread_.data(), received.data()) ||
                       !std::less<>{}(unread_.data(), received.data() + received.size());
  if (unread_.empty() || is_kept) return;
  kept_.assign(unread_.begin(), unread_.end());
  unread_ = kept_;
}

bool FrameConnection::take_frames() {
  bool took = false;
  in_frames_ = true;  // answers that come at once leave together
  while (!closed_ && !refused_ && !finishing_) {
    if (frame_ ? received_ < frame_->size : !begin_frame()) break;
    if (received_ == frame_->size) end_frame();
    took = true;
  }
  in_frames_ = false;
  return took;
}

bool FrameConnection::may_begin_frame() const {
  const auto& config = server_->config;
  return !awaited_ && unsent_ <= config.max_unsent_bytes && answers_.size() < config.max_connection_frames &&
         bytes_in_flight_ < config.max_connection_bytes;
}

bool FrameConnection::server_has_room(std::size_t frame_size) {
  if (frame_size <= kSmallFrame) return true;
  const auto room = [this] { return server_->bytes_in_flight.load() < server_->config.max_server_bytes; };
  if (room()) return true;
  {
    const std::lock_guard lock{server_->starved_mutex};
    if (!starved_) server_->starved.push_back(weak_from_this());
    starved_ = true;
  }
  // What was released since the first look may have found no one to wake.
  return room();
}

void FrameConnection::release(std::size_t bytes) {
  bytes_in_flight_ -= bytes;
  const auto before = server_->bytes_in_flight.fetch_sub(bytes);
  if (before < server_->config.max_server_bytes || before - bytes >= server_->config.max_server_bytes) return;
  std::vector<std::weak_ptr<FrameConnection>> woken;
  {
    const std::lock_guard lock{server_->starved_mutex};
    woken.swap(server_->starved);
  }
  for (const auto& weak : woken) {
    if (auto other = weak.lock()) asio::post(other->thread_->context, [other] { other->resume(); });
  }
}

bool FrameConnection::begin_frame() {
  if (unread_.size() < kLengthBytes || !may_begin_frame()) return false;
  const auto length = load_be<std::int32_t>(unread_.data());
  const auto size = static_cast<std::size_t>(length);
  if (length < 0 || size > server_->config.max_frame_bytes) {
    server_->logger.warn(
        "{}: closed, a request of {} bytes is more than the {} that are allowed. Is it Kafka's protocol?", peer_,
        static_cast<std::uint32_t>(length), server_->config.max_frame_bytes);
    finish();
    return false;
  }
  if (!server_has_room(size)) return false;
  unread_ = unread_.subspan(kLengthBytes);
  frame_.emplace(Frame{server_->buffers.take(size), size});
  received_ = std::min(size, unread_.size());
  if (received_ > 0) std::memcpy(frame_->buffer.data(), unread_.data(), received_);
  unread_ = unread_.subspan(received_);
  bytes_in_flight_ += received_;
  server_->bytes_in_flight += received_;
  return true;
}

void FrameConnection::end_frame() {
  const auto number = first_number_ + answers_.size();
  auto& waiting = answers_.emplace_back();
  waiting.frame_bytes = frame_->size;
  auto frame = std::move(*frame_);
  frame_.reset();
  received_ = 0;
  const auto next = session_->on_frame(std::move(frame), FrameReply{shared_from_this(), number});
  if (next == Next::kAfterAnswer) awaited_ = number;
  read_mail();  // the answer may be there already
}

void FrameConnection::answer(std::uint64_t number, GatherBuffer bytes) {
  const std::lock_guard lock{mailbox_mutex_};
  if (mailbox_closed_) return;
  mailbox_.push_back(Mail{number, false, {}, std::move(bytes)});
  // Somebody who put the first one in has called already; inside end_frame the connection looks by itself.
  const bool looks = thread_->context.get_executor().running_in_this_thread() && in_frames_;
  if (mailbox_.size() == 1 && !looks) asio::post(thread_->context, [self = shared_from_this()] { self->proceed(); });
}

void FrameConnection::refuse(std::uint64_t number, std::string reason) {
  const std::lock_guard lock{mailbox_mutex_};
  if (mailbox_closed_) return;
  mailbox_.push_back(Mail{number, true, std::move(reason), GatherBuffer{}});
  asio::post(thread_->context, [self = shared_from_this()] { self->proceed(); });
}

void FrameConnection::proceed() {
  read_mail();
  flush();
  read();
}

void FrameConnection::read_mail() {
  std::vector<Mail> mails;
  {
    const std::lock_guard lock{mailbox_mutex_};
    mails.swap(mailbox_);
  }
  for (auto& mail : mails) settle(mail.number, std::move(mail));
}

void FrameConnection::settle(std::uint64_t number, Mail mail) {
  if (closed_) return;
  auto& waiting = answers_.at(number - first_number_);
  MILLRACE_ASSERT(!waiting.ready);
  waiting.ready = true;
  waiting.refused = mail.refused;
  waiting.reason = std::move(mail.reason);
  waiting.bytes = std::move(mail.bytes);
  if (awaited_ == number) awaited_.reset();
}

void FrameConnection::flush() {
  if (closed_ || in_frames_) return;
  if (!writing_) write();
}

void FrameConnection::collect_ready() {
  std::size_t released = 0;
  std::size_t taken = 0;
  for (; taken < answers_.size() && answers_[taken].ready && pieces_.size() < kMostPieces / 2; ++taken) {
    auto& ready = answers_[taken];
    released += ready.frame_bytes;
    if (ready.refused) {
      if (!ready.reason.empty()) server_->logger.warn("{}: closed, {}", peer_, ready.reason);
      refused_ = true;
    } else if (ready.bytes.size() > 0 && !refused_) {
      auto& bytes = sending_.emplace_back(std::move(ready.bytes));
      unsent_ += bytes.size();
      bytes.for_each_piece([this](Bytes piece) { pieces_.emplace_back(piece.data(), piece.size()); });
    }
  }
  answers_.erase(answers_.begin(), answers_.begin() + static_cast<std::ptrdiff_t>(taken));
  first_number_ += taken;
  if (released > 0) release(released);
}

void FrameConnection::write() {
  collect_ready();
  if (next_piece_ == pieces_.size()) {
    if (refused_ || (finishing_ && answers_.empty())) close();
    return;
  }
  writing_ = true;
  const auto count = std::min(kMostPieces, pieces_.size() - next_piece_);
  const std::span<const asio::const_buffer> pieces{pieces_.data() + next_piece_, count};
  socket_.async_write_some(pieces, [self = shared_from_this()](error_code error, std::size_t size) {
    self->writing_ = false;
    if (self->closed_) return;
    if (error) return self->close();
    self->on_written(size);
    self->write();
    self->read();
  });
}

void FrameConnection::on_written(std::size_t size) {
  last_active_ = std::chrono::steady_clock::now();
  unsent_ -= size;
  while (size > 0) {
    auto& piece = pieces_[next_piece_];
    if (size < piece.size()) {
      piece += size;
      return;
    }
    size -= piece.size();
    ++next_piece_;
  }
  if (next_piece_ == pieces_.size()) {
    pieces_.clear();
    next_piece_ = 0;
    sending_.clear();
    if (pieces_.capacity() > kFewPieces) {
      pieces_.shrink_to_fit();
      sending_.shrink_to_fit();
    }
  }
}

void FrameConnection::resume() {
  {
    const std::lock_guard lock{server_->starved_mutex};
    starved_ = false;
  }
  proceed();
}

void FrameConnection::finish() {
  if (closed_) return;
  finishing_ = true;
  session_->finishing();
  read_mail();  // what that answered
  flush();
  if (!closed_ && answers_.empty() && !writing_) close();
}

void FrameConnection::close() {
  if (closed_) return;
  closed_ = true;
  {
    const std::lock_guard lock{mailbox_mutex_};
    mailbox_closed_ = true;
    mailbox_.clear();
  }
  error_code ignored;
  socket_.close(ignored);
  idle_timer_.cancel();
  release(bytes_in_flight_);
  answers_.clear();
  frame_.reset();
  session_->closed();
  thread_->connections.erase(shared_from_this());
}

}  // namespace millrace::net
