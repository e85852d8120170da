#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes_io.h"
#include "client/kafka/kafka_consumer.h"

namespace millrace {
namespace {

// Messages of one poll at most, and how often one looks whether it was woken.
constexpr std::size_t kMostMessages = 10'000;
constexpr std::chrono::seconds kLongestWait{1};

/// What a batch's records point into: librdkafka's messages, which keep its buffers, and the headers in wire form.
struct KafkaBytes {
  /// Outlives the messages.
  std::shared_ptr<rd_kafka_t> handle;
  std::vector<std::vector<std::byte>> headers;
  std::vector<RdMessage> messages;
};

/// librdkafka has read a record's headers; views have them as on the wire.
std::vector<std::byte> wire_headers(rd_kafka_message_t* message) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  ByteWriter out;
  const auto count = rd_kafka_header_cnt(headers);
  out.write_zigzag(static_cast<std::int32_t>(count));
  const auto write = [&](const void* data, std::size_t size) {
    out.write_zigzag(static_cast<std::int32_t>(size));
    out.write_bytes({static_cast<const std::byte*>(data), size});
  };
  for (std::size_t i = 0; i < count; ++i) {
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    if (rd_kafka_header_get_all(headers, i, &name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR) break;
    write(name, std::char_traits<char>::length(name));
    if (value == nullptr) {
      out.write_zigzag(-1);
    } else {
      write(value, size);
    }
  }
  return out.take();
}

NullableBytes view(const void* data, std::size_t size) {
  if (data == nullptr) return nullptr;
  return NullableBytes{Bytes{static_cast<const std::byte*>(data), size}};
}

/// What passes by itself, or is told otherwise, is no error of a poll.
bool is_told_otherwise(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
      return true;
    default:
      return false;
  }
}

}  // namespace

struct KafkaConsumer::Harvest {
  struct Part {
    std::shared_ptr<const TopicPartition> name;
    std::shared_ptr<KafkaBytes> bytes;
  };
  std::vector<Part> parts;
  /// Where partitions ended.
  std::vector<PartitionOffset> ends;
  std::size_t size = 0;
  std::optional<Error> trouble;
};

Result<std::vector<PolledBatch>> KafkaConsumer::poll(Duration max_wait) {
  const auto until = deadline_in(max_wait);
  for (;;) {
    if (closed_) return closed_consumer();
    if (wakeup_.exchange(false)) return {};
    if (settings_.auto_commit && std::chrono::steady_clock::now() >= next_auto_commit_) auto_commit();
    MILLRACE_CHECK(apply_assignment());

    Harvest harvest;
    const auto wait = std::min<Duration>(left_until(until), kLongestWait);
    // Waits for the first, and takes what is there besides: the call for many would wait for all of them.
    if (RdMessage first{rd_kafka_consume_queue(queue_.get(), rd_timeout(wait))}; first) take(std::move(first), harvest);
    if (!harvest.parts.empty() && harvest.size < settings_.max_bytes) {
      std::vector<rd_kafka_message_t*> more(kMostMessages);
      const auto count = rd_kafka_consume_batch_queue(queue_.get(), 0, more.data(), more.size());
      for (ssize_t i = 0; i < count; ++i) take(RdMessage{more[static_cast<std::size_t>(i)]}, harvest);
    }
    if (auto batches = to_batches(harvest); !batches.empty()) return batches;
    if (harvest.trouble) return std::unexpected(*std::move(harvest.trouble));
    if (std::chrono::steady_clock::now() >= until) return {};
  }
}

void KafkaConsumer::take(RdMessage message, Harvest& harvest) {
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    harvest.ends.push_back({.partition = {rd_kafka_topic_name(message->rkt), PartitionIndex{message->partition}},
                            .offset = Offset{message->offset}});
    return;
  }
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (is_told_otherwise(message->err) || harvest.trouble) return;
    harvest.trouble = Error{code_of(message->err), rd_kafka_message_errstr(message.get())};
    return;
  }
  auto* last = harvest.parts.empty() ? nullptr : &harvest.parts.back();
  const bool continues = last != nullptr && last->bytes->messages.back()->rkt == message->rkt &&
                         last->bytes->messages.back()->partition == message->partition;
  if (!continues) {
    const auto* from = assigned_.find({rd_kafka_topic_name(message->rkt), PartitionIndex{message->partition}});
    // It was taken from this consumer while the message waited.
    if (from == nullptr) return;
    auto bytes = std::make_shared<KafkaBytes>();
    bytes->handle = handle_;
    last = &harvest.parts.emplace_back(Harvest::Part{from->name, std::move(bytes)});
  }
  harvest.size += message->len + message->key_len;
  last->bytes->messages.push_back(std::move(message));
}

std::vector<PolledBatch> KafkaConsumer::to_batches(Harvest& harvest) {
  std::vector<PolledBatch> batches;
  for (auto& part : harvest.parts) {
    // A rebalance may have come behind the messages, in the same poll.
    auto* from = assigned_.find(*part.name);
    if (from == nullptr) continue;
    std::vector<RecordView> records;
    records.reserve(part.bytes->messages.size());
    for (const auto& message : part.bytes->messages) {
      rd_kafka_timestamp_type_t type{};
      RecordView record{
          .offset = Offset{message->offset},
          .timestamp = Timestamp{std::chrono::milliseconds{rd_kafka_message_timestamp(message.get(), &type)}},
          .key = view(message->key, message->key_len),
          .value = view(message->payload, message->len),
          .raw_headers = {}};
      if (auto headers = wire_headers(message.get()); !headers.empty()) {
        record.raw_headers = part.bytes->headers.emplace_back(std::move(headers));
      }
      records.push_back(record);
    }
    from->position = records.back().offset + 1;
    batches.emplace_back(part.name, std::move(records), std::move(part.bytes));
  }
  for (const auto& end : harvest.ends) {
    auto* const at = assigned_.find(end.partition);
    if (at != nullptr && at->position < end.offset) at->position = end.offset;
  }
  return batches;
}

}  // namespace millrace
