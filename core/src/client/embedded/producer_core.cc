#include "client/embedded/producer_core.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/deadline.h"
#include "client/client_config.h"
#include "client/embedded/wait_for.h"
#include "client/murmur2.h"
#include "client/partitioner.h"

namespace millrace {
namespace {

std::size_t size_of(const ProducerRecord& record) {
  auto size = record.key.size() + record.value.size();
  for (const auto& header : record.headers) size += header.name.size() + header.value.size();
  return size;
}

}  // namespace

ProducerSettings::ProducerSettings(const Properties& properties) {
  const auto& table = producer_config_table();
  const auto acks_word = table.get_string(properties, "acks");
  acks = acks_word == "0" ? kAcksNone : acks_word == "1" ? kAcksLeader : kAcksAll;
  idempotent = table.get_bool(properties, "enable.idempotence") && acks == kAcksAll;
  batch_bytes = static_cast<std::size_t>(table.get_long(properties, "batch.size"));
  linger = std::chrono::duration_cast<Duration>(
      std::chrono::duration<double, std::milli>(table.get_double(properties, "linger.ms")));
  attributes.compression = compression_from(table.get_string(properties, "compression.type")).value();
  const auto level = table.get_long(properties, "compression.level");
  if (level >= 0) attributes.level = static_cast<int>(level);
  buffer_bytes = static_cast<std::size_t>(table.get_long(properties, "buffer.memory"));
  max_block = std::chrono::milliseconds{table.get_long(properties, "max.block.ms")};
  max_record_bytes = static_cast<std::size_t>(table.get_long(properties, "message.max.bytes"));
  max_in_flight = static_cast<std::size_t>(table.get_long(properties, "max.in.flight.requests.per.connection"));
  delivery_timeout = std::chrono::milliseconds{table.get_long(properties, "delivery.timeout.ms")};
  round_robin = table.get_string(properties, "partitioner") == "round_robin";
  transactional_id = table.get_string(properties, "transactional.id");
  transaction_timeout = std::chrono::milliseconds{table.get_long(properties, "transaction.timeout.ms")};
  attributes.transactional = is_transactional();
}

void ProducerCore::start() {
  if (!settings_.idempotent || settings_.is_transactional()) return;
  context_.broker->init_producer_id(
      [self = shared_from_this()](Result<ProducerIdentity> identity) { self->got_identity(std::move(identity)); });
}

// --- from record to batch --------------------------------------------------------------------------------------------

Result<void> ProducerCore::send_all(std::span<const ProducerRecord> records) {
  const auto now = context_.clock.wall();
  Lock lock{mutex_};
  for (const auto& record : records) {
    const bool is_chosen = partitioner_ && !record.partition;
    MILLRACE_CHECK(is_chosen ? add_chosen(lock, record, now) : add(lock, record, now));
  }
  return {};
}

Result<void> ProducerCore::add_chosen(Lock& lock, const ProducerRecord& record, Timestamp now) {
  MILLRACE_CHECK(may_add(record, size_of(record)));
  MILLRACE_TRY(topic, find_topic(lock, record.topic));
  const auto partitions = static_cast<std::int32_t>(topic->partitions.size());
  lock.unlock();
  auto chosen = ask_partitioner(partitioner_, record, partitions);
  lock.lock();
  MILLRACE_CHECK(chosen);
  auto placed = record;
  placed.partition = *chosen;
  return add(lock, placed, now);
}

Result<void> ProducerCore::may_add(const ProducerRecord& record, std::size_t size) const {
  if (closed_) return closed_producer();
  if (!steps_.takes_records()) [[unlikely]]
    return steps_.may_send();
  if (size > settings_.max_record_bytes) [[unlikely]] {
    return fail(ErrorCode::kMessageTooLarge,
                fmt::format("a record for \"{}\" has {} bytes, but message.max.bytes is {}", record.topic, size,
                            settings_.max_record_bytes));
  }
  return {};
}

Result<void> ProducerCore::add(Lock& lock, const ProducerRecord& record, Timestamp now) {
  const auto size = size_of(record);
  MILLRACE_CHECK(may_add(record, size));
  if (buffered_bytes_ > 0 && buffered_bytes_ + size > settings_.buffer_bytes) [[unlikely]] {
    MILLRACE_CHECK(wait_for_room(lock, size));
  }
  MILLRACE_TRY(topic, find_topic(lock, record.topic));
  // The lock was away, perhaps.
  if (!steps_.takes_records()) [[unlikely]]
    return steps_.may_send();
  MILLRACE_TRY(partition, choose_partition(*topic, record));
  if (partition->failed) [[unlikely]] {
    auto error = *std::move(partition->failed);
    partition->failed.reset();
    return std::unexpected(std::move(error));
  }
  const auto timestamp = record.timestamp.value_or(now);
  if (!partition->open) {
    open_batch(*partition);
    note_new_partitions(*topic);
  }
  const auto before = partition->open->builder.size();
  if (!partition->open->builder.try_append(timestamp, record.key, record.value, record.headers)) {
    seal(*partition);
    if (!record.partition && record.key.is_null() && !settings_.round_robin && topic->partitions.size() > 1) {
      // The batch is full: the next one is another partition's.
      topic->sticky = (topic->sticky + 1) % topic->partitions.size();
      partition = &topic->partitions[topic->sticky];
      if (partition->failed) return add(lock, record, now);
    }
    if (!partition->open) open_batch(*partition);
    return add(lock, record, now);
  }
  auto& batch = *partition->open;
  const auto added = batch.builder.size() - before;
  batch.bytes += added;
  buffered_bytes_ += added;
  ++batch.count;
  if (listener_) batch.tokens.push_back(record.token);
  if (batch.builder.size() >= settings_.batch_bytes) seal(*partition);
  return {};
}

Result<ProducerTopic*> ProducerCore::find_topic(Lock& lock, std::string_view name) {
  if (last_topic_ != nullptr && last_topic_->name == name) [[likely]]
    return last_topic_;
  const auto found = topics_.find(std::string{name});
  if (found == topics_.end()) return open_topic(lock, name);
  last_topic_ = found->second.get();
  return last_topic_;
}

Result<ProducerTopic*> ProducerCore::open_topic(Lock& lock, std::string_view name) {
  auto image = context_.broker->metadata()->topic(name);
  if (!image) {
    lock.unlock();
    struct Created {};
    const auto created =
        wait_for<Created>(fmt::format("creating topic \"{}\"", name), settings_.max_block, [&](auto done) {
          context_.broker->ensure_topics({std::string{name}}, [done = std::move(done)]() mutable { done(Created{}); });
        });
    lock.lock();
    if (!created) return std::unexpected(created.error());
    image = context_.broker->metadata()->topic(name);
  }
  if (!image) {
    return fail(ErrorCode::kUnknownTopicOrPartition,
                fmt::format("there is no topic \"{}\", and it could not be created by itself", name));
  }
  auto& topic = topics_[std::string{name}];
  // Another thread may have been quicker while the lock was away.
  if (!topic) {
    topic = std::make_unique<ProducerTopic>();
    topic->name = name;
  }
  note_new_partitions(*topic);
  last_topic_ = topic.get();
  return last_topic_;
}

void ProducerCore::note_new_partitions(ProducerTopic& topic) {
  const auto image = context_.broker->metadata()->topic(topic.name);
  while (image && topic.partitions.size() < image->partitions.size()) {
    const PartitionIndex index{static_cast<std::int32_t>(topic.partitions.size())};
    topic.partitions.emplace_back(TopicPartition{topic.name, index});
  }
}

Result<ProducerPartition*> ProducerCore::choose_partition(ProducerTopic& topic, const ProducerRecord& record) {
  auto& partitions = topic.partitions;
  if (record.partition) {
    const auto index = static_cast<std::size_t>(record.partition->value());
    if (record.partition->value() < 0 || index >= partitions.size()) {
      return fail(ErrorCode::kUnknownTopicOrPartition,
                  fmt::format("topic \"{}\" has {} partitions, and no partition {}", topic.name, partitions.size(),
                              record.partition->value()));
    }
    return &partitions[index];
  }
  if (partitions.size() == 1) return &partitions.front();
  if (settings_.round_robin) return &partitions[topic.round_robin++ % partitions.size()];
  if (record.key.is_null()) return &partitions[topic.sticky];
  const auto index = partition_of_key(record.key.bytes(), static_cast<std::int32_t>(partitions.size()));
  return &partitions[static_cast<std::size_t>(index.value())];
}

void ProducerCore::open_batch(ProducerPartition& partition) {
  partition.open.emplace(
      OutgoingBatch{.builder = RecordBatchBuilder{context_.buffers, settings_.batch_bytes, settings_.attributes}});
  partition.open->due = context_.clock.now() + settings_.linger;
  partition.open->generation = generation_;
  ++unreported_[generation_];
  schedule_linger(partition.open->due);
}

void ProducerCore::seal(ProducerPartition& partition) {
  if (!partition.open || partition.open->count == 0) return;
  partition.sealed.push_back(*std::move(partition.open));
  partition.open.reset();
  drain_soon(partition);
}

void ProducerCore::seal_all() {
  for (auto& [name, topic] : topics_) {
    for (auto& partition : topic->partitions) seal(partition);
  }
}

// --- linger ----------------------------------------------------------------------------------------------------------

void ProducerCore::schedule_linger(TimePoint due) {
  if (linger_timer_ && *linger_timer_ <= due) return;
  linger_timer_ = due;
  timers_->add(due, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->seal_due();
  });
}

