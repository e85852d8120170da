#include "broker/partition.h"

#include <fmt/format.h>

namespace millrace {

Partition::Partition(TopicPartition name, TopicId topic_id, LeaderEpoch epoch,
                     Result<std::shared_ptr<PartitionLog>> log)
    : name_(std::move(name)),
      topic_id_(topic_id),
      epoch_(epoch.value()),
      log_(log ? *log : nullptr),
      offline_reason_(log ? std::string{} : log.error().message()) {}

std::shared_ptr<Partition> Partition::make(TopicPartition name, TopicId topic_id, LeaderEpoch epoch,
                                           Result<std::shared_ptr<PartitionLog>> log) {
  const std::shared_ptr<Partition> partition{new Partition{std::move(name), topic_id, epoch, std::move(log)}};
  if (partition->log_ == nullptr) return partition;
  partition->log_->set_progress_listener([weak = std::weak_ptr{partition}](const LogPositions&) {
    if (const auto self = weak.lock()) self->tell_watchers(News::kProgress);
  });
  return partition;
}

Result<std::shared_ptr<PartitionLog>> Partition::log() const {
  if (log_ == nullptr) return std::unexpected(told({ErrorCode::kStorageError, offline_reason_}));
  return log_;
}

void Partition::configure(const LogConfig& config, std::int32_t min_insync_replicas) {
  min_insync_ = min_insync_replicas;
  if (log_ != nullptr) log_->configure(config);
}

bool Partition::is_offline() const { return log_ == nullptr || log_->failure().has_value(); }

Error Partition::told(Error error) const {
  const bool storage = error.code() == ErrorCode::kCorruptLog || error.code() == ErrorCode::kIo ||
                       error.code() == ErrorCode::kStorageError;
  if (!storage) return error;
  constexpr std::string_view kOffline = " is offline: ";
  if (error.message().find(kOffline) != std::string::npos) return {ErrorCode::kStorageError, error.message()};
  return {ErrorCode::kStorageError, fmt::format("{}{}{}", name_.to_string(), kOffline, error.message())};
}

Result<void> Partition::check_epoch(LeaderEpoch epoch) const {
  const auto current = this->epoch();
  if (epoch == kNoLeaderEpoch || epoch == current) return {};
  const auto code = epoch < current ? ErrorCode::kFencedLeaderEpoch : ErrorCode::kUnknownLeaderEpoch;
  return fail(code, fmt::format("{}: the request is for leader epoch {}, but the current one is {}", name_.to_string(),
                                epoch.value(), current.value()));
}

void Partition::watch(const std::shared_ptr<ProgressWatcher>& watcher) {
  const std::lock_guard lock{mutex_};
  watchers_.emplace(watcher.get(), watcher);
  watcher_count_ = watchers_.size();
  // Against the fence in `tell_watchers`: either it sees this watcher, or this watcher sees the progress.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void Partition::unwatch(const ProgressWatcher* watcher) {
  const std::lock_guard lock{mutex_};
  watchers_.erase(watcher);
  watcher_count_ = watchers_.size();
}

void Partition::retire() {
  if (log_ != nullptr) log_->set_progress_listener({});
  tell_watchers(News::kEnd);
}

void Partition::tell_watchers(News news) {
  // A watcher counts itself before it looks at the positions, so one that is missed here sees the progress itself.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (watcher_count_ == 0) return;
  std::vector<std::shared_ptr<ProgressWatcher>> watchers;
  {
    const std::lock_guard lock{mutex_};
    watchers.reserve(watchers_.size());
    for (const auto& [key, weak] : watchers_) {
      if (auto watcher = weak.lock()) watchers.push_back(std::move(watcher));
    }
  }
  for (const auto& watcher : watchers) news == News::kEnd ? watcher->ended() : watcher->progressed();
}

}  // namespace millrace
