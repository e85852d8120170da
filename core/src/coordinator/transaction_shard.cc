#include "coordinator/transaction_shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "record/record_batch_builder.h"

namespace millrace {
namespace {

// Larger than the record of any transaction.
constexpr std::size_t kMostRecordBytes = 16U << 20;
constexpr std::chrono::milliseconds kMarkerBackoff{200};

}  // namespace

TransactionShard::TransactionShard(PartitionIndex partition, std::shared_ptr<TransactionContext> context)
    : CoordinatorShard(partition, context, "__transaction_state"), context_(std::move(context)) {}

// --- loading ---------------------------------------------------------------------------------------------------------

Result<Offset> TransactionShard::replay(Bytes batches) {
  Offset next = kNoOffset;
  BatchCursor cursor{batches};
  while (cursor.next()) {
    next = cursor.batch().next_offset();
    if (cursor.batch().is_control()) continue;
    MILLRACE_TRY(records, cursor.batch().records(context_->buffers));
    while (records.next()) {
      auto decoded = protocol::decode_transaction_record(records.record().key, records.record().value);
      if (!decoded) {
        // What a newer version wrote is left alone.
        context_->logger.warn("__transaction_state-{}: the record at offset {} was left alone: {}", partition_.value(),
                              records.record().offset.value(), decoded.error().message());
      } else if (decoded->value) {
        found_.insert_or_assign(std::move(decoded->key.transactional_id), *std::move(decoded->value));
      } else {
        found_.erase(decoded->key.transactional_id);
      }
    }
    MILLRACE_CHECK(records.status());
  }
  MILLRACE_CHECK(cursor.status());
  return next;
}

void TransactionShard::loaded(Outbox& out) {
  for (const auto& [id, value] : std::exchange(found_, {})) {
    auto& entry = transactions_.emplace(id, Entry{.transaction = Transaction::restore(id, value, time()), .armed = {}})
                      .first->second;
    for (const auto& partition : entry.transaction.unmarked()) write_marker(entry, partition, out);
    arm(entry.armed, id, entry.transaction.next_timer());
  }
}

void TransactionShard::answer_waiting(Outbox& out) {
  for (auto& [id, entry] : transactions_) {
    perform(entry, entry.transaction.end_waits(ErrorCode::kCoordinatorNotAvailable), out);
  }
}

// That it should ask again.
ErrorCode TransactionShard::told(const Error& error) const {
  return error.code() == ErrorCode::kRecordListTooLarge ? ErrorCode::kUnknownServerError
                                                        : ErrorCode::kCoordinatorNotAvailable;
}

// --- calls -----------------------------------------------------------------------------------------------------------

TransactionShard::Entry* TransactionShard::find(const std::string& id) {
  const auto found = transactions_.find(id);
  return found == transactions_.end() ? nullptr : &found->second;
}

void TransactionShard::call(const std::string& id, Make make, TransactionDone done, Event event) {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    auto error = unavailable();
    auto* entry = find(id);
    if (error == ErrorCode::kNone && entry == nullptr) {
      if (make == Make::kYes) {
        entry = &transactions_.emplace(id, Entry{.transaction = Transaction{id}, .armed = {}}).first->second;
      } else {
        error = ErrorCode::kInvalidProducerIdMapping;
      }
    }
    if (error != ErrorCode::kNone) {
      out.add([done = std::move(done), error]() mutable { done({.error = error, .producer = {}}); });
    } else {
      const TransactionRequestId request{++last_request_};
      waiting_.emplace(request, std::move(done));
      perform(*entry, event(entry->transaction, request, time()), out);
    }
  }
  out.send();
}

void TransactionShard::init(const std::string& id, InitTransactions asked, TransactionDone done) {
  call(id, Make::kYes, std::move(done),
       [asked](Transaction& transaction, TransactionRequestId request, CoordinatorTime now) {
         return transaction.init(request, asked, now);
       });
}

