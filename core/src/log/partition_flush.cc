// Durability: what a round of the flusher does to a partition, who is told of it, and the end of a log.

#include <fmt/core.h>

#include <algorithm>

#include "log/partition_log_impl.h"

namespace millrace {

PartitionLog::Impl::Notice::~Notice() {
  if (mark_dirty_) log_->context_.flusher.mark_dirty(log_->shared_from_this());
  for (auto& callback : done_) callback({});
  for (auto& [callback, error] : failed_) callback(std::unexpected(error));
  if (listener_ && *listener_) (*listener_)(positions_);
}

void PartitionLog::Impl::Notice::take(Waiters& waiters, Offset reached) {
  while (!waiters.empty() && waiters.front().end <= reached) {
    done_.push_back(std::move(waiters.front().callback));
    waiters.pop_front();
  }
}

void PartitionLog::Impl::Notice::take_all(Waiters& waiters, const Error& error) {
  for (auto& waiter : waiters) failed_.emplace_back(std::move(waiter.callback), error);
  waiters.clear();
}

void PartitionLog::Impl::mark_dirty_locked(Notice& notice) {
  if (dirty_) return;
  dirty_ = true;
  notice.mark_dirty();
}

void PartitionLog::Impl::advance_locked(Notice& notice) {
  const auto before = view_.high.offset;
  const bool ahead = write_caching_ && view_.end.offset - durable_.offset < flush_messages_;
  view_.high = std::max(view_.high, ahead ? view_.end : durable_);
  // A transaction is over for readers once its marker is below the high watermark.
  transactions_.decide_up_to(view_.high.offset);
  view_.stable = std::min(view_.high, transactions_.first().value_or(view_.high));
  notice.take(durable_waiters_, durable_.offset);
  notice.take(high_waiters_, view_.high.offset);
  if (view_.high.offset != before && listener_) {
    notice.progress(listener_, positions_of(view_));
  }
}

Error PartitionLog::Impl::offline(const Error& error) const {
  const auto words = name_.to_string() + " is offline: ";
  if (error.message().starts_with(words)) return error;
  return {error.code(), words + error.message()};
}

void PartitionLog::Impl::fail_locked(const Error& error, Notice& notice) {
  if (!failure_) failure_ = offline(error);
  const Error storage{ErrorCode::kStorageError, failure_->message()};
  notice.take_all(durable_waiters_, storage);
  notice.take_all(high_waiters_, storage);
}

void PartitionLog::Impl::fail(const Error& error, Notice& notice) {
  const std::lock_guard lock{view_mutex_};
  // A folder that is being removed may well fail.
  if (closed_) return;
  const bool first = !failure_;
  fail_locked(error, notice);
  if (first) context_.logger.error("{}", failure_->message());
}

void PartitionLog::Impl::begin_flush() {
  const std::lock_guard lock{view_mutex_};
  flushing_ = std::move(unsynced_);
  unsynced_.clear();
  flushing_end_ = closed_ ? durable_ : view_.end;
  flushing_folder_ = std::exchange(folder_dirty_, false);
  dirty_ = false;
}

Result<void> PartitionLog::Impl::sync() {
  {
    const std::lock_guard lock{view_mutex_};
    if (failure_) return std::unexpected(*failure_);
    if (closed_) return {};
  }
  for (const auto& item : flushing_) {
    MILLRACE_CHECK(item.file->sync());
    if (item.sealed) MILLRACE_CHECK(item.segment->sync_indexes());
  }
  if (flushing_folder_) MILLRACE_CHECK(context_.files.sync_directory(directory_));
  note_durable(flushing_end_);
  return {};
}

void PartitionLog::Impl::note_durable(const LogPlace& place) {
  if (context_.positions == nullptr) return;
  const DurablePositions::Update update{position_key_, place};
  // Without it a later damage may be taken for a torn tail; that is no reason to refuse what is durable.
  const auto noted = context_.positions->add({&update, 1});
  if (!noted && !positions_failed_) context_.logger.warn("{}: {}", name_.to_string(), noted.error().message());
  positions_failed_ = !noted;
}

void PartitionLog::Impl::end_flush(const Result<void>& result) {
  flushing_.clear();
  Notice notice{*this};
  if (!result) {
    fail(Error{result.error().code(),
               result.error().message() +
                   ". What the disk holds is not known any more; restart the broker once the disk is well"},
         notice);
    return;
  }
  const std::lock_guard lock{view_mutex_};
  durable_ = std::max(durable_, flushing_end_);
  advance_locked(notice);
}

void PartitionLog::Impl::when(Offset end, DurableCallback callback, WaitFor what) {
  const bool high_watermark = what == WaitFor::kHighWatermark;
  Result<void> outcome;
  {
    const std::lock_guard lock{view_mutex_};
    const auto reached = high_watermark ? view_.high.offset : durable_.offset;
    if (end > reached) {
      if (failure_) {
        outcome = millrace::fail(ErrorCode::kStorageError, failure_->message());
      } else if (closed_) {
        outcome = millrace::fail(ErrorCode::kClosed, name_.to_string() + " is closed");
      } else {
        auto& waiters = high_watermark ? high_waiters_ : durable_waiters_;
        // Nearly always the last place.
        const auto after = std::ranges::upper_bound(waiters, end, {}, &Waiter::end);
        waiters.insert(after, Waiter{end, std::move(callback)});
        return;
      }
    }
  }
  callback(outcome);
}

Result<void> PartitionLog::Impl::close() {
  remove_replaced_files();
  Notice notice{*this};
  const std::lock_guard trim_lock{trim_mutex_};
  const std::lock_guard lock{mutex_};
  {
    const std::lock_guard view_lock{view_mutex_};
    if (closed_) return {};
    if (!changed_ && !failure_) {
      closed_ = true;
      return {};
    }
  }
  // From now on no append gets in; a flush under way ends as usual, and this one covers what it does not.
  Result<void> result;
  if (auto failed = failure()) {
    result = std::unexpected(*failed);
  } else {
    result = [this]() -> Result<void> {
      MILLRACE_CHECK(active().seal());
      MILLRACE_TRY(file, active().file());
      MILLRACE_TRY(size, file->size());
      if (size != active().size()) MILLRACE_CHECK(file->truncate(active().size()));
      std::vector<Unsynced> unsynced;
      {
        const std::lock_guard view_lock{view_mutex_};
        unsynced = unsynced_;
      }
      for (const auto& item : unsynced) {
        MILLRACE_CHECK(item.file->sync());
        if (item.sealed) MILLRACE_CHECK(item.segment->sync_indexes());
      }
      MILLRACE_CHECK(file->sync());
      MILLRACE_CHECK(active().sync_indexes());
      MILLRACE_CHECK(save_producers(view_.end.offset));
      save_epochs();
      MILLRACE_CHECK(context_.files.sync_directory(directory_));
      note_durable(view_.end);
      return {};
    }();
  }
  const std::lock_guard view_lock{view_mutex_};
  if (result) {
    durable_ = std::max(durable_, view_.end);
    advance_locked(notice);
  } else {
    fail_locked(result.error(), notice);
  }
  closed_ = true;
  const Error closed{ErrorCode::kClosed, name_.to_string() + " is closed"};
  notice.take_all(durable_waiters_, closed);
  notice.take_all(high_waiters_, closed);
  unsynced_.clear();
  listener_.reset();
  return result;
}

void PartitionLog::Impl::abandon() {
  Notice notice{*this};
  const std::lock_guard lock{mutex_};
  const std::lock_guard view_lock{view_mutex_};
  closed_ = true;
  const Error closed{ErrorCode::kClosed, name_.to_string() + " is closed"};
  notice.take_all(durable_waiters_, closed);
  notice.take_all(high_waiters_, closed);
  unsynced_.clear();
  listener_.reset();
}

}  // namespace millrace
