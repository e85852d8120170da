// A broker with clients on a disk whose power fails at a random change, again and again, also while it recovers: what a
// client was told or could read holds, once and in order. MILLRACE_SEEDS and MILLRACE_FIRST_SEED choose the stories.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/simulated_files.h"
#include "broker/broker_core.h"
#include "record/record_batch_builder.h"
#include "support/manual_executor.h"
#include "support/memory_logger.h"

namespace millrace::test {
namespace {

constexpr std::size_t kPartitions = 2;
constexpr std::size_t kWriters = 2;
constexpr std::size_t kKeys = 6;
constexpr std::size_t kMostInFlight = 5;  // as a Kafka producer has them, and a broker remembers them

const Properties kConfig = {{"offsets.topic.num.partitions", "2"},
                            {"offsets.topic.segment.bytes", "1500"},
                            {"log.cleaner.backoff.ms", "5000"},
                            {"log.segment.bytes", "3000"},
                            {"log.index.interval.bytes", "300"}};

/// An idempotent producer to one partition: what is not acknowledged it sends again, with the same sequence.
struct Writer {
  struct Sent {
    std::int32_t first_sequence;
    std::int32_t count;
    bool in_flight;
  };
  std::optional<ProducerIdentity> identity;
  std::int32_t next_sequence = 0;
  std::deque<Sent> unacknowledged;
  Offset last_offset = kNoOffset;  ///< of its newest acknowledged record
};

/// A key of the compacted topic. `told`: a client was told of it or could read it.
struct KeyState {
  std::int64_t told = -1;
  std::set<std::int64_t> tombstones;
};

struct CommittedRange {
  std::int64_t told = -1;
  std::int64_t newest = -1;
};

class BrokerStory {
 public:
  explicit BrokerStory(std::uint64_t seed) : random_(seed), disk_(seed * 7919) {}
  ~BrokerStory() { end(); }
  BrokerStory(const BrokerStory&) = delete;
  BrokerStory& operator=(const BrokerStory&) = delete;

  void run() {
    for (int life = 0; life < 4; ++life) {
      disk_.fail_power_after(1 + random_.below(1200));
      if (open()) {
        for (int step = 0; step < 600 && disk_.power_is_on(); ++step) use();
      }
      end();
      while (random_.one_in(3)) {
        disk_.fail_power_after(1 + random_.below(80));
        (void)open();
        end();
      }
      ASSERT_TRUE(open()) << problem_;
      settle();
      check();
      if (testing::Test::HasFailure()) return;
      if (random_.one_in(4)) {
        EXPECT_TRUE(core_->close(std::chrono::seconds{10}));
      }
      end();
    }
  }

 private:
  // --- lives ---

  bool open() {
    const BrokerEnvironment environment{.executor = *executor_,
                                        .clock = clock_,
                                        .files = disk_,
                                        .logger = logger_,
                                        .seed = random_(),
                                        .flush_threads = 0};
    auto opened = BrokerCore::open(environment, "/data", BrokerConfig::parse(kConfig).value());
    if (!opened) {
      problem_ = opened.error().message();
      return false;
    }
    core_ = *std::move(opened);
    executor_->run_all();
    create("orders", kPartitions, {{"retention.ms", "-1"}});
    create("prices", 1,
           {{"cleanup.policy", "compact"},
            {"min.cleanable.dirty.ratio", "0"},
            {"delete.retention.ms", "20000"},
            {"segment.bytes", "1200"}});
    bool ready = false;
    core_->groups().ensure([&ready](const Result<void>& done) { ready = done.has_value(); });
    executor_->run_all();
    if (!ready) problem_ = "the group coordinator is not ready";
    return ready;
  }

  /// The machine is gone, or the process only.
  void end() {
    disk_.fail_power();
    ++life_;
    core_.reset();
    // What was still to be run died with the process.
    executor_ = std::make_unique<ManualExecutor>(clock_);
    if (random_.one_in(4)) {
      disk_.restart_process();
    } else {
      disk_.restore_power();
    }
    for (auto& partition : writers_) {
      for (auto& writer : partition) {
        for (auto& sent : writer.unacknowledged) sent.in_flight = false;
      }
    }
  }

  /// The power is on and stays on: every client gets done what it was about to do.
  void settle() {
    for (std::size_t p = 0; p < kPartitions; ++p) {
      for (std::size_t w = 0; w < kWriters; ++w) {
        send_again(p, w);
        executor_->run_all();
        EXPECT_TRUE(writers_[p][w].unacknowledged.empty())
            << "writer " << w << " of partition " << p << ": " << problem_;
      }
    }
  }

