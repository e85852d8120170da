#include "client/kafka/kafka_producer.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/client_config.h"
#include "client/murmur2.h"
#include "client/partitioner.h"

namespace millrace {
namespace {

// How long the reporting thread waits between two looks when nothing wakes it.
constexpr std::chrono::seconds kReportWait{10};
// A topic may have got more partitions.
constexpr std::chrono::seconds kTopicAge{60};
// librdkafka counts a record's overhead, and a batch must fit into a request.
constexpr std::int64_t kRequestOverhead = 64 << 10;
constexpr std::int64_t kLargestRequest = 1'000'000'000;

/// Our keys as librdkafka's.
std::map<std::string, std::string> producer_settings(const std::string& brokers, const Properties& properties) {
  const auto& table = producer_config_table();
  const auto text = [&](std::string_view key) { return table.get_string(properties, key); };
  const auto acks = text("acks");
  const bool all = acks == "all" || acks == "-1";
  const auto request =
      std::max(table.get_long(properties, "message.max.bytes"), table.get_long(properties, "batch.size"));
  const auto kilobytes = std::max<std::int64_t>(table.get_long(properties, "buffer.memory") / 1024, 1);
  const auto delivery = table.get_long(properties, "delivery.timeout.ms");
  const auto transaction = table.get_long(properties, "transaction.timeout.ms");
  const bool is_transactional = !text("transactional.id").empty();
  std::map<std::string, std::string> settings{
      {"bootstrap.servers", brokers},
      {"client.id", text("client.id")},
      {"acks", acks},
      {"enable.idempotence", all && table.get_bool(properties, "enable.idempotence") ? "true" : "false"},
      {"batch.size", text("batch.size")},
      {"linger.ms", text("linger.ms")},
      {"compression.codec", text("compression.type")},
      {"compression.level", text("compression.level")},
      {"queue.buffering.max.kbytes", std::to_string(std::min<std::int64_t>(kilobytes, 2147483647))},
      {"queue.buffering.max.messages", "10000000"},
      {"batch.num.messages", "1000000"},
      {"message.max.bytes", std::to_string(std::min(request + kRequestOverhead, kLargestRequest))},
      {"max.in.flight.requests.per.connection", text("max.in.flight.requests.per.connection")},
      // A record that outlives its transaction is of no use.
      {"message.timeout.ms", std::to_string(is_transactional ? std::min(delivery, transaction) : delivery)},
      {"retries", text("retries")}};
  if (is_transactional) {
    settings["transactional.id"] = text("transactional.id");
    settings["transaction.timeout.ms"] = text("transaction.timeout.ms");
  }
  return settings;
}

std::size_t bytes_of(const ProducerRecord& record) {
  auto size = record.key.size() + record.value.size();
  for (const auto& header : record.headers) size += header.name.size() + header.value.size();
  return size;
}

}  // namespace

KafkaProducerSettings::KafkaProducerSettings(const Properties& properties) {
  const auto& table = producer_config_table();
  max_block = std::chrono::milliseconds{table.get_long(properties, "max.block.ms")};
  max_record_bytes = static_cast<std::size_t>(table.get_long(properties, "message.max.bytes"));
  round_robin = table.get_string(properties, "partitioner") == "round_robin";
  batch_bytes = static_cast<std::size_t>(table.get_long(properties, "batch.size"));
}

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::make(std::shared_ptr<KafkaContext> context,
                                                           const Properties& properties, DeliveryListener listener,
                                                           Partitioner partitioner) {
  MILLRACE_CHECK(check_transactions(properties));
  MILLRACE_TRY(conf, make_conf(producer_settings(context->brokers, properties)));
  rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_DR);
  MILLRACE_TRY(handle, make_handle(RD_KAFKA_PRODUCER, std::move(conf)));
  return std::unique_ptr<KafkaProducer>{new KafkaProducer{std::move(context), properties, std::move(listener),
                                                          std::move(partitioner), std::move(handle)}};
}

