// Records of `__consumer_offsets` and `__transaction_state`: whatever keys and values hold, the coordinators read their
// topics, serve what they found, let time pass over it, and read what they wrote themselves. What is understood encodes
// to a record that says the same.

#include "base/deadline_queue.h"
#include "coordinator/group_coordinator.h"
#include "coordinator/transaction_coordinator.h"
#include "fuzz/fuzz_bytes.h"
#include "fuzz/fuzz_target.h"
#include "fuzz/memory_coordinator_log.h"
#include "fuzz/run_to_rest.h"
#include "metadata/metadata_delta.h"
#include "protocol/consumer_protocol.h"
#include "protocol/group_records.h"
#include "protocol/transaction_records.h"
#include "record/record_batch_builder.h"
#include "record/transaction_marker.h"
#include "unit/protocol/random_message.h"

namespace millrace::test {
namespace {

using protocol::EncodedRecord;

constexpr int kMostRecords = 64;
constexpr ProducerId kProducer{5};
const TopicId kTopicId{{1, 2, 3}};

/// How a record lies in its topic.
enum class Place : std::uint8_t { kGroups, kGroupsInTransaction, kCommit, kAbort, kTransactions };
constexpr std::size_t kPlaces = 5;

struct NoMarkers final : TransactionPartitions {
  void write_marker(const TopicPartition&, const TransactionMarker&, std::int16_t, Done done) override { done({}); }
};

/// A topic "t" of two partitions.
std::shared_ptr<const MetadataImage> topics() {
  MetadataRecords records;
  protocol::TopicRecord topic;
  topic.name = "t";
  topic.topic_id = kTopicId;
  records.emplace_back(topic);
  for (std::int32_t i = 0; i < 2; ++i) {
    protocol::PartitionRecord partition;
    partition.partition_id = PartitionIndex{i};
    partition.topic_id = kTopicId;
    partition.replicas = partition.isr = {BrokerId{1}};
    partition.leader = BrokerId{1};
    records.emplace_back(partition);
  }
  const auto image = apply_records(MetadataImage{}, records, Offset{2});
  MILLRACE_ASSERT(image);
  return *image;
}

/// Both topics, and what outlives the coordinators.
struct Topics {
  std::shared_ptr<MemoryCoordinatorLog> groups = std::make_shared<MemoryCoordinatorLog>();
  std::shared_ptr<MemoryCoordinatorLog> transactions = std::make_shared<MemoryCoordinatorLog>();
  BufferPool pool{1U << 20};

  void put(Place place, Bytes key, NullableBytes value) {
    const auto& log = place == Place::kTransactions ? transactions : groups;
    auto batch = batch_of(place, key, value);
    MILLRACE_ASSERT(batch && log->append(PartitionIndex{0}, batch->bytes, {}));
  }

 private:
  Result<PooledBytes> batch_of(Place place, Bytes key, NullableBytes value) {
    if (place == Place::kCommit || place == Place::kAbort) {
      const TransactionMarker marker{.producer = kProducer,
                                     .epoch = ProducerEpoch{0},
                                     .end = place == Place::kCommit ? TransactionEnd::kCommit : TransactionEnd::kAbort,
                                     .coordinator_epoch = 0};
      return make_marker_batch(marker, Timestamp{}, pool);
    }
    BatchAttributes attributes;
    attributes.transactional = place == Place::kGroupsInTransaction;
    RecordBatchBuilder builder{pool, 1 << 20, attributes};
    MILLRACE_ASSERT(builder.try_append(Timestamp{}, key, value));
    if (!attributes.transactional) return builder.finish();
    return builder.finish({.id = kProducer, .epoch = ProducerEpoch{0}, .base_sequence = 0});
  }
};

/// The coordinators of a broker's life.
class Coordinators {
 public:
  explicit Coordinators(const Topics& topics) {
    const std::shared_ptr<GroupContext> groups{new GroupContext{
        {.log = topics.groups, .deadlines = deadlines_, .executor = executor_, .clock = clock_, .logger = logger_},
        GroupConfig{},
        ConsumerGroupConfig{},
        OffsetsConfig{}}};
    auto metadata = [image = test::topics()] { return image; };
    groups_ = std::make_unique<GroupCoordinator>(groups, std::move(metadata), std::chrono::minutes{10}, 1);
    const std::shared_ptr<TransactionContext> transactions{
        new TransactionContext{{.log = topics.transactions,
                                .deadlines = deadlines_,
                                .executor = executor_,
                                .clock = clock_,
                                .logger = logger_},
                               std::make_shared<NoMarkers>(),
                               [](TransactionContext::IdDone done) { done(ProducerId{1000}); },
                               TransactionConfig{}}};
    transactions_ = std::make_unique<TransactionCoordinator>(transactions, std::chrono::hours{1});
    groups_->start();
    transactions_->start();
    run_to_rest(executor_);
  }
  ~Coordinators() {
    transactions_->close();
    groups_->close();
    run_to_rest(executor_);
    deadlines_->close();
  }