  void create(const std::string& topic, std::int32_t partitions, const Properties& configs) {
    core_->create_topics({{.name = topic, .partitions = partitions, .configs = configs}}, ValidateOnly::kNo,
                         [](auto) {});
    executor_->run_all();
  }

  // --- use ---

  void use() {
    const auto partition = random_.below(kPartitions);
    switch (random_.below(16)) {
      case 0:
        read(partition);
        break;
      case 1:
        (void)prices();
        break;
      case 2:
        commit(partition);
        break;
      case 3:
        if (random_.one_in(4)) trim(partition);
        break;
      case 4:
        change_topics();
        break;
      case 5:
      case 6:
        // Retention, compaction, checkpoints, syncs.
        clock_.advance(std::chrono::milliseconds{random_.below(6000)});
        break;
      case 7:
      case 8:
        set_price();
        break;
      default:
        write(partition, random_.below(kWriters));
    }
    for (auto steps = random_.below(6); steps > 0; --steps) executor_->run_one();
  }

  PartitionIndex index(std::size_t partition) const { return PartitionIndex{static_cast<std::int32_t>(partition)}; }

  void write(std::size_t partition, std::size_t number) {
    auto& writer = writers_[partition][number];
    if (!writer.identity) {
      core_->init_producer_id([&writer](const Result<ProducerIdentity>& given) {
        if (given && !writer.identity) writer.identity = *given;
      });
      return;
    }
    if (!send_again(partition, number)) return;
    if (writer.unacknowledged.size() == kMostInFlight) return;
    const auto count = static_cast<std::int32_t>(1 + random_.below(3));
    writer.unacknowledged.push_back({writer.next_sequence, count, false});
    writer.next_sequence += count;
    (void)send_again(partition, number);
  }

  /// Sends what is not on its way, in order. False when something has failed: a client waits for what comes first.
  bool send_again(std::size_t partition, std::size_t number) {
    auto& writer = writers_[partition][number];
    std::vector<Writer::Sent> waiting;  // an answer that comes at once takes from the writer's own list
    for (auto& sent : writer.unacknowledged) {
      if (!std::exchange(sent.in_flight, true)) waiting.push_back(sent);
    }
    for (const auto& sent : waiting) {
      auto bytes = batch_of(writer, number, sent);
      ProduceCall call{.partitions = {}, .acks = kAcksAll, .timeout = std::chrono::seconds{30}};
      call.partitions.push_back({.topic = {.name = "orders"}, .partition = index(partition), .batches = bytes});
      core_->produce(std::move(call), [this, &writer, life = life_, sent](const ProduceAnswer& answer) {
        if (life != life_) return;
        if (answer.front()) return acknowledge(writer, sent.first_sequence, *answer.front());
        problem_ = answer.front().error().message();
        if (disk_.power_is_on()) ADD_FAILURE() << "refused with the power on: " << problem_;
      });
    }
    return disk_.power_is_on();
  }

  std::vector<std::byte> batch_of(const Writer& writer, std::size_t number, const Writer::Sent& sent) {
    RecordBatchBuilder builder{buffers_, 1 << 20};
    for (std::int32_t i = 0; i < sent.count; ++i) {
      const auto sequence = sent.first_sequence + i;
      const auto padding = static_cast<std::size_t>(sequence) * 7919 % 500;  // the same when it is sent again
      const auto value = std::to_string(number) + ":" + std::to_string(sequence) + ":" + std::string(padding, '.');
      EXPECT_TRUE(builder.try_append(clock_.wall(), nullptr, value));
    }
    const auto packed =
        builder
            .finish({.id = writer.identity->id, .epoch = writer.identity->epoch, .base_sequence = sent.first_sequence})
            .value();
    return {packed.bytes.begin(), packed.bytes.end()};
  }

  static void acknowledge(Writer& writer, std::int32_t first_sequence, const AppendInfo& where) {
    const auto sent = std::ranges::find(writer.unacknowledged, first_sequence, &Writer::Sent::first_sequence);
    if (sent == writer.unacknowledged.end()) return;
    writer.last_offset = std::max(writer.last_offset, where.base_offset + (sent->count - 1));
    writer.unacknowledged.erase(sent);
  }