KafkaProducer::KafkaProducer(std::shared_ptr<KafkaContext> context, const Properties& properties,
                             DeliveryListener listener, Partitioner partitioner, RdHandle handle)
    : context_(std::move(context)),
      settings_(properties),
      listener_(std::move(listener)),
      partitioner_(std::move(partitioner)),
      handle_(std::move(handle)),
      steps_(producer_config_table().get_string(properties, "transactional.id")),
      is_transactional_(steps_.is_transactional()),
      queue_(rd_kafka_queue_get_main(handle_.get())),
      reporter_([this] { report(); }) {}

KafkaProducer::~KafkaProducer() {
  const auto closed = close(kFarewellPatience);
  // A listener has heard it too; without one nobody would.
  if (!closed && context_->logger != nullptr) {
    context_->logger->warn("a producer ended, and not all that was sent is stored: {}", closed.error().message());
  }
  stop_ = true;
  rd_kafka_queue_yield(queue_.get());
  reporter_.join();
}

// --- sending ---------------------------------------------------------------------------------------------------------

Result<void> KafkaProducer::send(const ProducerRecord& record) {
  const auto size = bytes_of(record);
  if (size > settings_.max_record_bytes) {
    return fail(ErrorCode::kMessageTooLarge,
                fmt::format("a record for \"{}\" has {} bytes, but message.max.bytes is {}", record.topic, size,
                            settings_.max_record_bytes));
  }
  MILLRACE_TRY(target, target_of(record, size));
  RdHeaders headers;
  if (!record.headers.empty()) {
    headers.reset(rd_kafka_headers_new(record.headers.size()));
    for (const auto& header : record.headers) {
      rd_kafka_header_add(headers.get(), header.name.data(), static_cast<ssize_t>(header.name.size()),
                          header.value.bytes().data(), static_cast<ssize_t>(header.value.size()));
    }
  }
  // librdkafka copies what these point to: it only has no const.
  const auto bytes = [](rd_kafka_vtype_t type, const NullableBytes& value) {
    rd_kafka_vu_t field{};
    field.vtype = type;
    field.u.mem.ptr = const_cast<std::byte*>(value.bytes().data());
    field.u.mem.size = value.size();
    return field;
  };
  rd_kafka_vu_t fields[8]{};
  std::size_t count = 0;
  fields[count].vtype = RD_KAFKA_VTYPE_RKT;
  fields[count++].u.rkt = target.topic;
  fields[count].vtype = RD_KAFKA_VTYPE_PARTITION;
  fields[count++].u.i32 = target.partition;
  fields[count].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  fields[count++].u.i = RD_KAFKA_MSG_F_COPY;
  fields[count].vtype = RD_KAFKA_VTYPE_OPAQUE;
  fields[count++].u.ptr = reinterpret_cast<void*>(record.token);  // NOLINT: no pointer; it comes back as it is
  fields[count++] = bytes(RD_KAFKA_VTYPE_KEY, record.key);
  fields[count++] = bytes(RD_KAFKA_VTYPE_VALUE, record.value);
  if (record.timestamp) {
    fields[count].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
    fields[count++].u.i64 = record.timestamp->time_since_epoch().count();
  }
  if (headers) {
    fields[count].vtype = RD_KAFKA_VTYPE_HEADERS;
    fields[count++].u.headers = headers.get();
  }
  const auto until = deadline_in(settings_.max_block);
  for (;;) {
    RdError error{rd_kafka_produceva(handle_.get(), fields, count)};
    if (!error) {
      (void)headers.release();  // the message's now
      return {};
    }
    if (rd_kafka_error_code(error.get()) != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      if (is_transactional_) return refused_record(std::move(error));
      return rd_result(fmt::format("cannot send to \"{}\"", record.topic), std::move(error));
    }
    MILLRACE_CHECK(wait_for_room(until));
  }
}