void ProducerCore::seal_due() {
  const Lock lock{mutex_};
  if (is_detached_) return;
  linger_timer_.reset();
  const auto now = context_.clock.now();
  std::optional<TimePoint> next;
  for (auto& [name, topic] : topics_) {
    for (auto& partition : topic->partitions) {
      if (!partition.open) continue;
      if (partition.open->due <= now && partition.open->count > 0) {
        seal(partition);
      } else if (!next || partition.open->due < *next) {
        next = partition.open->due;
      }
    }
    if (topic->partitions.size() > 1) topic->sticky = (topic->sticky + 1) % topic->partitions.size();
  }
  if (next) schedule_linger(*next);
}

Result<void> ProducerCore::wait_for_room(Lock& lock, std::size_t size) {
  // What waits in open batches would wait for ever.
  seal_all();
  const auto until = deadline_in(settings_.max_block);
  const auto has_room = [&] {
    return closed_ || buffered_bytes_ == 0 || buffered_bytes_ + size <= settings_.buffer_bytes;
  };
  if (!changed_.wait_until(lock, until, has_room)) {
    return fail(ErrorCode::kTimedOut,
                fmt::format("no room for a record within max.block.ms: {} bytes wait, buffer.memory is {}",
                            buffered_bytes_, settings_.buffer_bytes));
  }
  if (closed_) return closed_producer();
  return {};
}

