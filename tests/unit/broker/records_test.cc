// Produce, fetch and what is between them, on a simulated disk.

#include <gmock/gmock.h>

#include <cerrno>

#include "base/deadline_queue.h"
#include "broker/fetch_path.h"
#include "broker/partition_table.h"
#include "log/file_cache.h"
#include "log/flusher.h"
#include "unit/broker/simulated_broker.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

ErrorCode code_of(const Result<AppendInfo>& answer) { return answer ? ErrorCode::kNone : answer.error().code(); }

TEST(Produce, AnswersAcksAllWhenTheRecordsAreDurableAndNotBefore) {
  SimulatedBroker broker;
  broker.create("orders");

  const auto answer = broker.produce("orders", broker.batch({"a"}));
  EXPECT_FALSE(answer.came());
  EXPECT_THAT(broker.values("orders"), IsEmpty()) << "shown before it is durable";

  broker.executor.run_all();
  ASSERT_TRUE(answer.came());
  EXPECT_EQ(must(answer.get().front()).base_offset, Offset{0});
  EXPECT_THAT(broker.values("orders"), ElementsAre("a"));
}

TEST(Produce, AnswersAcksOneAtTheWrite) {
  SimulatedBroker broker;
  broker.create("orders");
  EXPECT_TRUE(broker.produce("orders", broker.batch({"a"}), kAcksLeader).came());
}

TEST(Produce, KeepsWhatItAcknowledgedWhenThePowerFails) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    SimulatedBroker broker{{}, seed};
    broker.create("orders");
    std::vector<std::string> acknowledged;
    broker.disk.fail_power_after(seed);
    for (int i = 0; i < 40 && broker.disk.power_is_on(); ++i) {
      const auto value = std::to_string(i);
      const auto answer = broker.produce("orders", broker.batch({value}));
      broker.executor.run_all();
      if (answer.came() && answer.get().front()) acknowledged.push_back(value);
    }
    broker.core.reset();
    broker.executor.run_all();
    broker.disk.restore_power();
    broker.open();

    auto found = broker.values("orders");
    ASSERT_GE(found.size(), acknowledged.size());
    found.resize(acknowledged.size());
    EXPECT_EQ(found, acknowledged);
  }
}

TEST(Produce, StoresBatchesWithTheTopicsCodec) {
  SimulatedBroker broker;
  broker.create("packed", 1, {{"compression.type", "zstd"}});
  broker.create("plain", 1, {{"compression.type", "uncompressed"}});
  broker.create("as-it-comes");
  const auto gzip = [&broker](const std::string& value) {
    RecordBatchBuilder builder{broker.buffers, 1 << 20, {.compression = Compression::kGzip}};
    EXPECT_TRUE(builder.try_append(broker.clock.wall(), "key", value));
    const auto packed = must(builder.finish());
    return std::vector<std::byte>{packed.bytes.begin(), packed.bytes.end()};
  };
  const auto stored = [&broker](const std::string& topic) {
    const auto answer = broker.fetch(topic, Offset{0}, 0ms);
    const auto batch = must(RecordBatchView::parse(must(answer.get().front()).bytes));
    EXPECT_TRUE(batch.crc_matches());
    return batch.compression();
  };
  const std::string value(1000, 'v');
  for (const auto* topic : {"packed", "plain", "as-it-comes"}) {
    must(broker.produce_durably(topic, gzip(value)));
    must(broker.produce_durably(topic, broker.batch({"second"})));
    EXPECT_THAT(broker.values(topic), ElementsAre(value, "second"));
  }
  EXPECT_EQ(stored("packed"), Compression::kZstd);
  EXPECT_EQ(stored("plain"), Compression::kNone);
  EXPECT_EQ(stored("as-it-comes"), Compression::kGzip);
}

TEST(Produce, RefusesABatchThatGrowsTooLargeWhenItIsUnpacked) {
  SimulatedBroker broker;
  broker.create("plain", 1, {{"compression.type", "uncompressed"}, {"max.message.bytes", "500"}});
  RecordBatchBuilder builder{broker.buffers, 1 << 20, {.compression = Compression::kGzip}};
  ASSERT_TRUE(builder.try_append(broker.clock.wall(), "key", std::string(2000, 'v')));
  const auto packed = must(builder.finish());
  ASSERT_LT(packed.bytes.size(), 500U);
  EXPECT_EQ(code_of(broker.produce_durably("plain", {packed.bytes.begin(), packed.bytes.end()})),
            ErrorCode::kMessageTooLarge);
}

