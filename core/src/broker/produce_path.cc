#include "broker/produce_path.h"

#include <fmt/format.h>

#include <mutex>
#include <optional>
#include <utility>

#include "broker/coordinator_topic.h"
#include "record/batch_filter.h"

namespace millrace {
namespace {

/// An acks=all request whose records are written and not yet safe.
///
/// Threading: each partition reports once, and the deadline may come; whoever is last, or the deadline, answers.
class WaitingProduce : public std::enable_shared_from_this<WaitingProduce> {
 public:
  WaitingProduce(ProduceAnswer answer, ProduceDone done, std::size_t waiting)
      : answer_(std::move(answer)), done_(std::move(done)), settled_(answer_.size(), false), left_(waiting) {}

  /// Set before anything can report.
  void set_deadline(DeadlineQueue& queue, TimePoint when) {
    deadlines_ = queue.weak_from_this();
    ticket_ = queue.add(when, [self = shared_from_this()] { self->time_is_over(); });
  }

  void settle(std::size_t index, const Result<void>& safe) {
    ProduceDone done;
    {
      const std::lock_guard lock{mutex_};
      if (!done_ || settled_[index]) return;
      settled_[index] = true;
      if (!safe) answer_[index] = std::unexpected(safe.error());
      if (--left_ > 0) return;
      done = std::exchange(done_, nullptr);
    }
    if (const auto queue = deadlines_.lock()) queue->cancel(ticket_);
    done(std::move(answer_));
  }

  void must_wait(std::size_t index) { waits_.push_back(index); }

 private:
  void time_is_over() {
    ProduceDone done;
    {
      const std::lock_guard lock{mutex_};
      if (!done_) return;
      for (const auto index : waits_) {
        if (settled_[index]) continue;
        answer_[index] =
            fail(ErrorCode::kRequestTimedOut,
                 "the records are written, but were not on stable storage of every in-sync replica in time");
      }
      done = std::exchange(done_, nullptr);
    }
    done(std::move(answer_));
  }

  std::mutex mutex_;
  ProduceAnswer answer_;
  ProduceDone done_;
  std::vector<bool> settled_;
  std::vector<std::size_t> waits_;
  std::size_t left_;
  std::weak_ptr<DeadlineQueue> deadlines_;
  DeadlineQueue::Ticket ticket_;
};

}  // namespace

/// The batches of one call that must not be written before the transaction's coordinator has agreed.
class ProducePath::Claims {
 public:
  /// `checked`: what is to be written; those of other producers than the first are refused.
  explicit Claims(std::vector<Result<Checked>>& checked) : guards_(checked.size(), kAlreadyOpen) {
    for (std::size_t i = 0; i < checked.size(); ++i) {
      if (!checked[i]) continue;
      const auto batch = RecordBatchView::trusted(checked[i]->batch);
      if (!batch.is_transactional()) continue;
      const ProducerIdentity of{.id = batch.producer_id(), .epoch = batch.producer_epoch()};
      if (producer_.id == kNoProducerId) producer_ = of;
      if (of != producer_) {
        checked[i] = fail(ErrorCode::kInvalidProducerIdMapping, "one request has batches of several transactions");
        continue;
      }
      guards_[i] = checked[i]->log->begin_transaction(batch);
      if (guards_[i] == kAlreadyOpen) continue;
      places_.push_back(i);
      partitions_.push_back(checked[i]->partition->name());
    }
  }

  [[nodiscard]] const ProducerIdentity& producer() const { return producer_; }
  /// Of which the coordinator is to be asked, and where in the call they are.
  [[nodiscard]] const std::vector<TopicPartition>& partitions() const { return partitions_; }
  [[nodiscard]] const std::vector<std::size_t>& places() const { return places_; }
  [[nodiscard]] TransactionGuard guard(std::size_t index) const { return guards_[index]; }