// --- from batch to broker --------------------------------------------------------------------------------------------

void ProducerCore::drain_soon(ProducerPartition& partition) {
  if (partition.is_draining || is_detached_) return;
  partition.is_draining = true;
  context_.executor.post([self = shared_from_this(), &partition] { self->drain(partition); });
}

void ProducerCore::drain(ProducerPartition& partition) {
  Lock lock{mutex_};
  for (;;) {
    const bool may_write = !is_detached_ && !partition.sealed.empty() &&
                           partition.in_flight.size() < settings_.max_in_flight &&
                           (!settings_.idempotent || identity_ || identity_error_) && is_part(partition);
    if (!may_write) break;
    partition.in_flight.push_back(std::move(partition.sealed.front()));
    partition.sealed.pop_front();
    auto& batch = partition.in_flight.back();
    if (partition.failed || identity_error_) {
      batch.report = std::unexpected(partition.failed ? *partition.failed : *identity_error_);
      report(lock, partition);
    } else {
      write(lock, partition, batch);
    }
  }
  partition.is_draining = false;
  ask_for_parts(lock);
}

void ProducerCore::write(Lock& lock, ProducerPartition& partition, OutgoingBatch& batch) {
  BatchProducer producer;
  if (settings_.idempotent) {
    producer = {.id = identity_->id, .epoch = identity_->epoch, .base_sequence = partition.next_sequence};
  }
  ++outside_;
  lock.unlock();
  const auto count = batch.count;
  const bool used_up = append(partition, batch, producer);
  lock.lock();
  --outside_;
  changed_.notify_all();
  // Sequences wrap after 2^31 - 1, as in Kafka.
  if (used_up) {
    partition.next_sequence = static_cast<std::int32_t>((std::int64_t{partition.next_sequence} + count) & 0x7fffffff);
  }
}