  /// Everything that can be asked about what is there, and what its members would ask.
  void use() {
    const auto groups = groups_->list();
    MILLRACE_ASSERT(groups);  // what makes no sense is left alone: the rest is served
    for (const auto& group : *groups) {
      (void)groups_->describe(group.id);
      (void)groups_->fetch_all_offsets(group.id);
      (void)groups_->undecided_offsets(group.id);
      if (const auto view = groups_->describe_consumer_group(group.id)) use(*view);
      join(group.id);
    }
    const auto transactions = transactions_->list({});
    MILLRACE_ASSERT(transactions);
    for (const auto& transaction : *transactions) use(transaction);
    run_to_rest(executor_);
  }
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    run_to_rest(executor_);
  }

 private:
  void use(const ConsumerGroupView& group) {
    for (const auto& member : group.members) {
      ConsumerHeartbeat beat;
      beat.member = {.id = member.id, .instance = member.instance};
      beat.epoch = member.epoch;
      groups_->consumer_heartbeat(group.id, std::move(beat), [](const auto&) {});
    }
    ConsumerHeartbeat newcomer;
    newcomer.member.id = "newcomer";
    newcomer.topics = {"t"};
    newcomer.rebalance_timeout = std::chrono::seconds{30};
    groups_->consumer_heartbeat(group.id, std::move(newcomer), [](const auto&) {});
  }
  void join(const std::string& group) {
    JoinGroup call;
    call.protocol_type = kConsumerProtocol;
    call.protocols = {{.name = "range", .metadata = protocol::encode_subscription({.topics = {"t"}})}};
    call.session_timeout = call.rebalance_timeout = std::chrono::seconds{10};
    call.id_first = false;
    groups_->join(group, std::move(call), [](const auto&) {});
  }
  void use(const ListedTransaction& listed) {
    const auto found = transactions_->describe(listed.id);
    MILLRACE_ASSERT(found);
    const auto producer = found->data.producer;
    transactions_->add(listed.id, {.producer = producer, .partitions = {{"t", PartitionIndex{0}}}, .version = 1},
                       [](const auto&) {});
    transactions_->end(listed.id, {.producer = producer, .end = TransactionEnd::kCommit, .version = 2},
                       [](const auto&) {});
    transactions_->init(listed.id, {.timeout = std::chrono::seconds{60}}, [](const auto&) {});
  }

  ManualClock clock_;
  ManualExecutor executor_{clock_};
  NullLogger logger_;
  std::shared_ptr<DeadlineQueue> deadlines_ = std::make_shared<DeadlineQueue>(executor_, clock_);
  std::unique_ptr<GroupCoordinator> groups_;
  std::unique_ptr<TransactionCoordinator> transactions_;
};

NullableBytes view(const std::optional<std::vector<std::byte>>& bytes) {
  return bytes ? NullableBytes{Bytes{*bytes}} : NullableBytes{};
}

/// What is understood encodes, in the version that is written today, to what says the same.
template <class Decode, class Encode>
void check_codec(Bytes key, NullableBytes value, Decode decode, Encode encode) {
  const auto record = decode(NullableBytes{key}, value);
  if (!record) return;
  const EncodedRecord encoded = encode(*record);
  const auto again = decode(NullableBytes{Bytes{encoded.key}}, view(encoded.value));
  MILLRACE_ASSERT(again);
  const EncodedRecord twice = encode(*again);
  MILLRACE_ASSERT(twice.key == encoded.key && twice.value == encoded.value);
}

}  // namespace
}  // namespace millrace::test

