// Offsets that are committed within transactions: pending from their append until the marker is durable.

#include <fmt/format.h>

#include <utility>

#include "coordinator/group_shard.h"
#include "record/record_batch_builder.h"

namespace millrace {

Result<TransactionGuard> GroupShard::begin_transaction(const ProducerIdentity& producer) {
  // What the log looks at is the header.
  RecordBatchBuilder builder{context_->buffers, batch_layout::kRecords, {.transactional = true}};
  (void)builder.try_append(context_->clock.wall(), nullptr, nullptr);
  MILLRACE_TRY(batch, builder.finish({.id = producer.id, .epoch = producer.epoch}));
  return context_->log->begin_transaction(partition_, RecordBatchView::trusted(batch.bytes));
}

void GroupShard::end_transaction(const TransactionMarker& marker, std::int16_t transaction_version,
                                 CoordinatorLog::Done done) {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    const auto written = [&]() -> Result<Offset> {
      if (const auto error = unavailable(); error != ErrorCode::kNone) {
        return fail(error, fmt::format("__consumer_offsets-{} is not ready", partition_.value()));
      }
      MILLRACE_TRY(batch, make_marker_batch(marker, context_->clock.wall(), context_->buffers));
      return context_->log->append(partition_, batch.bytes,
                                   {.transaction_version = static_cast<std::int8_t>(transaction_version)});
    }();
    if (!written) {
      out.add([done = std::move(done), error = written.error()]() mutable { done(std::unexpected(error)); });
    } else {
      auto then = [this, marker, end = *written, done = std::move(done)](ErrorCode code, Outbox& later) mutable {
        if (code == ErrorCode::kNone) settle(marker, end);
        later.add([done = std::move(done), code]() mutable {
          if (code == ErrorCode::kNone) return done({});
          done(fail(code, "the marker cannot be made durable"));
        });
      };
      await(*written, std::move(then), out);
    }
  }
  out.send();
}

void GroupShard::settle(const TransactionMarker& marker, Offset end) {
  for (const auto& pending : pending_.take(marker.producer, end)) {
    if (marker.end == TransactionEnd::kCommit) offsets_.apply(pending.record, pending.written);
  }
}

Result<std::set<TopicPartition>> GroupShard::undecided(const std::string& group) {
  const std::lock_guard lock{mutex_};
  if (const auto error = unavailable(); error != ErrorCode::kNone) {
    return fail(error, fmt::format("cannot fetch the offsets of the group \"{}\"", group));
  }
  return pending_.of_group(group);
}

}  // namespace millrace