void TransactionShard::add(const std::string& id, AddToTransaction asked, TransactionDone done) {
  call(id, Make::kNo, std::move(done),
       [asked = std::move(asked)](Transaction& transaction, TransactionRequestId request, CoordinatorTime now) mutable {
         return transaction.add(request, std::move(asked), now);
       });
}

void TransactionShard::end(const std::string& id, EndTransaction asked, TransactionDone done) {
  call(id, Make::kNo, std::move(done),
       [asked](Transaction& transaction, TransactionRequestId request, CoordinatorTime now) {
         return transaction.end(request, asked, now);
       });
}

ErrorCode TransactionShard::verify(const std::string& id, const ProducerIdentity& producer,
                                   const TopicPartition& partition) {
  const std::lock_guard lock{mutex_};
  if (const auto error = unavailable(); error != ErrorCode::kNone) return error;
  const auto* entry = find(id);
  return entry == nullptr ? ErrorCode::kInvalidProducerIdMapping : entry->transaction.verify(producer, partition);
}

Result<std::vector<ListedTransaction>> TransactionShard::list() {
  const std::lock_guard lock{mutex_};
  if (const auto error = unavailable(); error != ErrorCode::kNone) return fail(error, "cannot list the transactions");
  std::vector<ListedTransaction> all;
  all.reserve(transactions_.size());
  for (const auto& [id, entry] : transactions_) {
    const auto& data = entry.transaction.data();
    if (data.producer.id == kNoProducerId) continue;
    all.push_back({.id = id, .producer = data.producer.id, .state = data.state, .started = data.started});
  }
  return all;
}

Result<DescribedTransaction> TransactionShard::describe(const std::string& id) {
  const std::lock_guard lock{mutex_};
  const auto text = [&id] { return fmt::format("cannot describe the transaction \"{}\"", id); };
  if (const auto error = unavailable(); error != ErrorCode::kNone) return fail(error, text());
  const auto* entry = find(id);
  if (entry == nullptr || entry->transaction.data().producer.id == kNoProducerId) {
    return fail(ErrorCode::kTransactionalIdNotFound, text() + ": nobody has used it");
  }
  return DescribedTransaction{.id = id, .data = entry->transaction.data()};
}

// --- what follows ----------------------------------------------------------------------------------------------------

void TransactionShard::happens(const std::string& id,
                               std::move_only_function<TransactionActions(Transaction&, CoordinatorTime)> event) {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    auto* entry = find(id);
    if (entry == nullptr || !is_active()) return;
    perform(*entry, event(entry->transaction, time()), out);
  }
  out.send();
}

void TransactionShard::perform(Entry& entry, TransactionActions actions, Outbox& out) {
  const auto& id = entry.transaction.id();
  for (auto& [request, given] : actions.answers) {
    auto found = waiting_.extract(request);
    if (found) out.add([done = std::move(found.mapped()), given]() mutable { done(given); });
  }
  if (actions.wants_producer_id) {
    out.add([self = shared(), id] {
      self->context_->next_producer_id([weak = std::weak_ptr{self}, id](Result<ProducerId> fresh) {
        const auto shard = weak.lock();
        if (!shard) return;
        shard->happens(id, [&fresh](Transaction& transaction, CoordinatorTime now) {
          return transaction.use_producer_id(fresh, now);
        });
      });
    });
  }
  if (!actions.markers.empty()) entry.marker_failed = false;
  for (const auto& partition : actions.markers) write_marker(entry, partition, out);
  if (actions.store) {
    persist(
        entry.transaction.record_of(*actions.store),
        [this, id](ErrorCode error, Outbox& later) {
          if (auto* known = find(id)) perform(*known, known->transaction.stored(error, time()), later);
        },
        out);
  }
  // Not before: a write that failed at once has changed it.
  if (auto* still = find(id)) arm(still->armed, id, still->transaction.next_timer());
}

