#include "broker/transaction_path.h"

#include <set>
#include <utility>

#include "broker/coordinator_topic.h"

namespace millrace {
namespace {

/// What a producer is told of its claim. What passes by itself becomes an error that every producer retries without
/// asking for metadata first, as Kafka has it.
ErrorCode told_of_claim(ErrorCode code, TransactionSupport support) {
  switch (code) {
    case ErrorCode::kConcurrentTransactions:
    case ErrorCode::kCoordinatorLoadInProgress:
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kNotCoordinator:
      return ErrorCode::kNotEnoughReplicas;
    case ErrorCode::kProducerFenced:
      return ErrorCode::kInvalidProducerEpoch;
    case ErrorCode::kTransactionAbortable:
      return support == TransactionSupport::kVerify ? ErrorCode::kInvalidTxnState : code;
    default:
      return code;
  }
}

}  // namespace

void TransactionPath::write_marker(const TopicPartition& partition, const TransactionMarker& marker,
                                   std::int16_t transaction_version, Done done) {
  const auto found = partitions_->find(TopicRef{.name = partition.topic, .id = {}}, partition.partition);
  if (!found) return done(std::unexpected(found.error()));
  if (partition.topic == kConsumerOffsetsTopic) {
    if (const auto groups = groups_.lock()) {
      return groups->end_transaction(partition.partition, marker, transaction_version, std::move(done));
    }
    return done(fail(ErrorCode::kClosed, "the broker is closed"));
  }
  const auto written = [&]() -> Result<std::pair<std::shared_ptr<PartitionLog>, Offset>> {
    MILLRACE_TRY(log, (*found)->log());
    MILLRACE_TRY(batch, make_marker_batch(marker, clock_.wall(), buffers_));
    const AppendOptions options{.transaction_version = static_cast<std::int8_t>(transaction_version)};
    auto info = log->append(batch.bytes, (*found)->epoch(), options);
    if (!info) return std::unexpected((*found)->told(std::move(info).error()));
    return std::pair{log, info->last_offset + 1};
  }();
  if (!written) return done(std::unexpected(written.error()));
  appended_();
  written->first->when_high_watermark(written->second, std::move(done));
}

void TransactionPath::claim(const std::string& transactional_id, const ProducerIdentity& producer,
                            const std::vector<TopicPartition>& partitions, TransactionSupport support,
                            ErrorCodesDone done) {
  const auto transactions = transactions_.lock();
  if (!transactions) return done(std::vector<ErrorCode>(partitions.size(), ErrorCode::kNotEnoughReplicas));
  if (support != TransactionSupport::kAdd) {
    std::vector<ErrorCode> codes;
    codes.reserve(partitions.size());
    for (const auto& partition : partitions) {
      codes.push_back(told_of_claim(transactions->verify(transactional_id, producer, partition), support));
    }
    return done(std::move(codes));
  }
  AddToTransaction call{.producer = producer,
                        .partitions = std::set<TopicPartition>(partitions.begin(), partitions.end()),
                        .version = kEpochPerTransaction};
  transactions->add(transactional_id, std::move(call),
                    [support, count = partitions.size(), done = std::move(done)](TransactionAnswer answer) mutable {
                      done(std::vector<ErrorCode>(count, told_of_claim(answer.error, support)));
                    });
}

void TransactionPath::commit_offsets(const std::string& transactional_id, CommitOffsets call,
                                     TransactionSupport support, ErrorCodesDone done) {
  const auto refuse = [&](ErrorCode code) { done(std::vector<ErrorCode>(call.offsets.size(), code)); };
  if (transactional_id.empty()) return refuse(ErrorCode::kInvalidRequest);
  const auto groups = groups_.lock();
  if (!groups) return refuse(ErrorCode::kCoordinatorNotAvailable);
  const auto producer = call.transaction.value_or(OffsetsTransaction{}).producer;
  const auto partition = groups->partition_of(call.group);
  if (!partition) return refuse(partition.error().code());
  const auto guard = groups->begin_transaction(call.group, producer);
  if (!guard) return refuse(guard.error().code());
  call.transaction = OffsetsTransaction{.producer = producer, .guard = *guard};
  if (*guard == kAlreadyOpen) return groups->commit_offsets(std::move(call), std::move(done));
  claim(transactional_id, producer, {TopicPartition{std::string{kConsumerOffsetsTopic}, *partition}}, support,
        [groups, call = std::move(call), done = std::move(done)](std::vector<ErrorCode> codes) mutable {
          auto code = codes.front();
          // Here the coordinator is asked again, which producers know how to do.
          if (code == ErrorCode::kNotEnoughReplicas) code = ErrorCode::kCoordinatorLoadInProgress;
          if (code != ErrorCode::kNone) return done(std::vector<ErrorCode>(call.offsets.size(), code));
          groups->commit_offsets(std::move(call), std::move(done));
        });
}

}  // namespace millrace