 private:
  ProducerIdentity producer_;
  std::vector<TransactionGuard> guards_;
  std::vector<TopicPartition> partitions_;
  std::vector<std::size_t> places_;
};

ProducePath::ProducePath(PartitionTable& partitions, TransactionPath& transactions, DeadlineQueue& deadlines,
                         const Clock& clock, BufferPool& buffers, std::function<void()> appended)
    : partitions_(partitions),
      transactions_(transactions),
      deadlines_(deadlines),
      clock_(clock),
      buffers_(buffers),
      appended_(std::move(appended)) {}

void ProducePath::produce(ProduceCall call, ProduceDone done) {
  if (!call.transactional_id.empty()) return produce_in_transaction(std::move(call), std::move(done));
  std::vector<Result<Written>> written;
  written.reserve(call.partitions.size());
  for (const auto& target : call.partitions) {
    // Checked and written one after the other, while its bytes are in the cache.
    auto one = check(target, call.acks);
    if (!one) {
      written.emplace_back(std::unexpected(std::move(one).error()));
    } else if (RecordBatchView::trusted(one->batch).is_transactional()) {
      written.emplace_back(fail(ErrorCode::kTransactionalIdAuthorizationFailed,
                                "a batch of a transaction needs a request with its transactional id"));
    } else {
      written.push_back(write(*one, {}));
    }
  }
  answer(call.acks, call.timeout, std::move(written), std::move(done));
}

void ProducePath::produce_in_transaction(ProduceCall call, ProduceDone done) {
  std::vector<Result<Checked>> checked;
  checked.reserve(call.partitions.size());
  for (const auto& target : call.partitions) checked.push_back(check(target, call.acks));
  Claims claims{checked};
  auto go_on = [this, acks = call.acks, timeout = call.timeout, claims, checked = std::move(checked),
                done = std::move(done)](const std::vector<ErrorCode>& codes) mutable {
    for (std::size_t i = 0; i < codes.size(); ++i) {
      if (codes[i] == ErrorCode::kNone) continue;
      checked[claims.places()[i]] =
          fail(codes[i], fmt::format("{}: the producer's transaction does not go on in this partition",
                                     claims.partitions()[i].to_string()));
    }
    std::vector<Result<Written>> written;
    written.reserve(checked.size());
    for (std::size_t i = 0; i < checked.size(); ++i) {
      auto& one = checked[i];
      written.push_back(one ? write(*one, {.guard = claims.guard(i)})
                            : Result<Written>{std::unexpected(std::move(one).error())});
    }
    answer(acks, timeout, std::move(written), std::move(done));
  };
  if (claims.partitions().empty()) return go_on({});
  transactions_.claim(call.transactional_id, claims.producer(), claims.partitions(), call.transactions,
                      std::move(go_on));
}

void ProducePath::answer(std::int16_t acks, Duration timeout, std::vector<Result<Written>> written, ProduceDone done) {
  ProduceAnswer answer;
  answer.reserve(written.size());
  std::vector<std::pair<std::size_t, Written>> waiting;
  bool wrote = false;
  for (auto& one : written) {
    if (!one) {
      answer.emplace_back(std::unexpected(std::move(one).error()));
      continue;
    }
    wrote = wrote || !one->info.duplicate;
    answer.emplace_back(one->info);
    const auto end = one->info.last_offset + 1;
    if (acks == kAcksAll && one->log->high_watermark() < end) waiting.emplace_back(answer.size() - 1, *std::move(one));
  }
  if (wrote) appended_();
  if (waiting.empty()) return done(std::move(answer));

  const auto request = std::make_shared<WaitingProduce>(std::move(answer), std::move(done), waiting.size());
  for (const auto& [index, one] : waiting) request->must_wait(index);
  request->set_deadline(deadlines_, clock_.now() + timeout);
  for (const auto& [index, one] : waiting) {
    one.log->when_high_watermark(one.info.last_offset + 1,
                                 [request, at = index](const Result<void>& safe) { request->settle(at, safe); });
  }
}

Result<ProducePath::Checked> ProducePath::check(const ProducePartition& target, std::int16_t acks) const {
  if (acks < kAcksAll || acks > 1) {
    return fail(ErrorCode::kInvalidRequiredAcks,
                fmt::format("acks={} asks for more replicas than there are; use 0, 1 or all", acks));
  }
  MILLRACE_TRY(partition, partitions_.find(target.topic, target.partition));
  if (is_coordinator_topic(partition->name().topic)) {
    return fail(ErrorCode::kInvalidTopic,
                fmt::format("topic \"{}\" is the broker's own and cannot be written", partition->name().topic));
  }
  MILLRACE_TRY(log, partition->log());
  if (const auto needed = partition->min_insync_replicas(); acks == kAcksAll && needed > 1) {
    return fail(ErrorCode::kNotEnoughReplicas, fmt::format("{} has 1 replica in sync, but min.insync.replicas is {}",
                                                           partition->name().to_string(), needed));
  }
  const auto config = log->config();
  const auto named = [&name = partition->name()](const Error& error) {
    return std::unexpected(Error{error}.in(name.to_string()));
  };
  const auto checked = check_produced_batch(target.batches, config.produce_limits(), clock_.wall(), buffers_);
  if (!checked) return named(checked.error());
  Checked ready{.partition = std::move(partition), .log = std::move(log), .batch = target.batches, .recompressed = {}};
  if (config.compression && *config.compression != checked->compression()) {
    auto packed = recompress_batch(*checked, *config.compression, config.compression_level, buffers_);
    if (!packed) return named(packed.error());
    ready.recompressed = *std::move(packed);
    ready.batch = ready.recompressed.bytes;
    if (ready.batch.size() > static_cast<std::size_t>(config.max_message_bytes)) {
      return named({ErrorCode::kMessageTooLarge,
                    fmt::format("with compression.type={} a batch has {} bytes, more than max.message.bytes, {}",
                                name_of(*config.compression), ready.batch.size(), config.max_message_bytes)});
    }
  }
  return ready;
}

Result<ProducePath::Written> ProducePath::write(const Checked& checked, const AppendOptions& options) {
  auto info = checked.log->append(checked.batch, checked.partition->epoch(), options);
  if (!info) return std::unexpected(checked.partition->told(std::move(info).error()));
  return Written{checked.log, *info};
}

}  // namespace millrace