TEST(Produce, WithWriteCachingShowsNoMoreUnsyncedRecordsThanFlushMessages) {
  SimulatedBroker broker;
  broker.create("cached", 1, {{"write.caching", "true"}, {"flush.messages", "3"}});
  EXPECT_TRUE(broker.produce("cached", broker.batch({"1", "2"})).came());
  const auto third = broker.produce("cached", broker.batch({"3"}));
  EXPECT_FALSE(third.came());
  EXPECT_THAT(broker.values("cached"), ElementsAre("1", "2"));
  broker.executor.run_all();
  EXPECT_TRUE(third.came());
}

TEST(Compaction, IsDoneByTheBrokerFromTimeToTime) {
  SimulatedBroker broker{{{"log.cleaner.backoff.ms", "1000"}}};
  broker.create("totals", 1, {{"cleanup.policy", "compact"}, {"segment.bytes", "2000"}});
  for (int i = 0; i < 100; ++i) {
    RecordBatchBuilder builder{broker.buffers, 1 << 20};
    ASSERT_TRUE(builder.try_append(broker.clock.wall(), "k" + std::to_string(i % 4), std::to_string(i)));
    const auto packed = must(builder.finish());
    must(broker.produce_durably("totals", {packed.bytes.begin(), packed.bytes.end()}));
  }
  EXPECT_EQ(broker.values("totals").size(), 100U);
  for (int i = 0; i < 3; ++i) {
    broker.clock.advance(1s);
    broker.executor.run_all();
  }
  EXPECT_LT(broker.values("totals").size(), 40U);
  EXPECT_EQ(broker.values("totals").back(), "99");
  broker.reopen();
  EXPECT_LT(broker.values("totals").size(), 40U);
  RecordBatchBuilder keyless{broker.buffers, 1 << 20};
  ASSERT_TRUE(keyless.try_append(broker.clock.wall(), nullptr, "value"));
  const auto packed = must(keyless.finish());
  EXPECT_EQ(code_of(broker.produce_durably("totals", {packed.bytes.begin(), packed.bytes.end()})),
            ErrorCode::kInvalidRecord);
}

TEST(Produce, TimesOutWhenTheDiskIsSlowAndKeepsTheRecords) {
  SimulatedBroker broker{{{"log.retention.check.interval.ms", "3600000"}}};
  broker.create("orders");
  Caught<ProduceAnswer> answer;
  auto bytes = broker.batch({"a"});
  // The timer is looked at before the round of syncs that this append has asked for.
  ProduceCall call{.partitions = {}, .acks = kAcksAll, .timeout = 0ms};
  call.partitions.push_back({.topic = {.name = "orders"}, .partition = PartitionIndex{0}, .batches = bytes});
  broker.core->produce(std::move(call), answer.callback());
  while (!answer.came() && broker.executor.run_timer()) {
  }
  ASSERT_TRUE(answer.came());
  EXPECT_EQ(code_of(answer.get().front()), ErrorCode::kRequestTimedOut);
  broker.executor.run_all();
  EXPECT_THAT(broker.values("orders"), ElementsAre("a"));
}