bool ProducerCore::append(ProducerPartition& partition, OutgoingBatch& batch, const BatchProducer& producer) {
  auto packed = batch.builder.finish(producer);
  if (!packed) {
    written(partition, batch, std::unexpected(std::move(packed).error()));
    return false;
  }
  batch.packed = *std::move(packed);
  ProduceCall call{.partitions = {},
                   .transactional_id = settings_.transactional_id,
                   .transactions = TransactionSupport::kVerifyOrAbort,
                   .acks = settings_.acks,
                   .timeout = settings_.delivery_timeout};
  call.partitions.push_back(
      {.topic = {.name = partition.name.topic}, .partition = partition.name.partition, .batches = batch.packed.bytes});
  // Set when the append itself was refused. The answer may come later and from another thread, but not this one.
  const auto refused = std::make_shared<std::atomic<bool>>(false);
  context_.broker->produce(std::move(call), [self = shared_from_this(), &partition, &batch,
                                             refused](ProduceAnswer answer) {
    Result<Offset> result = kNoOffset;
    if (answer.front()) {
      result = answer.front()->base_offset;
    } else {
      const auto code = answer.front().error().code();
      *refused = code != ErrorCode::kRequestTimedOut && code != ErrorCode::kStorageError && code != ErrorCode::kClosed;
      result = std::unexpected(std::move(answer.front()).error());
    }
    self->written(partition, batch, std::move(result));
  });
  return !*refused;
}

void ProducerCore::written(ProducerPartition& partition, OutgoingBatch& batch, Result<Offset> result) {
  Lock lock{mutex_};
  batch.report = std::move(result);
  report(lock, partition);
  if (!partition.sealed.empty()) drain_soon(partition);
}

void ProducerCore::report(Lock& lock, ProducerPartition& partition) {
  if (partition.is_reporting) return;
  partition.is_reporting = true;
  while (!partition.in_flight.empty() && partition.in_flight.front().report) {
    auto batch = std::move(partition.in_flight.front());
    partition.in_flight.pop_front();
    if (!*batch.report) {
      if (!partition.failed) partition.failed = batch.report->error();
      if (!first_error_) first_error_ = batch.report->error();
      if (steps_.is_transactional()) steps_.failed(batch.report->error());
    }
    if (listener_ && !is_detached_) {
      ++outside_;
      lock.unlock();
      listener_({.partition = partition.name, .base_offset = *batch.report, .tokens = batch.tokens});
      lock.lock();
      --outside_;
    }
    buffered_bytes_ -= batch.bytes;
    if (const auto left = unreported_.find(batch.generation); --left->second == 0) unreported_.erase(left);
    changed_.notify_all();
  }
  partition.is_reporting = false;
}

void ProducerCore::got_identity(Result<ProducerIdentity> identity) {
  const Lock lock{mutex_};
  if (identity) {
    identity_ = *identity;
  } else {
    identity_error_ = std::move(identity).error();
  }
  for (auto& [name, topic] : topics_) {
    for (auto& partition : topic->partitions) {
      if (!partition.sealed.empty()) drain_soon(partition);
    }
  }
}

// --- flush and close -------------------------------------------------------------------------------------------------

Result<void> ProducerCore::flush(Duration timeout) {
  Lock lock{mutex_};
  seal_all();
  const auto until = deadline_in(timeout);
  // What is sent while this waits is another flush's.
  const auto mine = generation_++;
  const auto is_done = [&] { return unreported_.empty() || unreported_.begin()->first > mine; };
  if (!changed_.wait_until(lock, until, is_done)) {
    return fail(ErrorCode::kTimedOut, "flush: not all batches are stored in time");
  }
  if (!first_error_) return {};
  auto error = *std::move(first_error_);
  first_error_.reset();
  for (auto& [name, topic] : topics_) {
    for (auto& partition : topic->partitions) partition.failed.reset();
  }
  return std::unexpected(std::move(error));
}

Result<void> ProducerCore::close(Duration timeout) {
  bool has_to_abort = false;
  {
    const Lock lock{mutex_};
    if (closed_) return {};
    has_to_abort = steps_.has_to_abort();
  }
  auto flushed = has_to_abort ? abort_transaction(timeout) : flush(timeout);
  const Lock lock{mutex_};
  closed_ = true;
  changed_.notify_all();
  timers_->close();
  return flushed;
}

void ProducerCore::detach() {
  Lock lock{mutex_};
  is_detached_ = true;
  changed_.wait(lock, [&] { return outside_ == 0; });
}

}  // namespace millrace