  void set_price() {
    const auto key = random_.below(kKeys);
    auto& state = keys_[key];
    const auto version = next_version_++;
    const bool removes = random_.one_in(4);
    if (removes) state.tombstones.insert(version);
    const auto value = std::to_string(version) + std::string(random_.below(200), '.');
    RecordBatchBuilder builder{buffers_, 1 << 20};
    // A tombstone has no value: its version is in a header.
    const Header header{"version", value};
    EXPECT_TRUE(builder.try_append(clock_.wall(), "key" + std::to_string(key),
                                   removes ? NullableBytes{nullptr} : NullableBytes{value}, std::span{&header, 1}));
    const auto packed = builder.finish({}).value();
    std::vector<std::byte> bytes{packed.bytes.begin(), packed.bytes.end()};
    ProduceCall call{.partitions = {}, .acks = kAcksAll, .timeout = std::chrono::seconds{30}};
    call.partitions.push_back({.topic = {.name = "prices"}, .partition = index(0), .batches = bytes});
    core_->produce(std::move(call), [&state, version](const ProduceAnswer& answer) {
      if (answer.front()) state.told = std::max(state.told, version);
    });
  }

  void commit(std::size_t partition) {
    auto& range = committed_[partition];
    const auto offset = ++range.newest;
    CommitOffsets call;
    call.group = "readers";
    call.offsets.push_back({.topic = {.name = "orders"}, .partition = index(partition), .offset = Offset{offset}});
    core_->groups().commit_offsets(std::move(call), [&range, offset](const std::vector<ErrorCode>& errors) {
      if (errors.front() == ErrorCode::kNone) range.told = std::max(range.told, offset);
    });
  }

  void trim(std::size_t partition) {
    const auto high = core_->list_offset({.name = "orders"}, index(partition), {.kind = OffsetKind::kLatest},
                                         Isolation::kHighWatermark);
    if (!high || high->offset < Offset{1}) return;
    const Offset before{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(high->offset.value())))};
    trimming_[partition] = std::max(trimming_[partition], before);
    const auto start = core_->delete_records({.name = "orders"}, index(partition), before);
    if (start) trimmed_[partition] = std::max(trimmed_[partition], *start);
  }

  /// Topics come and go.
  void change_topics() {
    const auto name = "extra-" + std::to_string(random_.below(3));
    const auto life = life_;
    auto& exists = extras_[name];
    const auto before = exists;
    // In between, both answers are right.
    exists = std::nullopt;
    const auto done = [this, name, life](bool now) {
      if (life == life_) extras_[name] = now;
    };
    if (before.value_or(false)) {
      core_->delete_topics({{.name = name}}, [done](const std::vector<Result<DeletedTopic>>& answer) {
        if (answer.front()) done(false);
      });
    } else {
      core_->create_topics({{.name = name, .partitions = 1}}, ValidateOnly::kNo,
                           [done](const std::vector<Result<CreatedTopic>>& answer) {
                             if (answer.front() || answer.front().error().code() == ErrorCode::kTopicAlreadyExists)
                               done(true);
                           });
    }
    executor_->run_all();
  }

  // --- reading ---

  using Records = std::map<Offset, std::string>;

  /// What a consumer sees from the beginning; what it has seen stays.
  Records read(std::size_t partition) {
    Records found;
    for_each_record("orders", partition,
                    [&](const RecordView& record) { found.emplace(record.offset, record.value.text()); });
    for (const auto& [offset, value] : found) {
      const auto [known, is_new] = seen_[partition].emplace(offset, value);
      EXPECT_EQ(known->second, value) << "offset " << offset.value() << " of " << partition << " has changed";
    }
    return found;
  }

  /// The newest version of each key, as a reader sees it.
  std::map<std::size_t, std::int64_t> prices() {
    std::map<std::size_t, std::int64_t> found;
    for_each_record("prices", 0, [&](const RecordView& record) {
      const auto key = static_cast<std::size_t>(record.key.text().back() - '0');
      const auto headers = parse_headers(record.raw_headers).value();
      found[key] = std::atoll(std::string{headers.front().value.text()}.c_str());
    });
    for (const auto& [key, version] : found) keys_[key].told = std::max(keys_[key].told, version);
    return found;
  }

  template <class Visit>
  void for_each_record(const std::string& topic, std::size_t partition, Visit&& visit) {
    const auto start = core_->list_offset({.name = topic}, index(partition), {.kind = OffsetKind::kEarliest},
                                          Isolation::kHighWatermark);
    if (!start) return;
    for (auto next = start->offset;;) {
      std::optional<FetchAnswer> answer;
      FetchCall call;
      call.partitions.push_back(
          {.topic = {.name = topic}, .partition = index(partition), .from = next, .max_bytes = 1500});
      core_->fetch(std::move(call), [&answer](FetchAnswer given) { answer = std::move(given); });
      if (!answer || !answer->front() || answer->front()->bytes.empty()) return;
      for (BatchCursor batches{answer->front()->bytes}; batches.next();) {
        auto records = batches.batch().records(buffers_).value();
        while (records.next()) {
          if (records.record().offset >= next) visit(records.record());
        }
        next = batches.batch().next_offset();
      }
    }
  }