TEST(Produce, StoresARetriedBatchOnce) {
  SimulatedBroker broker;
  broker.create("orders");
  Caught<Result<ProducerIdentity>> identity;
  broker.core->init_producer_id(identity.callback());
  broker.executor.run_all();
  const auto [id, epoch] = must(identity.get());
  const auto send = [&](std::int32_t sequence, const std::vector<std::string>& values) {
    return broker.produce_durably("orders",
                                  broker.batch(values, {.id = id, .epoch = epoch, .base_sequence = sequence}));
  };

  EXPECT_EQ(must(send(0, {"a", "b"})).base_offset, Offset{0});
  EXPECT_EQ(must(send(2, {"c"})).base_offset, Offset{2});
  const auto again = must(send(0, {"a", "b"}));
  EXPECT_EQ(again.base_offset, Offset{0});
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(code_of(send(7, {"gap"})), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_THAT(broker.values("orders"), ElementsAre("a", "b", "c"));

  broker.reopen();
  EXPECT_TRUE(must(send(2, {"c"})).duplicate) << "the producer's state is forgotten";
}

TEST(Produce, RefusesWhatIsBroken) {
  SimulatedBroker broker;
  broker.create("orders", 1, {{"max.message.bytes", "200"}});
  auto flipped = broker.batch({"a"});
  flipped.back() ^= std::byte{1};
  EXPECT_EQ(code_of(broker.produce_durably("orders", flipped)), ErrorCode::kCorruptMessage);
  EXPECT_EQ(code_of(broker.produce_durably("orders", broker.batch({std::string(300, 'x')}))),
            ErrorCode::kMessageTooLarge);
  EXPECT_EQ(code_of(broker.produce_durably("orders", broker.batch({"late"}, {}, broker.clock.wall() + 2h))),
            ErrorCode::kInvalidTimestamp);
  EXPECT_EQ(code_of(broker.produce_durably("nothing", broker.batch({"a"}))), ErrorCode::kUnknownTopicOrPartition);
  const auto acks = broker.produce("orders", broker.batch({"a"}), 2);
  EXPECT_EQ(code_of(acks.get().front()), ErrorCode::kInvalidRequiredAcks);
}

TEST(Produce, NeedsAsManyReplicasAsTheTopicSays) {
  SimulatedBroker broker;
  broker.create("orders", 1, {{"min.insync.replicas", "2"}});
  EXPECT_EQ(code_of(broker.produce_durably("orders", broker.batch({"a"}))), ErrorCode::kNotEnoughReplicas);
  EXPECT_TRUE(broker.produce("orders", broker.batch({"a"}), kAcksLeader).get().front());
}

TEST(Produce, TakesAPartitionOfflineWhenItsSyncFailsAndLeavesTheOthers) {
  SimulatedBroker broker;
  broker.create("orders");
  broker.create("payments");
  broker.disk.inject(
      {.operation = FileOperation::kSync, .path_contains = "orders-0/00000000000000000000.log", .error_number = EIO});

  const auto failed = broker.produce_durably("orders", broker.batch({"a"}));
  EXPECT_EQ(code_of(failed), ErrorCode::kStorageError);
  EXPECT_EQ(code_of(broker.produce_durably("orders", broker.batch({"b"}))), ErrorCode::kStorageError);
  EXPECT_TRUE(broker.core->is_offline({.name = "orders"}, PartitionIndex{0}));
  const auto read = broker.fetch("orders", Offset{0}, 1h);
  ASSERT_TRUE(read.came());
  EXPECT_EQ(read.get().front().error().code(), ErrorCode::kStorageError);
  EXPECT_THAT(read.get().front().error().message(), HasSubstr("orders-0 is offline: "));
  EXPECT_THAT(broker.logger.troubles(), ElementsAre(HasSubstr("orders-0 is offline: ")));

  EXPECT_TRUE(broker.produce_durably("payments", broker.batch({"a"})));
  EXPECT_THAT(broker.values("payments"), ElementsAre("a"));
}

TEST(Produce, TellsOnceThatAPartitionFailedAndClosesWell) {
  SimulatedBroker broker;
  broker.create("orders");
  broker.disk.inject(
      {.operation = FileOperation::kSync, .path_contains = "orders-0/00000000000000000000.log", .error_number = EIO});
  EXPECT_EQ(code_of(broker.produce_durably("orders", broker.batch({"a"}))), ErrorCode::kStorageError);
  EXPECT_TRUE(broker.core->close(1s)) << "it was told when it happened";
  broker.core.reset();
  EXPECT_THAT(broker.logger.troubles(), ElementsAre(HasSubstr("orders-0 is offline: ")));
}

TEST(Produce, SaysThatTheDiskIsFullAndGoesOnWhenItIsNot) {
  SimulatedBroker broker;
  broker.create("orders");
  must(broker.produce_durably("orders", broker.batch({"a"})));
  broker.disk.set_capacity(1);
  EXPECT_EQ(code_of(broker.produce_durably("orders", broker.batch({"b"}))), ErrorCode::kNoSpace);
  broker.disk.set_capacity(UINT64_MAX);
  must(broker.produce_durably("orders", broker.batch({"c"})));
  EXPECT_THAT(broker.values("orders"), ElementsAre("a", "c"));
}

TEST(Fetch, WaitsForProgress) {
  SimulatedBroker broker;
  broker.create("orders");
  const auto answer = broker.fetch("orders", Offset{0}, 1h);
  broker.executor.run_all();
  EXPECT_FALSE(answer.came());

  must(broker.produce_durably("orders", broker.batch({"a"})));
  ASSERT_TRUE(answer.came());
  EXPECT_EQ(must(answer.get().front()).high_watermark, Offset{1});
}

TEST(Fetch, GivesNothingWhenItsTimeIsOver) {
  SimulatedBroker broker;
  broker.create("orders");
  const auto answer = broker.fetch("orders", Offset{0}, 500ms);
  broker.executor.advance(499ms);
  EXPECT_FALSE(answer.came());
  broker.executor.advance(1ms);
  ASSERT_TRUE(answer.came());
  EXPECT_THAT(must(answer.get().front()).bytes, IsEmpty());
}

TEST(Fetch, WaitsForAsManyBytesAsItAskedFor) {
  SimulatedBroker broker;
  broker.create("orders");
  const auto answer = broker.fetch("orders", Offset{0}, 1h, 1000);
  must(broker.produce_durably("orders", broker.batch({std::string(300, 'x')})));
  must(broker.produce_durably("orders", broker.batch({std::string(300, 'x')})));
  EXPECT_FALSE(answer.came());
  must(broker.produce_durably("orders", broker.batch({std::string(300, 'x')})));
  ASSERT_TRUE(answer.came());
  EXPECT_GE(must(answer.get().front()).bytes.size(), 1000U);
}

TEST(Fetch, CountsBytesThatWereWrittenBeforeItAndBecomeDurableAfter) {
  SimulatedBroker broker;
  broker.create("orders");
  auto bytes = broker.batch({std::string(1000, 'v')});
  const auto size = bytes.size();
  const auto written = broker.produce("orders", std::move(bytes));
  const auto answer = broker.fetch("orders", Offset{0}, 1h, size);
  EXPECT_FALSE(answer.came());
  broker.executor.run_all();
  ASSERT_TRUE(answer.came());
  EXPECT_EQ(must(answer.get().front()).bytes.size(), size);
}

/// Its first timer is due before `post_at` returns: the worst moment for what is just being begun.
class HastyExecutor final : public Executor {
 public:
  void post(Work work) override { later_.push_back(std::move(work)); }
  void post_at(TimePoint when, Work work) override {
    if (clock.now() < when) clock.advance(std::chrono::ceil<std::chrono::milliseconds>(when - clock.now()));
    work();
  }
  ManualClock clock;

 private:
  std::vector<Work> later_;
};

TEST(Fetch, LeavesNothingBehindWhenItIsAnsweredWhileItBegins) {
  SimulatedBroker broker;  // for its disk
  BufferPool buffers;
  FileCache open_files{broker.disk, 16};
  Flusher flusher{Flusher::Options{.threads = 0}};
  const auto log = must(PartitionLog::open({broker.disk, open_files, buffers, flusher, broker.clock, broker.logger},
                                           {"other", PartitionIndex{0}}, "/other-0", {}));
  const auto partitions = std::make_shared<PartitionTable>();
  const auto partition = Partition::make({"other", PartitionIndex{0}}, {}, LeaderEpoch{0}, log);
  partitions->add(partition);
  HastyExecutor executor;
  const auto deadlines = std::make_shared<DeadlineQueue>(executor, executor.clock);
  const auto path = std::make_shared<FetchPath>(partitions, deadlines, executor, executor.clock);
  Caught<FetchAnswer> answer;
  FetchCall call{.partitions = {}, .max_wait = 1ms};
  call.partitions.push_back({.topic = {.name = "other"}, .partition = PartitionIndex{0}, .from = Offset{0}});
  path->fetch(std::move(call), answer.callback());
  ASSERT_TRUE(answer.came());
  EXPECT_EQ(partition->watchers(), 0U);
}

TEST(Fetch, KeepsNoPartitionAliveWhenTheBrokerEndsBeforeItHasLooked) {
  SimulatedBroker broker;  // for its disk
  BufferPool buffers;
  FileCache open_files{broker.disk, 16};
  Flusher flusher{Flusher::Options{.threads = 0}};
  const auto log = must(PartitionLog::open({broker.disk, open_files, buffers, flusher, broker.clock, broker.logger},
                                           {"other", PartitionIndex{0}}, "/other-0", {}));
  auto partitions = std::make_shared<PartitionTable>();
  auto partition = Partition::make({"other", PartitionIndex{0}}, {}, LeaderEpoch{0}, log);
  partitions->add(partition);
  ManualExecutor executor{broker.clock};  // outlives the broker
  auto deadlines = std::make_shared<DeadlineQueue>(executor, broker.clock);
  auto path = std::make_shared<FetchPath>(partitions, deadlines, executor, broker.clock);
  Caught<FetchAnswer> answer;
  FetchCall call{.partitions = {}, .max_wait = 1h};
  call.partitions.push_back({.topic = {.name = "other"}, .partition = PartitionIndex{0}, .from = Offset{0}});
  path->fetch(std::move(call), answer.callback());
  partition->retire();
  path->close();
  deadlines->close();
  path.reset();
  partitions.reset();
  const std::weak_ptr<Partition> left = partition;
  partition.reset();
  EXPECT_TRUE(left.expired());
}

TEST(Fetch, EndsItsWaitWhenToldTo) {
  SimulatedBroker broker;
  broker.create("orders");
  const auto answer = broker.fetch("orders", Offset{0}, 1h);
  broker.core->end_wait(broker.last_fetch);
  EXPECT_TRUE(answer.came());
  broker.core->end_wait(broker.last_fetch);
}

TEST(Fetch, EndsItsWaitWhenTheTopicIsDeletedOrTheBrokerCloses) {
  SimulatedBroker broker;
  broker.create("orders");
  broker.create("payments");
  const auto of_deleted = broker.fetch("orders", Offset{0}, 1h);
  Caught<std::vector<Result<DeletedTopic>>> deleted;
  broker.core->delete_topics({{.name = "orders"}}, deleted.callback());
  broker.executor.run_all();
  ASSERT_TRUE(of_deleted.came());
  EXPECT_EQ(of_deleted.get().front().error().code(), ErrorCode::kUnknownTopicOrPartition);

  const auto of_closed = broker.fetch("payments", Offset{0}, 1h);
  must(broker.core->close(10s));
  ASSERT_TRUE(of_closed.came());
  EXPECT_EQ(of_closed.get().front().error().code(), ErrorCode::kClosed);
  EXPECT_EQ(code_of(broker.produce("payments", broker.batch({"a"})).get().front()), ErrorCode::kClosed);
  must(broker.core->close(10s));
}

TEST(Fetch, ChecksOffsetsAndEpochs) {
  SimulatedBroker broker;
  broker.create("orders");
  EXPECT_EQ(broker.fetch("orders", Offset{5}, 1h).get().front().error().code(), ErrorCode::kOffsetOutOfRange);
  const auto with_epoch = [&](std::int32_t epoch) {
    Caught<FetchAnswer> answer;
    FetchCall call;
    call.partitions.push_back({.topic = {.name = "orders"},
                               .partition = PartitionIndex{0},
                               .from = Offset{0},
                               .current_leader_epoch = LeaderEpoch{epoch}});
    broker.core->fetch(std::move(call), answer.callback());
    return answer.get().front() ? ErrorCode::kNone : answer.get().front().error().code();
  };
  EXPECT_EQ(with_epoch(0), ErrorCode::kNone);
  EXPECT_EQ(with_epoch(1), ErrorCode::kUnknownLeaderEpoch);
  broker.core.reset();
  broker.executor.run_all();
  broker.disk.fail_power();
  broker.disk.restore_power();
  broker.open();
}

TEST(Retention, DeletesOldSegmentsFromTimeToTime) {
  SimulatedBroker broker{{{"log.retention.check.interval.ms", "1000"}}};
  broker.create("orders", 1, {{"retention.ms", "60000"}, {"segment.ms", "1000"}});
  must(broker.produce_durably("orders", broker.batch({"old"})));
  broker.executor.advance(2s);
  must(broker.produce_durably("orders", broker.batch({"new"})));
  EXPECT_THAT(broker.values("orders"), ElementsAre("old", "new"));
  broker.executor.advance(59s);
  EXPECT_THAT(broker.values("orders"), ElementsAre("new"));
}

}  // namespace
}  // namespace millrace::test
