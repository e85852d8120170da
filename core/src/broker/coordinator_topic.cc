#include "broker/coordinator_topic.h"

#include <utility>

namespace millrace {

bool is_coordinator_topic(std::string_view name) {
  return name == kConsumerOffsetsTopic || name == kTransactionStateTopic;
}

Result<std::shared_ptr<Partition>> CoordinatorTopic::find(PartitionIndex partition) const {
  return partitions_->find(TopicRef{.name = topic_.name}, partition);
}

std::int32_t CoordinatorTopic::partition_count() const {
  const auto topic = metadata_()->topic(topic_.name);
  return topic ? static_cast<std::int32_t>(topic->partitions.size()) : 0;
}

void CoordinatorTopic::create(Done done) {
  create_(topic_, [done = std::move(done)](std::vector<Result<CreatedTopic>> created) mutable {
    const auto& answer = created.front();
    // Somebody else was quicker.
    if (answer || answer.error().code() == ErrorCode::kTopicAlreadyExists) return done({});
    done(std::unexpected(answer.error()));
  });
}

Result<TransactionGuard> CoordinatorTopic::begin_transaction(PartitionIndex partition, const RecordBatchView& batch) {
  MILLRACE_TRY(found, find(partition));
  MILLRACE_TRY(log, found->log());
  return log->begin_transaction(batch);
}

Result<LeaderEpoch> CoordinatorTopic::leader_epoch(PartitionIndex partition) {
  MILLRACE_TRY(found, find(partition));
  return found->epoch();
}

Result<Offset> CoordinatorTopic::append(PartitionIndex partition, MutableBytes batch, const AppendOptions& options) {
  MILLRACE_TRY(found, find(partition));
  MILLRACE_TRY(log, found->log());
  auto info = log->append(batch, found->epoch(), options);
  if (!info) return std::unexpected(found->told(std::move(info).error()));
  appended_();
  return info->last_offset + 1;
}

void CoordinatorTopic::when_durable(PartitionIndex partition, Offset end, Done done) {
  const auto found = find(partition);
  if (!found) return done(std::unexpected(found.error()));
  const auto log = (*found)->log();
  if (!log) return done(std::unexpected(log.error()));
  (*log)->when_high_watermark(end, std::move(done));
}

Result<Offset> CoordinatorTopic::start(PartitionIndex partition) {
  MILLRACE_TRY(found, find(partition));
  MILLRACE_TRY(log, found->log());
  return log->log_start();
}

Result<LogSlice> CoordinatorTopic::read(PartitionIndex partition, Offset from, std::size_t max_bytes) {
  MILLRACE_TRY(found, find(partition));
  MILLRACE_TRY(log, found->log());
  auto slice = log->read(from, max_bytes, Isolation::kHighWatermark);
  if (!slice) return std::unexpected(found->told(std::move(slice).error()));
  return slice;
}

}  // namespace millrace