Result<void> KafkaProducer::wait_for_room(TimePoint until) {
  std::unique_lock lock{mutex_};
  const auto seen = reported_;
  // A report may have come just before; then there is room, or the next one is not far.
  constexpr std::chrono::milliseconds kLookAgain{20};
  const auto look_again = std::min(until, std::chrono::steady_clock::now() + kLookAgain);
  room_.wait_until(lock, look_again, [&] { return closed_ || reported_ != seen; });
  if (closed_) return closed_producer();
  if (std::chrono::steady_clock::now() < until) return {};
  return fail(ErrorCode::kTimedOut, "no room for a record within max.block.ms: buffer.memory is spent");
}

Result<KafkaProducer::Target> KafkaProducer::target_of(const ProducerRecord& record, std::size_t size) {
  std::unique_lock lock{mutex_};
  if (closed_) return closed_producer();
  MILLRACE_CHECK(steps_.may_send());
  MILLRACE_TRY(topic, open_topic(lock, record.topic));
  MILLRACE_TRY(wanted, wanted_partition(lock, *topic, record));
  const auto partition = wanted ? wanted->value() : choose(*topic, record, size);
  if (partition < 0 || partition >= topic->partitions) {
    return fail(ErrorCode::kUnknownTopicOrPartition, fmt::format("topic \"{}\" has {} partitions, and no partition {}",
                                                                 record.topic, topic->partitions, partition));
  }
  if (!failed_.empty()) [[unlikely]] {
    const auto found = failed_.find({std::string{record.topic}, PartitionIndex{partition}});
    if (found != failed_.end()) {
      auto error = std::move(found->second);
      failed_.erase(found);
      return std::unexpected(std::move(error));
    }
  }
  return Target{topic->handle.get(), partition};
}

Result<KafkaTopic*> KafkaProducer::open_topic(std::unique_lock<std::mutex>& lock, std::string_view name) {
  const auto now = std::chrono::steady_clock::now();
  const auto known = topics_.find(name);
  if (known != topics_.end() && now < known->second.looked_at + kTopicAge) return &known->second;
  lock.unlock();
  auto found = context_->cluster->topic_to_write(name, deadline_in(settings_.max_block));
  lock.lock();
  // A topic that is known is written to also while the cluster does not answer.
  if (!found && known == topics_.end()) return std::unexpected(std::move(found).error());
  auto& topic = topics_[std::string{name}];
  topic.looked_at = now;
  if (found) topic.partitions = std::max(topic.partitions, static_cast<std::int32_t>(found->partitions.size()));
  if (!topic.handle) {
    topic.handle.reset(rd_kafka_topic_new(handle_.get(), std::string{name}.c_str(), nullptr));
    if (!topic.handle) return rd_fail(fmt::format("cannot open topic \"{}\"", name), rd_kafka_last_error());
  }
  return &topic;
}

Result<std::optional<PartitionIndex>> KafkaProducer::wanted_partition(std::unique_lock<std::mutex>& lock,
                                                                      const KafkaTopic& topic,
                                                                      const ProducerRecord& record) {
  if (record.partition || !partitioner_) return record.partition;
  const auto partitions = topic.partitions;
  lock.unlock();
  auto chosen = ask_partitioner(partitioner_, record, partitions);
  lock.lock();
  if (closed_) return closed_producer();
  MILLRACE_CHECK(steps_.may_send());
  return chosen;
}

std::int32_t KafkaProducer::choose(KafkaTopic& topic, const ProducerRecord& record, std::size_t size) const {
  const auto count = topic.partitions;
  if (count <= 1) return 0;
  if (settings_.round_robin) return static_cast<std::int32_t>(topic.turn++ % static_cast<std::uint32_t>(count));
  if (!record.key.is_null()) return partition_of_key(record.key.bytes(), count).value();
  if (topic.sticky_bytes >= settings_.batch_bytes) {
    topic.sticky = (topic.sticky + 1) % count;
    topic.sticky_bytes = 0;
  }
  topic.sticky_bytes += size;
  return topic.sticky;
}

// --- reports ---------------------------------------------------------------------------------------------------------

void KafkaProducer::report() {
  while (!stop_) {
    const RdEvent event{rd_kafka_queue_poll(queue_.get(), rd_timeout(kReportWait))};
    if (event && rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_DR) take(event.get());
  }
}

