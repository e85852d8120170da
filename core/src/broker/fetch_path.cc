#include "broker/fetch_path.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "base/deadline.h"

namespace millrace {
namespace {

std::size_t bytes_of(const FetchAnswer& answer) {
  std::size_t bytes = 0;
  for (const auto& partition : answer) bytes += partition ? partition->bytes.size() : 0;
  return bytes;
}

bool is_enough(const FetchAnswer& answer, std::size_t min_bytes) {
  const bool failed = std::any_of(answer.begin(), answer.end(), [](const auto& partition) { return !partition; });
  return failed || bytes_of(answer) >= min_bytes;
}

}  // namespace

/// A fetch that found too little.
///
/// Threading: progress, deadline, `end_wait` and `close` come from any thread, also while it begins; the first that has
/// an answer gives it.
class FetchPath::Waiting final : public ProgressWatcher, public std::enable_shared_from_this<Waiting> {
 public:
  enum class Answer : std::uint8_t { kIfEnough, kWhatThereIs };

  Waiting(const std::shared_ptr<FetchPath>& path, FetchId id, FetchCall call, FetchDone done)
      : path_(path),
        id_(id),
        call_(std::move(call)),
        done_(std::move(done)),
        partitions_(partitions_of(call_, *path->partitions_)),
        deadlines_(path->deadlines_) {}

  void begin(TimePoint deadline) {
    for (const auto& partition : partitions_) partition->watch(shared_from_this());
    const auto ticket = deadlines_->add(deadline, [self = shared_from_this()] { self->look(Answer::kWhatThereIs); });
    bool is_answered = false;
    {
      const std::lock_guard lock{mutex_};
      is_answered = !done_;
      ticket_ = ticket;
    }
    // Answered meanwhile: then only part of this was there to be undone.
    if (is_answered) return end_watch(ticket);
    // What came between the first read and `watch`.
    look(Answer::kIfEnough);
  }

  void progressed() override {
    if (counts_bytes() && readable_now() < enough_at_) return;
    look_soon();
  }

  void ended() override { look_soon(); }

  void look(Answer how) {
    const auto path = path_.lock();
    if (!path) return;
    {
      const std::lock_guard lock{mutex_};
      if (!done_) return;
    }
    const auto readable = counts_bytes() ? readable_now() : 0;
    auto answer = path->read(call_);
    if (how == Answer::kIfEnough && !is_enough(answer, call_.min_bytes)) {
      enough_at_ = readable + call_.min_bytes - bytes_of(answer);
      return;
    }
    give(std::move(answer));
  }

  void give(FetchAnswer answer) {
    FetchDone done;
    DeadlineQueue::Ticket ticket;
    {
      const std::lock_guard lock{mutex_};
      if (!done_) return;
      done = std::exchange(done_, nullptr);
      ticket = ticket_;
    }
    end_watch(ticket);
    if (const auto path = path_.lock()) path->forget(id_);
    done(std::move(answer));
  }

  [[nodiscard]] std::size_t partition_count() const { return call_.partitions.size(); }

 private:
  static std::vector<std::shared_ptr<Partition>> partitions_of(const FetchCall& call, const PartitionTable& table) {
    std::vector<std::shared_ptr<Partition>> found;
    for (const auto& wanted : call.partitions) {
      auto partition = table.find(wanted.topic, wanted.partition);
      if (partition) found.push_back(*std::move(partition));
    }
    return found;
  }

  void end_watch(const DeadlineQueue::Ticket& ticket) {
    for (const auto& partition : partitions_) partition->unwatch(this);
    deadlines_->cancel(ticket);
  }

  // Reading is not for a flusher's thread. Progress that comes before the look begins needs no second one.
  void look_soon() {
    const auto path = path_.lock();
    if (!path || look_is_due_.exchange(true)) return;
    // It keeps nothing alive: the executor may outlive the broker, and its partitions must not.
    path->executor_.post([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->look_is_due_ = false;
      self->look(Answer::kIfEnough);
    });
  }

  /// Whether it is known without reading when there are enough. Not where the end of a transaction lets more through
  /// than has become readable.
  [[nodiscard]] bool counts_bytes() const { return call_.min_bytes > 1 && call_.isolation != Isolation::kCommitted; }

  [[nodiscard]] std::uint64_t readable_now() const {
    std::uint64_t size = 0;
    for (const auto& partition : partitions_) {
      if (const auto log = partition->log()) size += (*log)->readable_size();
    }
    return size;
  }

