#include "log/flusher.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/assert.h"

namespace millrace {
namespace {

/// One log's part in a round.
struct Item {
  std::shared_ptr<Flushable> log;
  Result<void> result;
};

}  // namespace

// One thread runs the rounds. When a round has more than one log, helpers take some of its syncs; they are started when
// first needed.
class Flusher::Impl {
 public:
  explicit Impl(Options options) : options_(options) {
    if (options.threads > 0) leader_ = std::thread{[this] { lead(); }};
  }

  ~Impl() { stop(); }

  void stop() {
    const std::lock_guard one_at_a_time{stop_mutex_};
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
    }
    changed_.notify_all();
    // The leader first: only it makes helpers.
    if (leader_.joinable()) leader_.join();
    for (auto& helper : helpers_) helper.join();
    helpers_.clear();
  }

  void mark_dirty(std::shared_ptr<Flushable> log) {
    bool wake = false;
    {
      const std::lock_guard lock{mutex_};
      wake = dirty_.empty();
      dirty_.push_back(std::move(log));
    }
    if (wake) changed_.notify_all();
  }

  bool run_round() {
    std::unique_lock lock{mutex_};
    if (dirty_.empty()) return false;
    round(lock);
    return true;
  }

  [[nodiscard]] std::uint64_t rounds() const { return rounds_.load(); }
  [[nodiscard]] const DurationHistogram& times() const { return times_; }
  [[nodiscard]] bool has_threads() const { return options_.threads > 0; }

 private:
  void lead() {
    std::unique_lock lock{mutex_};
    while (true) {
      changed_.wait(lock, [this] { return stopping_ || !dirty_.empty(); });
      if (stopping_) return;
      round(lock);
    }
  }

  void help() {
    std::unique_lock lock{mutex_};
    while (true) {
      changed_.wait(lock, [this] { return stopping_ || next_ < items_.size(); });
      if (stopping_) return;
      sync_some(lock);
    }
  }

  /// Takes items of the round under way until none is left. Called and returns with the lock held.
  void sync_some(std::unique_lock<std::mutex>& lock) {
    while (next_ < items_.size()) {
      auto& item = items_[next_++];
      lock.unlock();
      auto result = item.log->sync();
      lock.lock();
      item.result = std::move(result);
      if (++synced_ == items_.size()) changed_.notify_all();
    }
  }

  void round(std::unique_lock<std::mutex>& lock) {
    const auto begun = options_.clock == nullptr ? TimePoint{} : options_.clock->now();
    std::vector<Item> items;
    items.reserve(dirty_.size());
    for (auto& log : dirty_) items.push_back({std::move(log), {}});
    dirty_.clear();
    lock.unlock();
    for (const auto& item : items) item.log->begin_flush();
    lock.lock();

    items_ = std::move(items);
    next_ = 0;
    synced_ = 0;
    while (helpers_.size() + 1 < std::min(options_.threads, items_.size())) {
      helpers_.emplace_back([this] { help(); });
    }
    if (items_.size() > 1) changed_.notify_all();
    sync_some(lock);
    changed_.wait(lock, [this] { return synced_ == items_.size(); });
    items = std::move(items_);
    items_.clear();
    next_ = 0;
    rounds_.fetch_add(1);
    if (options_.clock != nullptr) times_.observe(options_.clock->now() - begun);

    lock.unlock();
    for (const auto& item : items) item.log->end_flush(item.result);
    items.clear();
    lock.lock();
  }

  const Options options_;
  std::mutex stop_mutex_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Flushable>> dirty_;
  // The round under way. The vector does not change while helpers work on it.
  std::vector<Item> items_;
  std::size_t next_ = 0;
  std::size_t synced_ = 0;
  std::atomic<std::uint64_t> rounds_ = 0;
  DurationHistogram times_;
  bool stopping_ = false;
  std::vector<std::thread> helpers_;
  std::thread leader_;
};

Flusher::Flusher(Options options) : impl_(std::make_unique<Impl>(options)) {}
Flusher::~Flusher() = default;
void Flusher::stop() { impl_->stop(); }
void Flusher::mark_dirty(std::shared_ptr<Flushable> log) { impl_->mark_dirty(std::move(log)); }
bool Flusher::run_round() {
  MILLRACE_ASSERT(!impl_->has_threads());
  return impl_->run_round();
}
std::uint64_t Flusher::rounds() const { return impl_->rounds(); }
const DurationHistogram& Flusher::times() const { return impl_->times(); }

}  // namespace millrace