void KafkaProducer::take(rd_kafka_event_t* event) {
  std::vector<const rd_kafka_message_t*> messages(rd_kafka_event_message_count(event));
  messages.resize(rd_kafka_event_message_array(event, messages.data(), messages.size()));
  // One call for neighbours: of one partition, with one fate, and offsets without a gap.
  const auto belongs = [](const rd_kafka_message_t& first, const rd_kafka_message_t& next, std::int64_t distance) {
    const bool in_line = first.offset < 0 ? next.offset < 0 : next.offset == first.offset + distance;
    return next.rkt == first.rkt && next.partition == first.partition && next.err == first.err && in_line;
  };
  for (std::size_t begin = 0; begin < messages.size();) {
    auto end = begin + 1;
    while (end < messages.size() && belongs(*messages[begin], *messages[end], static_cast<std::int64_t>(end - begin))) {
      ++end;
    }
    tell(std::span{messages}.subspan(begin, end - begin));
    begin = end;
  }
  const std::lock_guard lock{mutex_};
  ++reported_;
  room_.notify_all();
}

void KafkaProducer::tell(std::span<const rd_kafka_message_t* const> messages) {
  const auto& first = *messages.front();
  const TopicPartition partition{rd_kafka_topic_name(first.rkt), PartitionIndex{first.partition}};
  Result<Offset> base = Offset{first.offset};
  const bool is_purged = first.err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || first.err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
  if (is_transactional_ && is_purged) {
    base = std::unexpected(dropped_by_abort());
  } else if (first.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    base = rd_fail(fmt::format("{} records for {} were not stored", messages.size(), partition.to_string()), first.err);
    const std::lock_guard lock{mutex_};
    failed_.insert_or_assign(partition, base.error());
    if (!first_error_) first_error_ = base.error();
    // Whether the producer can go on librdkafka says with the next call.
    steps_.must_abort(base.error());
  } else if (first.offset < 0) {
    base = kNoOffset;  // acks=0: nobody says
  }
  if (!listener_) return;
  std::vector<std::uint64_t> tokens;
  tokens.reserve(messages.size());
  for (const auto* message : messages) tokens.push_back(reinterpret_cast<std::uint64_t>(message->_private));
  listener_({.partition = partition, .base_offset = base, .tokens = tokens});
}

// --- flush and close -------------------------------------------------------------------------------------------------

Result<void> KafkaProducer::flush(Duration timeout) {
  if (rd_kafka_flush(handle_.get(), rd_timeout(timeout)) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return fail(ErrorCode::kTimedOut,
                fmt::format("flush: no answer in time for {} records; it is not known whether they are stored",
                            rd_kafka_outq_len(handle_.get())));
  }
  const std::lock_guard lock{mutex_};
  if (!first_error_) return {};
  auto error = *std::move(first_error_);
  first_error_.reset();
  failed_.clear();
  return std::unexpected(std::move(error));
}

Result<void> KafkaProducer::close(Duration timeout) {
  bool has_to_abort = false;
  {
    const std::lock_guard lock{mutex_};
    if (closed_) return {};
    has_to_abort = steps_.has_to_abort();
  }
  auto flushed = has_to_abort ? abort_transaction(timeout) : flush(timeout);
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    room_.notify_all();
  }
  // What was not stored in time is reported as that.
  if (rd_kafka_outq_len(handle_.get()) > 0) drop_unwritten();
  return flushed;
}

void KafkaProducer::drop_unwritten() {
  constexpr std::chrono::seconds kPurgePatience{2};
  rd_kafka_purge(handle_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(handle_.get(), rd_timeout(kPurgePatience));
}

Result<std::unique_ptr<Producer>> make_kafka_producer(std::shared_ptr<KafkaContext> context,
                                                      const Properties& properties, DeliveryListener listener,
                                                      Partitioner partitioner) {
  return KafkaProducer::make(std::move(context), properties, std::move(listener), std::move(partitioner));
}

}  // namespace millrace
