#include "net/frame_connection.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <span>

#include "base/assert.h"
#include "base/bytes_io.h"

namespace millrace::net {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {
/// No more pieces in one write: IOV_MAX is 1024, and Asio takes 64.
constexpr std::size_t kMostPieces = 64;
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
  // Frames that lay in head_ while none might begin come first.
  while (take_frames()) flush();
  if (closed_ || finishing_ || refused_) return;
  if (!frame_ && (!may_begin_frame() || head_end_ - head_begin_ >= kLengthBytes)) return;
  reading_ = true;
  // What follows the frame goes to head_: lengths and short frames cost no read of their own.
  std::array<asio::mutable_buffer, 2> places;
  if (frame_) {
    places[0] = asio::buffer(frame_->buffer.data() + received_, frame_->size - received_);
    places[1] = asio::buffer(head_);
  } else {
    if (head_begin_ > 0) {
      std::memmove(head_.data(), head_.data() + head_begin_, head_end_ - head_begin_);
      head_end_ -= head_begin_;
      head_begin_ = 0;
    }
    places[0] = asio::buffer(head_.data() + head_end_, head_.size() - head_end_);
  }
  socket_.async_read_some(places, [self = shared_from_this()](error_code error, std::size_t size) {
    self->reading_ = false;
    if (self->closed_) return;
    if (error) return self->close();
    self->on_read(size);
  });
}

void FrameConnection::on_read(std::size_t size) {
  last_active_ = std::chrono::steady_clock::now();
  if (frame_) {
    const auto mine = std::min(size, frame_->size - received_);
    received_ += mine;
    bytes_in_flight_ += mine;
    server_->bytes_in_flight += mine;
    MILLRACE_ASSERT(head_begin_ == head_end_);
    head_begin_ = 0;
    head_end_ = size - mine;
  } else {
    head_end_ += size;
  }
  take_frames();
  flush();
  read();
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
  if (head_end_ - head_begin_ < kLengthBytes || !may_begin_frame()) return false;
  const auto length = load_be<std::int32_t>(head_.data() + head_begin_);
  const auto size = static_cast<std::size_t>(length);
  if (length < 0 || size > server_->config.max_frame_bytes) {
    server_->logger.warn(
        "{}: closed, a request of {} bytes is more than the {} that are allowed. Is it Kafka's protocol?", peer_,
        static_cast<std::uint32_t>(length), server_->config.max_frame_bytes);
    finish();
    return false;
  }
  if (!server_has_room(size)) return false;
  head_begin_ += kLengthBytes;
  frame_.emplace(Frame{server_->buffers.take(size), size});
  received_ = std::min(size, head_end_ - head_begin_);
  std::memcpy(frame_->buffer.data(), head_.data() + head_begin_, received_);
  head_begin_ += received_;
  if (head_begin_ == head_end_) head_begin_ = head_end_ = 0;
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
  while (!answers_.empty() && answers_.front().ready && pieces_.size() < kMostPieces / 2) {
    auto& ready = answers_.front();
    released += ready.frame_bytes;
    if (ready.refused) {
      if (!ready.reason.empty()) server_->logger.warn("{}: closed, {}", peer_, ready.reason);
      refused_ = true;
    } else if (ready.bytes.size() > 0 && !refused_) {
      auto& bytes = sending_.emplace_back(std::move(ready.bytes));
      unsent_ += bytes.size();
      bytes.for_each_piece([this](Bytes piece) { pieces_.emplace_back(piece.data(), piece.size()); });
    }
    answers_.pop_front();
    ++first_number_;
  }
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
