// A conversation of clients with a broker: frames of every API and version, and time that passes in between. Whatever
// they hold, each is answered once, with what its asker can read, or its connection is closed with a reason; the rest
// goes on, and the broker opens its folder again.

#include <cstring>
#include <map>
#include <string_view>

#include "fuzz/fuzz_broker.h"
#include "fuzz/fuzz_bytes.h"
#include "fuzz/fuzz_target.h"
#include "fuzz/likely_fields.h"
#include "protocol/consumer_protocol.h"
#include "protocol/request.h"
#include "record/record_batch_builder.h"
#include "server/api_table.h"
#include "server/request_session.h"
#include "unit/protocol/all_messages.h"
#include "unit/protocol/random_message.h"

namespace millrace::test {
namespace {

using protocol::MessageKind;

constexpr int kMostItems = 64;
/// From here on, an item's two bytes are not the length of a frame but how long nothing happens.
constexpr std::uint16_t kTime = 0x8000;
constexpr std::chrono::milliseconds kTimeUnit{10};

/// A served API with its messages.
struct Spoken {
  const ApiRow* row;
  MessageKind request;
  MessageKind response;
};

std::vector<Spoken> all_spoken() {
  std::map<int, MessageKind> requests;
  std::map<int, MessageKind> responses;
  for (const auto& kind : protocol::api_messages()) {
    if (!kind.number) continue;
    (std::string_view{kind.name}.ends_with("Request") ? requests : responses).emplace(*kind.number, kind);
  }
  std::vector<Spoken> spoken;
  for (const auto& row : served_apis()) {
    const auto key = static_cast<int>(row.key);
    spoken.push_back({.row = &row, .request = requests.at(key), .response = responses.at(key)});
  }
  return spoken;
}

const std::vector<Spoken>& spoken() {
  static const std::vector<Spoken> kSpoken = all_spoken();
  return kSpoken;
}

BufferPool& pool() {
  static BufferPool instance;
  return instance;
}

// --- what was asked and what came back -------------------------------------------------------------------------------

/// What a frame says of itself.
struct Asked {
  const Spoken* api = nullptr;
  std::int16_t version = 0;
  std::int32_t correlation_id = 0;
};

Asked asked_by(Bytes frame) {
  Asked asked;
  if (frame.size() < 8) return asked;
  const auto* row = find_api(load_be<std::int16_t>(frame.data()));
  if (row == nullptr) return asked;
  asked.api = &spoken()[static_cast<std::size_t>(row - served_apis().data())];
  asked.version = load_be<std::int16_t>(frame.data() + 2);
  asked.correlation_id = load_be<std::int32_t>(frame.data() + 4);
  return asked;
}

/// The asker reads all of it.
void check_answer(const Asked& asked, Bytes answer) {
  constexpr std::size_t kLength = 4;
  MILLRACE_ASSERT(asked.api != nullptr && answer.size() >= 2 * kLength);
  MILLRACE_ASSERT(load_be<std::int32_t>(answer.data()) == static_cast<std::int32_t>(answer.size() - kLength));
  const auto& kind = asked.api->response;
  const auto version = kind.versions.has(asked.version) ? asked.version : std::int16_t{0};
  const bool has_tags = asked.api->row->key != protocol::ApiKey::kApiVersions && kind.flexible.has(version);
  const auto header = protocol::decode_prefix<protocol::ResponseHeader>(answer.subspan(kLength), has_tags ? 1 : 0);
  MILLRACE_ASSERT(header && header->message.correlation_id == asked.correlation_id);
  const auto body = answer.subspan(kLength + header->used);
  const auto message = kind.make();
  const auto used = protocol::decode_fields(body, kind.format(version), kind.name, message.get());
  MILLRACE_ASSERT(used && *used == body.size());
}

/// Where all connections are answered.
class Answers final : public net::FrameAnswers {
 public:
  std::uint64_t expect(const Asked& asked) {
    waiting_.emplace(sent_, asked);
    return sent_++;
  }
  void answer(std::uint64_t number, GatherBuffer bytes) override {
    const auto asked = taken(number);
    if (bytes.size() > 0) check_answer(asked, bytes.flatten());
  }
  void refuse(std::uint64_t number, std::string reason) override {
    (void)taken(number);
    MILLRACE_ASSERT(reason != "a request was dropped without an answer");
    refused_ = true;
  }

  [[nodiscard]] bool waits_for(std::uint64_t number) const { return waiting_.contains(number); }
  [[nodiscard]] bool waits() const { return !waiting_.empty(); }
  [[nodiscard]] bool take_refused() { return std::exchange(refused_, false); }

 private:
  Asked taken(std::uint64_t number) {
    const auto found = waiting_.extract(number);
    MILLRACE_ASSERT(found);  // not twice
    return found.mapped();
  }

  std::map<std::uint64_t, Asked> waiting_;
  std::uint64_t sent_ = 0;
  bool refused_ = false;
};

// --- the conversation ------------------------------------------------------------------------------------------------

/// A right CRC lets what a batch holds come to the log.
void mend_checksums(Bytes frame) {
  const auto asked = asked_by(frame);
  if (asked.api == nullptr || asked.api->row->key != protocol::ApiKey::kProduce) return;
  if (!protocol::ProduceRequest::kVersions.has(asked.version)) return;
  const auto header_version = protocol::request_header_version(protocol::ProduceRequest::kFlexible, asked.version);
  const auto header = protocol::decode_prefix<protocol::RequestHeader>(frame, header_version);
  if (!header) return;
  const auto request = protocol::decode_prefix<protocol::ProduceRequest>(frame.subspan(header->used), asked.version);
  if (!request) return;
  for (const auto& topic : request->message.topic_data) {
    for (const auto& partition : topic.partition_data) {
      const auto bytes = partition.records.bytes;
      if (bytes.is_null()) continue;
      const auto batch = RecordBatchView::parse(bytes.bytes());
      // The frame is ours.
      if (batch)
        store_be<std::uint32_t>(const_cast<std::byte*>(batch->bytes().data()) + batch_layout::kCrc,
                                batch->compute_crc());
    }
  }
}

class Conversation {
 public:
  Conversation() { connect(); }