  const std::weak_ptr<FetchPath> path_;
  const FetchId id_;
  const FetchCall call_;
  std::mutex mutex_;
  FetchDone done_;
  const std::vector<std::shared_ptr<Partition>> partitions_;
  const std::shared_ptr<DeadlineQueue> deadlines_;
  DeadlineQueue::Ticket ticket_;
  /// With so many readable bytes in its partitions it is worth another look.
  std::atomic<std::uint64_t> enough_at_ = 0;
  std::atomic<bool> look_is_due_ = false;
};

FetchPath::FetchPath(std::shared_ptr<const PartitionTable> partitions, std::shared_ptr<DeadlineQueue> deadlines,
                     Executor& executor, const Clock& clock)
    : partitions_(std::move(partitions)), deadlines_(std::move(deadlines)), executor_(executor), clock_(clock) {}

FetchPath::~FetchPath() = default;

FetchId FetchPath::fetch(FetchCall call, FetchDone done) {
  auto answer = read(call);
  if (call.partitions.empty() || call.max_wait <= Duration::zero() || is_enough(answer, call.min_bytes)) {
    done(std::move(answer));
    return FetchId{};
  }
  const auto deadline = deadline_after(clock_.now(), call.max_wait);
  const FetchId id{++last_id_};
  const auto waiting = std::make_shared<Waiting>(shared_from_this(), id, std::move(call), std::move(done));
  bool closed = false;
  {
    const std::lock_guard lock{mutex_};
    closed = closed_;
    if (!closed) waiting_.emplace(id, waiting);
  }
  waiting->begin(deadline);
  // Closed meanwhile or before: nobody else will answer.
  if (closed) waiting->look(Waiting::Answer::kWhatThereIs);
  return id;
}

void FetchPath::end_wait(FetchId fetch) {
  std::shared_ptr<Waiting> waiting;
  {
    const std::lock_guard lock{mutex_};
    if (const auto found = waiting_.find(fetch); found != waiting_.end()) waiting = found->second;
  }
  if (waiting) waiting->look(Waiting::Answer::kWhatThereIs);
}

void FetchPath::end_all_waits() {
  std::unordered_map<FetchId, std::shared_ptr<Waiting>> waiting;
  {
    const std::lock_guard lock{mutex_};
    waiting = waiting_;
  }
  for (const auto& [id, fetch] : waiting) fetch->look(Waiting::Answer::kWhatThereIs);
}

void FetchPath::close() {
  std::unordered_map<FetchId, std::shared_ptr<Waiting>> waiting;
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    waiting.swap(waiting_);
  }
  for (const auto& [id, fetch] : waiting) {
    FetchAnswer answer(fetch->partition_count(), fail(ErrorCode::kClosed, "the broker is closed"));
    fetch->give(std::move(answer));
  }
}

void FetchPath::forget(FetchId id) {
  const std::lock_guard lock{mutex_};
  waiting_.erase(id);
}

FetchAnswer FetchPath::read(const FetchCall& call) const {
  FetchAnswer answer;
  answer.reserve(call.partitions.size());
  std::size_t left = call.max_bytes;
  bool has_batch = false;
  for (const auto& wanted : call.partitions) {
    // A partition's first batch is given however large it is, but only while the answer has none: else a reader with
    // many partitions would get more than it asked for. The bound on the size is then for the log to keep.
    const auto max_bytes = has_batch && left == 0 ? 0 : std::min(std::max<std::size_t>(left, 1), wanted.max_bytes);
    auto slice = read_one(wanted, max_bytes, call.isolation);
    if (slice) {
      if (has_batch && slice->bytes.size() > left) {
        slice->bytes = {};
        slice->owner = nullptr;
        left = 0;
      }
      has_batch = has_batch || !slice->bytes.empty();
      left -= std::min(left, slice->bytes.size());
    }
    answer.push_back(std::move(slice));
  }
  return answer;
}

Result<LogSlice> FetchPath::read_one(const FetchPartition& wanted, std::size_t max_bytes, Isolation isolation) const {
  MILLRACE_TRY(partition, partitions_->find(wanted.topic, wanted.partition));
  MILLRACE_CHECK(partition->check_epoch(wanted.current_leader_epoch));
  MILLRACE_TRY(log, partition->log());
  if (max_bytes == 0) {
    const auto positions = log->positions();
    return LogSlice{.owner = nullptr,
                    .bytes = {},
                    .log_start = positions.log_start,
                    .high_watermark = positions.high_watermark,
                    .last_stable = positions.last_stable};
  }
  auto slice = log->read(wanted.from, max_bytes, isolation);
  if (!slice) return std::unexpected(partition->told(std::move(slice).error()));
  return slice;
}

}  // namespace millrace