/// Records: where it lies, the sizes of key and value in two bytes each (the value's too large: there is none), both.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;        // NOLINT: one function
  using namespace millrace::test;  // NOLINT: one function
  Topics topics;
  InputReader input{data, size};
  for (int records = 0; !input.at_end() && records < kMostRecords; ++records) {
    const auto place = static_cast<Place>(input.byte() % kPlaces);
    const auto key_size = input.two_bytes();
    const auto value_size = input.two_bytes();
    const auto key = input.bytes(key_size);
    const auto value = value_size > INT16_MAX ? NullableBytes{} : NullableBytes{input.bytes(value_size)};
    if (place == Place::kTransactions) {
      check_codec(key, value, protocol::decode_transaction_record, protocol::encode_transaction_record);
    } else {
      check_codec(key, value, protocol::decode_group_record, protocol::encode_group_record);
    }
    topics.put(place, key, value);
  }
  for (int life = 0; life < 2; ++life) {
    Coordinators coordinators{topics};
    coordinators.use();
    coordinators.pass(std::chrono::minutes{20});
    coordinators.use();
    coordinators.pass(std::chrono::hours{24 * 30});
  }
  return 0;
}

namespace millrace::test {
namespace {

template <class Key, class Value>
EncodedRecord random_record(std::uint64_t seed) {
  Random random{seed};
  const auto versions = static_cast<std::uint64_t>(Value::kVersions.last + 1);
  const auto version = static_cast<std::int16_t>(random.below(versions));
  auto key = protocol::random_message<Key>(seed, 0);
  // Few groups and ids, so that records speak of the same.
  if constexpr (requires { key.group; }) key.group = random.one_in(3) ? "h" : "g";
  if constexpr (requires { key.member_id; }) key.member_id = random.one_in(3) ? "n" : "m";
  if constexpr (requires { key.topic; }) key.topic = "t";
  if constexpr (requires { key.transactional_id; }) key.transactional_id = "x";
  EncodedRecord record{.key = protocol::prefixed(Key::kKey, key, 0), .value = {}};
  if (random.one_in(10)) return record;
  auto value = protocol::random_message<Value>(random(), version);
  if constexpr (requires { value.transaction_status; }) {
    value.transaction_status = static_cast<std::int8_t>(random.below(8));
    if (value.transaction_partitions && !value.transaction_partitions->empty()) {
      value.transaction_partitions->front().topic = "t";
    }
  }
  if constexpr (requires { value.protocol_type; }) value.protocol_type = "consumer";
  record.value = protocol::prefixed(version, value, version);
  return record;
}

template <class... Record>
EncodedRecord random_group_record(std::uint64_t seed, const std::variant<Record...>*) {
  using Make = EncodedRecord (*)(std::uint64_t);
  constexpr Make kMakes[] = {random_record<decltype(Record::key), typename decltype(Record::value)::value_type>...};
  return kMakes[seed % sizeof...(Record)](seed);
}

}  // namespace

std::vector<std::uint8_t> valid_input(std::uint64_t seed) {
  Random random{seed};
  InputWriter input;
  for (auto left = 1 + random.below(8); left > 0; --left) {
    const auto place = static_cast<Place>(random.one_in(2) ? 0 : random.below(kPlaces));
    const auto record = place == Place::kTransactions
                            ? random_record<protocol::TransactionLogKey, protocol::TransactionLogValue>(random())
                            : random_group_record(random(), static_cast<const protocol::GroupRecord*>(nullptr));
    input.byte(static_cast<std::size_t>(place));
    input.two_bytes(record.key.size());
    input.two_bytes(record.value ? record.value->size() : UINT16_MAX);
    input.bytes(record.key);
    if (record.value) input.bytes(*record.value);
  }
  return input.take();
}

}  // namespace millrace::test
