#include "log/partition_log.h"

#include <numeric>

#include "log/partition_log_impl.h"

namespace millrace {

PartitionLog::Impl::Impl(const LogContext& context, TopicPartition name, Path directory, LogConfig config, TopicId id)
    : context_(context),
      name_(std::move(name)),
      directory_(std::move(directory)),
      position_key_{name_.to_string(), id},
      config_(config),
      timestamp_type_(config.timestamp_type),
      write_caching_(config.write_caching),
      flush_messages_(config.flush_messages) {}

LogPositions PartitionLog::Impl::positions() const {
  const std::lock_guard lock{view_mutex_};
  return positions_of(view_);
}

LogPlace PartitionLog::Impl::durable() const {
  const std::lock_guard lock{view_mutex_};
  return durable_;
}

std::optional<Error> PartitionLog::Impl::failure() const {
  const std::lock_guard lock{view_mutex_};
  return failure_;
}

void PartitionLog::Impl::set_progress_listener(ProgressListener listener) {
  const std::lock_guard lock{view_mutex_};
  listener_ = std::make_shared<const ProgressListener>(std::move(listener));
}

void PartitionLog::Impl::configure(LogConfig config) {
  Notice notice{*this};
  const std::lock_guard lock{mutex_};
  config_ = config;
  timestamp_type_.store(config.timestamp_type, std::memory_order_relaxed);
  const std::lock_guard view_lock{view_mutex_};
  write_caching_ = config.write_caching;
  flush_messages_ = config.flush_messages;
  advance_locked(notice);
}

LogConfig PartitionLog::Impl::config() const {
  const std::lock_guard lock{mutex_};
  return config_;
}

EpochCache PartitionLog::Impl::epochs() const {
  const std::lock_guard lock{mutex_};
  return epochs_;
}

PartitionLog::PartitionLog(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

PartitionLog::~PartitionLog() {
  // Nobody can wait for it any more, and a flush that is under way keeps what it needs.
  impl_->abandon();
}

Result<std::shared_ptr<PartitionLog>> PartitionLog::open(const LogContext& context, TopicPartition name, Path directory,
                                                         LogConfig config, const LogHints& hints) {
  auto impl = std::make_shared<Impl>(context, std::move(name), std::move(directory), config, hints.topic_id);
  MILLRACE_CHECK(impl->load(hints));
  return std::shared_ptr<PartitionLog>{new PartitionLog{std::move(impl)}};
}

const TopicPartition& PartitionLog::name() const { return impl_->name(); }
const Path& PartitionLog::directory() const { return impl_->directory(); }
const RecoveryReport& PartitionLog::recovery_report() const { return impl_->report(); }
Result<AppendInfo> PartitionLog::append(MutableBytes batch, LeaderEpoch epoch, const AppendOptions& options) {
  return impl_->append(batch, epoch, options);
}
TransactionGuard PartitionLog::begin_transaction(const RecordBatchView& batch) {
  return impl_->begin_transaction(batch);
}
std::vector<ActiveProducer> PartitionLog::active_producers() const { return impl_->active_producers(); }
Result<LogSlice> PartitionLog::read(Offset from, std::size_t max_bytes, Isolation isolation) const {
  return impl_->read(from, max_bytes, isolation);
}
Result<std::optional<OffsetAndTimestamp>> PartitionLog::offset_for_time(Timestamp time, Isolation isolation) const {
  return impl_->offset_for_time(time, isolation);
}
Result<std::optional<OffsetAndTimestamp>> PartitionLog::max_timestamp() const { return impl_->max_timestamp(); }
LogPositions PartitionLog::positions() const { return impl_->positions(); }
DurablePosition PartitionLog::durable() const { return impl_->durable(); }
std::uint64_t PartitionLog::size() const {
  const auto view = impl_->view();
  return std::accumulate(view.segments->begin(), view.segments->end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& segment) { return sum + segment->size(); });
}
std::uint64_t PartitionLog::readable_size() const {
  const auto view = impl_->view();
  std::uint64_t bytes = view.high.position;
  for (const auto& segment : *view.segments) {
    if (segment->base() < view.high.segment) bytes += segment->size();
  }
  return bytes;
}
std::size_t PartitionLog::segment_count() const { return impl_->view().segments->size(); }
LeaderEpoch PartitionLog::last_epoch() const { return impl_->epochs().last(); }
LeaderEpoch PartitionLog::epoch_of(Offset offset) const { return impl_->epochs().at(offset); }
std::optional<EpochEnd> PartitionLog::end_of_epoch(LeaderEpoch epoch, LeaderEpoch current) const {
  return impl_->epochs().end_of(epoch, current, log_end());
}
std::optional<Error> PartitionLog::failure() const { return impl_->failure(); }
void PartitionLog::when_durable(Offset end, DurableCallback callback) {
  impl_->when(end, std::move(callback), WaitFor::kDurable);
}
void PartitionLog::when_high_watermark(Offset end, DurableCallback callback) {
  impl_->when(end, std::move(callback), WaitFor::kHighWatermark);
}
void PartitionLog::set_progress_listener(ProgressListener listener) {
  impl_->set_progress_listener(std::move(listener));
}
void PartitionLog::configure(LogConfig config) { impl_->configure(config); }
LogConfig PartitionLog::config() const { return impl_->config(); }
Result<Offset> PartitionLog::delete_records(Offset before) { return impl_->delete_records(before); }
Result<std::size_t> PartitionLog::apply_retention() { return impl_->apply_retention(); }
std::optional<CleanableRange> PartitionLog::cleanable(Offset cleaned_to) const { return impl_->cleanable(cleaned_to); }
std::unique_ptr<PartitionCleaning> PartitionLog::clean(const CleanableRange& range, const CleaningOptions& options) {
  return impl_->clean(range, options);
}
void PartitionLog::remove_replaced_files() { impl_->remove_replaced_files(); }
Result<void> PartitionLog::roll() { return impl_->roll(); }
Result<void> PartitionLog::verify() const { return impl_->verify(); }
bool PartitionLog::is_closed() const { return impl_->is_closed(); }
Result<void> PartitionLog::close() { return impl_->close(); }
void PartitionLog::abandon() {
  impl_->abandon();
  impl_->wait_for_trimming();
}

}  // namespace millrace