  void say(Bytes content) {
    net::Frame frame{pool().take(content.size()), content.size()};
    if (!content.empty()) std::memcpy(frame.buffer.data(), content.data(), content.size());
    mend_checksums(frame.bytes());
    const auto number = answers_->expect(asked_by(content));
    const auto next = session_->on_frame(std::move(frame), net::FrameReply{answers_, number});
    run_to_rest(broker_.executor);
    const bool must_wait = next == net::Next::kAfterAnswer && answers_->waits_for(number);
    // A connection that was closed, or may not go on yet: somebody else's does.
    if (answers_->take_refused() || must_wait) connect();
  }
  void pass(std::chrono::milliseconds time) { broker_.advance(time); }

  void end() {
    for (const auto& session : old_) session->finishing();
    session_->finishing();
    run_to_rest(broker_.executor);
    broker_.close();
    MILLRACE_ASSERT(!answers_->waits());
    session_.reset();
    old_.clear();
    broker_.open();
  }

 private:
  void connect() {
    if (session_) old_.push_back(std::move(session_));
    session_ = std::make_unique<RequestSession>(*broker_.core, metrics_, listener_, "192.0.2.1");
  }

  FuzzBroker broker_;
  RequestMetrics metrics_{served_apis().size(), 1, broker_.clock};
  const std::shared_ptr<const std::string> listener_ = std::make_shared<const std::string>("PLAINTEXT");
  std::shared_ptr<Answers> answers_ = std::make_shared<Answers>();
  std::unique_ptr<RequestSession> session_;
  std::vector<std::unique_ptr<RequestSession>> old_;
};

// --- valid ones ------------------------------------------------------------------------------------------------------

protocol::ByteString likely_bytes(Random& random) {
  protocol::ConsumerSubscription subscription;
  subscription.topics = {"t"};
  if (random.one_in(2)) subscription.owned_partitions = {{.topic = "t", .partitions = {PartitionIndex{0}}}};
  subscription.generation_id = static_cast<std::int32_t>(random.below(3)) - 1;
  if (random.one_in(4)) return protocol::encode_assignment({.assigned_partitions = subscription.owned_partitions});
  return protocol::encode_subscription(subscription);
}

protocol::Records likely_records(Random& random) {
  BatchAttributes attributes;
  attributes.compression = static_cast<Compression>(random.below(5));
  attributes.transactional = random.one_in(3);
  RecordBatchBuilder builder{pool(), 1 << 16, attributes};
  const Timestamp time{std::chrono::milliseconds{1'700'000'000'000}};
  for (auto left = 1 + random.below(3); left > 0; --left) MILLRACE_ASSERT(builder.try_append(time, "key", "value"));
  BatchProducer producer;
  if (attributes.transactional || random.one_in(3)) {
    producer = {.id = ProducerId{static_cast<std::int64_t>(random.below(2))},
                .epoch = ProducerEpoch{static_cast<std::int16_t>(random.below(2))},
                .base_sequence = static_cast<std::int32_t>(random.below(3))};
  }
  const auto batch = builder.finish(producer);
  MILLRACE_ASSERT(batch);
  return {.bytes = NullableBytes{Bytes{batch->bytes}}, .owner = batch->buffer.owner()};
}

const Uuid& topic_id() {
  static const Uuid kId = FuzzBroker{}.core->metadata()->topic("t")->id;
  return kId;
}

std::vector<std::byte> likely_request(Random& random) {
  const auto& api = spoken()[random.below(spoken().size())];
  const auto& versions = api.row->advertised;
  const auto version = static_cast<std::int16_t>(
      versions.first + static_cast<int>(random.below(static_cast<std::uint64_t>(versions.last - versions.first + 1))));
  const auto message = api.request.make();
  protocol::RandomFields{random(), version}.fill(*api.request.fields, message.get());
  LikelyFields{random(), topic_id(), likely_bytes, likely_records}.touch(*api.request.fields, message.get());
  protocol::RequestHeader header;
  header.request_api_key = static_cast<std::int16_t>(api.row->key);
  header.request_api_version = version;
  header.correlation_id = static_cast<std::int32_t>(random());
  header.client_id = "c";
  GatherBuffer out;
  append(out, header, protocol::request_header_version(api.row->flexible, version));
  append_fields(out, api.request.format(version), message.get());
  return out.flatten();
}

}  // namespace
}  // namespace millrace::test

/// Items: two bytes of length and a frame's content, or two bytes of time.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace::test;  // NOLINT: one function
  Conversation conversation;
  InputReader input{data, size};
  for (int items = 0; !input.at_end() && items < kMostItems; ++items) {
    const auto head = input.two_bytes();
    if (head < kTime) {
      conversation.say(input.bytes(head));
    } else {
      conversation.pass((head - kTime) * kTimeUnit);
    }
  }
  conversation.end();
  return 0;
}

namespace millrace::test {

std::vector<std::uint8_t> valid_input(std::uint64_t seed) {
  Random random{seed};
  InputWriter input;
  for (auto left = 1 + random.below(8); left > 0; --left) {
    const auto request = likely_request(random);
    if (request.size() >= kTime) continue;
    input.two_bytes(request.size());
    input.bytes(request);
    if (random.one_in(4)) input.two_bytes(kTime + random.below(kTime));
  }
  return input.take();
}

}  // namespace millrace::test
