// Batching and waiting, with the clock in the test's hand.

#include <gmock/gmock.h>

#include "client/embedded/embedded_client.h"
#include "unit/broker/simulated_broker.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

class EmbeddedProducer : public ::testing::Test {
 protected:
  void SetUp() override { broker_.create("orders"); }

  std::unique_ptr<Producer> producer(const Properties& properties, DeliveryListener listener = {}) {
    std::shared_ptr<EmbeddedContext> context{new EmbeddedContext{
        .host = nullptr, .broker = broker_.core, .executor = broker_.executor, .clock = broker_.clock}};
    auto client = must(make_embedded_client(std::move(context), {}));
    auto made = must(client->producer(properties, std::move(listener)));
    broker_.executor.run_all();
    return made;
  }

  /// How many records each stored batch has.
  std::vector<std::int32_t> batches() {
    const auto answer = broker_.fetch("orders", Offset{0}, 0ms);
    std::vector<std::int32_t> counts;
    for (BatchCursor cursor{must(answer.get().front()).bytes}; cursor.next();) {
      counts.push_back(cursor.batch().record_count());
    }
    return counts;
  }

  SimulatedBroker broker_;
};

TEST_F(EmbeddedProducer, HoldsABatchForAsLongAsItLingers) {
  const auto made = producer({{"linger.ms", "5"}});
  for (int i = 0; i < 10; ++i) must(made->send({.topic = "orders", .value = "v"}));
  broker_.executor.advance(4ms);
  EXPECT_THAT(batches(), IsEmpty());
  broker_.executor.advance(1ms);
  EXPECT_THAT(batches(), ElementsAre(10));
}

TEST_F(EmbeddedProducer, SendsAFullBatchAtOnce) {
  const auto made = producer({{"linger.ms", "1000"}, {"batch.size", "1000"}});
  for (int i = 0; i < 25; ++i) must(made->send({.topic = "orders", .value = std::string(100, 'x')}));
  broker_.executor.run_all();
  const auto full = batches();
  EXPECT_THAT(full, SizeIs(3));
  broker_.executor.advance(1s);
  EXPECT_THAT(batches(), SizeIs(4));
}

TEST_F(EmbeddedProducer, ReportsABatchOnlyWhenItIsDurable) {
  std::vector<std::uint64_t> reported;
  const auto made = producer({{"linger.ms", "0"}}, [&](const DeliveryReport& report) {
    ASSERT_TRUE(report.base_offset);
    reported.insert(reported.end(), report.tokens.begin(), report.tokens.end());
  });
  must(made->send({.topic = "orders", .value = "v", .token = 7}));
  // The linger's end, the append; then the round of syncs.
  while (broker_.values_written("orders") == 0) ASSERT_TRUE(broker_.executor.run_one());
  EXPECT_THAT(reported, IsEmpty());
  broker_.executor.run_all();
  EXPECT_THAT(reported, ElementsAre(7));
}

TEST_F(EmbeddedProducer, HasSeveralBatchesOnTheirWayAndNoMoreThanItMay) {
  const auto made =
      producer({{"linger.ms", "1000"}, {"batch.size", "200"}, {"max.in.flight.requests.per.connection", "2"}});
  for (int i = 0; i < 5; ++i) must(made->send({.topic = "orders", .value = std::string(200, 'x')}));
  // One piece of work writes all it may: nothing was synced in between.
  ASSERT_TRUE(broker_.executor.run_one());
  EXPECT_EQ(broker_.values_written("orders"), 2);
  broker_.executor.run_all();
  EXPECT_EQ(broker_.values_written("orders"), 5);
}

TEST_F(EmbeddedProducer, RefusesMoreThanItsMemoryHoldsWhenItMayNotWait) {
  const auto made = producer({{"buffer.memory", "1000"}, {"max.block.ms", "0"}, {"linger.ms", "1000"}});
  must(made->send({.topic = "orders", .value = std::string(900, 'x')}));
  const auto refused = made->send({.topic = "orders", .value = std::string(900, 'x')});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kTimedOut);
  broker_.executor.run_all();
  must(made->send({.topic = "orders", .value = std::string(900, 'x')}));
  broker_.executor.advance(1s);
  EXPECT_EQ(broker_.values_written("orders"), 2);
}

TEST_F(EmbeddedProducer, NumbersItsBatchesSoThatNoneIsStoredTwice) {
  const auto made = producer({{"linger.ms", "0"}});
  for (int i = 0; i < 3; ++i) {
    must(made->send({.topic = "orders", .value = "v"}));
    broker_.executor.run_all();
  }
  const auto answer = broker_.fetch("orders", Offset{0}, 0ms);
  std::vector<std::int32_t> sequences;
  for (BatchCursor cursor{must(answer.get().front()).bytes}; cursor.next();) {
    EXPECT_TRUE(cursor.batch().has_producer_id());
    sequences.push_back(cursor.batch().base_sequence());
  }
  EXPECT_THAT(sequences, ElementsAre(0, 1, 2));
}

TEST_F(EmbeddedProducer, FindsPartitionsThatWereAddedSince) {
  const auto made = producer({{"linger.ms", "0"}});
  const auto send_to_second = [&] {
    return made->send({.topic = "orders", .partition = PartitionIndex{1}, .value = "v"});
  };
  EXPECT_EQ(send_to_second().error().code(), ErrorCode::kUnknownTopicOrPartition);
  Caught<std::vector<Result<void>>> added;
  broker_.core->create_partitions({{.topic = "orders", .total = 2}}, ValidateOnly::kNo, added.callback());
  broker_.executor.run_all();
  must(made->send({.topic = "orders", .value = "opens a batch"}));
  broker_.executor.run_all();
  must(send_to_second());
  broker_.executor.run_all();
}

TEST_F(EmbeddedProducer, DoesNotWriteWhatIsBehindABatchThatFailed) {
  std::vector<bool> stored;
  const auto made = producer({{"linger.ms", "1000"}, {"batch.size", "500"}},
                             [&](const DeliveryReport& report) { stored.push_back(report.base_offset.has_value()); });
  broker_.disk.set_capacity(1);
  for (int i = 0; i < 3; ++i) must(made->send({.topic = "orders", .value = std::string(500, 'x')}));
  broker_.executor.run_all();
  broker_.disk.set_capacity(UINT64_MAX);
  EXPECT_THAT(stored, ElementsAre(false, false, false));

  EXPECT_EQ(made->send({.topic = "orders", .value = "told"}).error().code(), ErrorCode::kNoSpace);
  must(made->send({.topic = "orders", .value = std::string(500, 'x')}));
  broker_.executor.run_all();
  EXPECT_THAT(stored, ElementsAre(false, false, false, true));
  EXPECT_EQ(broker_.values_written("orders"), 1);
  EXPECT_EQ(made->flush(0ms).error().code(), ErrorCode::kNoSpace);
}

}  // namespace
}  // namespace millrace::test
