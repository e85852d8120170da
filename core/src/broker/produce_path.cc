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

ProducePath::ProducePath(PartitionTable& partitions, DeadlineQueue& deadlines, const Clock& clock, BufferPool& buffers,
                         std::function<void()> appended)
    : partitions_(partitions),
      deadlines_(deadlines),
      clock_(clock),
      buffers_(buffers),
      appended_(std::move(appended)) {}

void ProducePath::produce(ProduceCall call, ProduceDone done) {
  ProduceAnswer answer;
  answer.reserve(call.partitions.size());
  std::vector<std::pair<std::size_t, Written>> waiting;
  bool wrote = false;
  for (const auto& target : call.partitions) {
    auto written = append(target, call.acks);
    if (!written) {
      answer.emplace_back(std::unexpected(std::move(written).error()));
      continue;
    }
    wrote = wrote || !written->info.duplicate;
    answer.emplace_back(written->info);
    const auto end = written->info.last_offset + 1;
    if (call.acks == kAcksAll && written->log->high_watermark() < end) {
      waiting.emplace_back(answer.size() - 1, *std::move(written));
    }
  }
  if (wrote) appended_();
  if (waiting.empty()) return done(std::move(answer));

  const auto request = std::make_shared<WaitingProduce>(std::move(answer), std::move(done), waiting.size());
  for (const auto& [index, written] : waiting) request->must_wait(index);
  request->set_deadline(deadlines_, clock_.now() + call.timeout);
  for (const auto& [index, written] : waiting) {
    written.log->when_high_watermark(written.info.last_offset + 1,
                                     [request, at = index](const Result<void>& safe) { request->settle(at, safe); });
  }
}

Result<ProducePath::Written> ProducePath::append(const ProducePartition& target, std::int16_t acks) {
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
  const auto named = [&](const Error& error) {
    return std::unexpected(Error{error}.in(partition->name().to_string()));
  };
  const auto checked = check_produced_batch(target.batches, config.produce_limits(), clock_.wall(), buffers_);
  if (!checked) return named(checked.error());
  auto batch = target.batches;
  PooledBytes recompressed;
  if (config.compression && *config.compression != checked->compression()) {
    auto packed = recompress_batch(*checked, *config.compression, config.compression_level, buffers_);
    if (!packed) return named(packed.error());
    recompressed = *std::move(packed);
    batch = recompressed.bytes;
    if (batch.size() > static_cast<std::size_t>(config.max_message_bytes)) {
      return named({ErrorCode::kMessageTooLarge,
                    fmt::format("with compression.type={} a batch has {} bytes, more than max.message.bytes, {}",
                                name_of(*config.compression), batch.size(), config.max_message_bytes)});
    }
  }
  auto info = log->append(batch, partition->epoch());
  if (!info) return std::unexpected(partition->told(std::move(info).error()));
  return Written{std::move(log), *info};
}

}  // namespace millrace
