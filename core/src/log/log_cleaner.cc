#include "log/log_cleaner.h"

#include <algorithm>

#include "base/clock.h"
#include "base/logger.h"
#include "log/partition_log.h"

namespace millrace {

/// The log that is being cleaned.
struct LogCleaner::Pass {
  std::shared_ptr<PartitionLog> log;
  std::unique_ptr<PartitionCleaning> cleaning;
};

LogCleaner::LogCleaner(FileSystem& files, Path checkpoint, const Options& options, const Clock& clock, Logger& logger)
    : files_(files), path_(std::move(checkpoint)), options_(options), clock_(clock), logger_(logger) {}

LogCleaner::~LogCleaner() = default;

void LogCleaner::load() {
  auto read = read_offset_checkpoint(files_, path_);
  if (!read) logger_.warn("ignoring a checkpoint: {}", read.error().message());
  const std::lock_guard lock{checkpoint_mutex_};
  if (read) cleaned_to_ = *std::move(read);
}

Duration LogCleaner::step(const Logs& logs) {
  const std::lock_guard lock{step_mutex_};
  if (closed_ || !options_.enabled) return Duration::max();
  // Whatever the settings say, to look is not all that the owner's thread does.
  constexpr std::chrono::milliseconds kShortestBackoff{100};
  if (!pass_ && !begin(logs)) return std::max(options_.backoff, kShortestBackoff);
  const auto step = pass_->cleaning->step(options_.step_bytes);
  if (!step) {
    end_with(step.error());
    return Duration::zero();
  }
  if (step->done) finish();
  return pause_for(step->bytes);
}

bool LogCleaner::begin(const Logs& logs) {
  std::shared_ptr<PartitionLog> dirtiest;
  CleanableRange most;
  for (auto& log : logs()) {
    const auto failed = failed_.find(log->name());
    if (failed != failed_.end() && failed->second.log.lock() == log && clock_.now() < failed->second.retry) continue;
    const auto range = log->cleanable(cleaned_to(log->name()));
    if (!range || (dirtiest && range->dirty_ratio() <= most.dirty_ratio())) continue;
    most = *range;
    dirtiest = std::move(log);
  }
  if (!dirtiest) return false;
  auto cleaning = dirtiest->clean(most, options_.cleaning);
  pass_ = std::make_unique<Pass>(Pass{std::move(dirtiest), std::move(cleaning)});
  return true;
}

void LogCleaner::end_with(const Error& error) {
  const auto name = pass_->log->name();
  auto& failure = failed_[name];
  failure = {pass_->log, clock_.now() + options_.backoff};
  pass_.reset();
  switch (error.code()) {
    case ErrorCode::kClosed:
    case ErrorCode::kNotFound:
      // It is gone, or retention was faster.
      return;
    case ErrorCode::kStorageError:
    case ErrorCode::kCorruptLog:
      // The partition is offline and has said so.
      failure.retry = TimePoint::max();
      return;
    case ErrorCode::kCorruptMessage:
    case ErrorCode::kUnsupportedCompressionType:
      failure.retry = TimePoint::max();
      logger_.error("{} cannot be compacted, and is not tried again before the next start: {}", name.to_string(),
                    error.message());
      return;
    default:
      logger_.warn("{} could not be compacted this time: {}", name.to_string(), error.message());
  }
}

void LogCleaner::finish() {
  const auto report = pass_->cleaning->report();
  const auto log = pass_->log;
  pass_.reset();
  log->remove_replaced_files();
  failed_.erase(log->name());
  logger_.info("{}: compacted up to offset {}: {} of {} records stay, {} of {} bytes", log->name().to_string(),
               report.cleaned_to.value(), report.records_after, report.records_before, report.bytes_after,
               report.bytes_before);
  const std::lock_guard lock{checkpoint_mutex_};
  // Removed meanwhile: its name may be another partition's by now.
  if (log->is_closed()) return;
  cleaned_to_[log->name()] = report.cleaned_to;
  const auto written = write_offset_checkpoint(files_, path_, cleaned_to_);
  if (!written) logger_.warn("cannot write how far logs are compacted: {}", written.error().message());
}

Result<void> LogCleaner::forget(const TopicPartition& name) {
  const std::lock_guard lock{checkpoint_mutex_};
  if (cleaned_to_.erase(name) == 0) return {};
  return write_offset_checkpoint(files_, path_, cleaned_to_);
}

void LogCleaner::close() {
  const std::lock_guard lock{step_mutex_};
  closed_ = true;
  pass_.reset();
}

Offset LogCleaner::cleaned_to(const TopicPartition& name) const {
  const std::lock_guard lock{checkpoint_mutex_};
  const auto found = cleaned_to_.find(name);
  return found == cleaned_to_.end() ? Offset{0} : found->second;
}

Duration LogCleaner::pause_for(std::uint64_t bytes) const {
  const auto seconds = static_cast<double>(bytes) / options_.max_bytes_per_second;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>{std::min(seconds, 3600.0)});
}

}  // namespace millrace