  // --- what must hold ---

  void check() {
    for (std::size_t p = 0; p < kPartitions; ++p) check_orders(p);
    check_prices();
    for (std::size_t p = 0; p < kPartitions; ++p) check_committed(p);
    for (auto& [name, exists] : extras_) {
      const bool found = core_->metadata()->topic(name) != nullptr;
      if (exists) {
        EXPECT_EQ(found, *exists) << name;
      }
      exists = found;
    }
  }

  void check_orders(std::size_t p) {
    const auto start =
        core_->list_offset({.name = "orders"}, index(p), {.kind = OffsetKind::kEarliest}, Isolation::kHighWatermark);
    ASSERT_TRUE(start) << start.error().message();
    EXPECT_GE(start->offset, trimmed_[p]);
    EXPECT_LE(start->offset, std::max(trimming_[p], trimmed_[p]));
    const auto records = read(p);
    for (const auto& [offset, value] : seen_[p]) {
      if (offset < start->offset) continue;
      EXPECT_TRUE(records.contains(offset)) << "offset " << offset.value() << " of " << p << " was read and is gone";
    }
    std::array<std::optional<std::int64_t>, kWriters> last;
    for (const auto& [offset, value] : records) {
      const auto writer = static_cast<std::size_t>(value.front() - '0');
      const auto sequence = std::atoll(value.c_str() + 2);
      if (last[writer]) {
        EXPECT_EQ(sequence, *last[writer] + 1) << "writer " << writer << " at offset " << offset.value();
      } else if (start->offset == Offset{0}) {
        EXPECT_EQ(sequence, 0) << "writer " << writer << " begins in the middle";
      }
      last[writer] = sequence;
    }
    for (std::size_t w = 0; w < kWriters; ++w) {
      const auto& writer = writers_[p][w];
      if (writer.next_sequence == 0 || writer.last_offset < start->offset) continue;
      EXPECT_EQ(last[w].value_or(-1), writer.next_sequence - 1) << "writer " << w << " of partition " << p;
    }
  }

  void check_prices() {
    const auto found = prices();
    for (std::size_t key = 0; key < kKeys; ++key) {
      auto& state = keys_[key];
      const auto version = found.find(key);
      if (version != found.end()) {
        EXPECT_GE(version->second, state.told) << "key " << key << " went back";
      } else if (state.told >= 0) {
        // Compaction forgets a tombstone, nothing else; one that was never acknowledged may have been met, too.
        EXPECT_TRUE(state.tombstones.lower_bound(state.told) != state.tombstones.end()) << "key " << key << " is lost";
        state.told = *state.tombstones.rbegin();
      }
    }
  }

  void check_committed(std::size_t p) {
    auto& range = committed_[p];
    const PartitionRef wanted{.topic = {.name = "orders"}, .partition = index(p)};
    const auto fetched = core_->groups().fetch_offsets("readers", std::span{&wanted, 1});
    ASSERT_TRUE(fetched) << fetched.error().message();
    const auto offset = fetched->front().offset.offset.value();
    EXPECT_GE(offset, range.told) << "the committed offset of " << p << " went back";
    EXPECT_LE(offset, range.newest);
    range.told = std::max(range.told, offset);
  }

  Random random_;
  ManualClock clock_;
  SimulatedFileSystem disk_;
  MemoryLogger logger_;
  BufferPool buffers_;
  std::unique_ptr<ManualExecutor> executor_ = std::make_unique<ManualExecutor>(clock_);
  std::shared_ptr<BrokerCore> core_;
  std::array<std::array<Writer, kWriters>, kPartitions> writers_;
  std::array<Records, kPartitions> seen_;
  std::array<Offset, kPartitions> trimming_{};
  std::array<Offset, kPartitions> trimmed_{};
  std::array<KeyState, kKeys> keys_;
  std::array<CommittedRange, kPartitions> committed_;
  std::map<std::string, std::optional<bool>> extras_;
  std::int64_t next_version_ = 0;
  std::uint64_t life_ = 0;
  std::string problem_;
};

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const auto* text = std::getenv(variable);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(PowerCut, TakesBackNothingThatAClientWasToldOrCouldRead) {
  const auto first = number_from("MILLRACE_FIRST_SEED", 1);
  const auto count = number_from("MILLRACE_SEEDS", 60);
  for (auto seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    BrokerStory{seed}.run();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace millrace::test