void TransactionShard::write_marker(Entry& entry, const TopicPartition& partition, Outbox& out) {
  auto marker = entry.transaction.marker();
  const auto epoch = context_->log->leader_epoch(partition_);
  marker.coordinator_epoch = epoch ? epoch->value() : 0;
  out.add(
      [self = shared(), id = entry.transaction.id(), partition, marker, version = entry.transaction.data().version] {
        self->context_->partitions->write_marker(
            partition, marker, version, [weak = std::weak_ptr{self}, id, partition](Result<void> result) {
              const auto shard = weak.lock();
              if (!shard) return;
              // It may come inside of somebody's append, under a lock.
              shard->context_->executor.post([weak, id, partition, result = std::move(result)] {
                if (const auto later = weak.lock()) later->marker_written(id, partition, result);
              });
            });
      });
}

void TransactionShard::marker_written(const std::string& id, const TopicPartition& partition,
                                      const Result<void>& result) {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    auto* entry = find(id);
    if (entry == nullptr || !is_active()) return;
    const auto code = result ? ErrorCode::kNone : result.error().code();
    // A partition that is gone has nothing to decide on; nor has one where a later transaction was begun.
    const bool is_over = code == ErrorCode::kNone || code == ErrorCode::kUnknownTopicOrPartition ||
                         code == ErrorCode::kInvalidProducerEpoch || code == ErrorCode::kTransactionCoordinatorFenced;
    if (is_over) {
      perform(*entry, entry->transaction.marked(partition, time()), out);
    } else {
      // Said once for each transaction, and not of a partition that is still read after a start.
      if (code != ErrorCode::kCoordinatorLoadInProgress && !std::exchange(entry->marker_failed, true)) {
        context_->logger.warn("cannot write the marker of transaction \"{}\" to {}: {}. It is tried again", id,
                              partition.to_string(), result.error().message());
      }
      context_->deadlines->add(context_->clock.now() + kMarkerBackoff, [weak = std::weak_ptr{shared()}, id, partition] {
        const auto self = weak.lock();
        if (!self) return;
        Outbox again;
        {
          const std::lock_guard relock{self->mutex_};
          auto* known = self->find(id);
          const bool wanted =
              known != nullptr && self->is_active() && known->transaction.unmarked().contains(partition);
          if (wanted) self->write_marker(*known, partition, again);
        }
        again.send();
      });
    }
  }
  out.send();
}

void TransactionShard::wake(const std::string& id, TimePoint when, Outbox& out) {
  auto* entry = find(id);
  if (entry == nullptr || entry->armed != when) return;
  entry->armed.reset();
  perform(*entry, entry->transaction.on_timer(time()), out);
}

void TransactionShard::expire() {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    if (!is_active()) return;
    const auto now = context_->clock.wall();
    std::vector<std::string> old;
    for (const auto& [id, entry] : transactions_) {
      if (entry.transaction.is_expired(now, context_->transactions.expiration)) old.push_back(id);
    }
    for (const auto& id : old) {
      transactions_.erase(id);
      persist({.key = {.transactional_id = id}, .value = {}}, [](ErrorCode, Outbox&) {}, out);
    }
  }
  out.send();
}

// --- the log ---------------------------------------------------------------------------------------------------------

void TransactionShard::persist(const protocol::TransactionRecord& record, Then then, Outbox& out) {
  const auto end = write(record);
  if (!end) {
    append_failed(end.error());
    return then(told(end.error()), out);
  }
  append_succeeded();
  await(*end, std::move(then), out);
}

Result<Offset> TransactionShard::write(const protocol::TransactionRecord& record) {
  RecordBatchBuilder builder{context_->buffers, kMostRecordBytes};
  const auto encoded = protocol::encode_transaction_record(record);
  const auto value = encoded.value ? NullableBytes{Bytes{*encoded.value}} : NullableBytes{};
  // An empty builder takes a record of any size.
  (void)builder.try_append(context_->clock.wall(), Bytes{encoded.key}, value);
  MILLRACE_TRY(batch, builder.finish());
  return context_->log->append(partition_, batch.bytes);
}

}  // namespace millrace
