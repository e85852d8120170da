#include <gtest/gtest.h>

#include "server/handlers/handlers.h"
#include "unit/server/server_under_test.h"

namespace millrace {
namespace {

using test::must;
using test::ServerUnderTest;
using namespace protocol;  // NOLINT: the messages are what these tests are about

constexpr Versions kTopicIds = from(13);  // Produce and Fetch name topics by id since this version

class RecordHandlers : public testing::Test {
 protected:
  RecordHandlers() : topic_(server_.broker.create("orders").id) {}

  ProduceRequest produce_request(const std::vector<std::byte>& batch, std::int16_t version, std::int16_t acks) {
    ProduceRequest request;
    request.acks = acks;
    request.timeout_ms = 1000;
    auto& topic = request.topic_data.emplace_back();
    if (kTopicIds.has(version))
      topic.topic_id = topic_;
    else
      topic.name = "orders";
    topic.partition_data.emplace_back().records.bytes = Bytes{batch};
    return request;
  }
  PartitionProduceResponse produce(const std::vector<std::byte>& batch, std::int16_t version = 9,
                                   std::int16_t acks = -1) {
    return server_.ask<ProduceResponse>(produce_request(batch, version, acks), version)
        .responses.at(0)
        .partition_responses.at(0);
  }
  FetchRequest fetch_request(std::int64_t from, std::int16_t version, std::int32_t max_wait_ms = 0) {
    FetchRequest request;
    request.max_wait_ms = max_wait_ms;
    request.min_bytes = 1;
    auto& topic = request.topics.emplace_back();
    if (kTopicIds.has(version))
      topic.topic_id = topic_;
    else
      topic.topic = "orders";
    auto& partition = topic.partitions.emplace_back();
    partition.fetch_offset = Offset{from};
    partition.partition_max_bytes = 1 << 20;
    return request;
  }
  static std::vector<std::string> values(const Records& records) {
    std::vector<std::string> found;
    BufferPool pool;
    for (BatchCursor batches{records.bytes.bytes()}; batches.next();) {
      auto cursor = must(batches.batch().records(pool));
      while (cursor.next()) found.emplace_back(cursor.record().value.text());
    }
    return found;
  }

  ServerUnderTest server_;
  TopicId topic_;
};

TEST_F(RecordHandlers, ProduceAndFetchAgreeInEveryVersion) {
  std::int64_t offset = 0;
  test::for_versions({3, ProduceRequest::kVersions.last}, [&](std::int16_t version) {
    const auto produced = produce(server_.broker.batch({"a", "b"}), version);
    EXPECT_EQ(produced.error_code, ErrorCode::kNone);
    EXPECT_EQ(produced.base_offset, Offset{offset});
    offset += 2;
  });
  test::for_versions({4, FetchRequest::kVersions.last}, [&](std::int16_t version) {
    const auto response = server_.ask<FetchResponse>(fetch_request(offset - 2, version), version);
    const auto& partition = response.responses.at(0).partitions.at(0);
    EXPECT_EQ(partition.error_code, ErrorCode::kNone);
    EXPECT_EQ(partition.high_watermark, Offset{offset});
    EXPECT_EQ(values(partition.records), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(response.session_id, 0);
  });
}

TEST_F(RecordHandlers, FetchGivesOldVersionsMessageSets) {
  produce(server_.broker.batch({"a", "b"}));
  test::for_versions({0, 3}, [&](std::int16_t version) {
    const auto response = server_.ask<FetchResponse>(fetch_request(0, version), version);
    const auto bytes = response.responses.at(0).partitions.at(0).records.bytes.bytes();
    constexpr std::size_t kMagicAt = 16;
    ASSERT_GT(bytes.size(), kMagicAt);
    EXPECT_EQ(std::to_integer<int>(bytes[kMagicAt]), version < 2 ? 0 : 1);
    EXPECT_EQ(load_be<std::int64_t>(bytes.data()), 0);  // the first record's offset
  });
}

TEST_F(RecordHandlers, ProduceWithAllAcksIsAnsweredWhenTheRecordsAreDurable) {
  const auto batch = server_.broker.batch({"a"});
  const auto number = server_.send(produce_request(batch, 9, -1), 9);
  EXPECT_FALSE(server_.received<ProduceResponse>(number, 9));
  server_.broker.executor.run_all();
  EXPECT_TRUE(server_.received<ProduceResponse>(number, 9));
}

TEST_F(RecordHandlers, AFullDiskIsAStorageErrorThatProducersTryAgain) {
  server_.broker.disk.set_capacity(1);
  EXPECT_EQ(produce(server_.broker.batch({"a"})).error_code, ErrorCode::kStorageError);
  server_.broker.disk.set_capacity(UINT64_MAX);
  EXPECT_EQ(produce(server_.broker.batch({"a"})).error_code, ErrorCode::kNone);
}

TEST_F(RecordHandlers, ProduceWithoutAcksIsNotAnswered) {
  const auto number = server_.send(produce_request(server_.broker.batch({"a"}), 9, 0), 9);
  server_.broker.executor.run_all();
  EXPECT_TRUE(server_.answers->answers.at(number).empty());
  EXPECT_EQ(server_.broker.values("orders"), std::vector<std::string>{"a"});
}

TEST_F(RecordHandlers, ProduceWithoutAcksThatFailsClosesTheConnection) {
  auto batch = server_.broker.batch({"a"});
  batch.back() ^= std::byte{1};
  const auto number = server_.send(produce_request(batch, 9, 0), 9);
  server_.broker.executor.run_all();
  EXPECT_NE(server_.refusal(number), "");
}

TEST_F(RecordHandlers, ProduceSaysWhatIsWrongWithAPartition) {
  auto batch = server_.broker.batch({"a"});
  batch.back() ^= std::byte{1};
  const auto answer = produce(batch);
  EXPECT_EQ(answer.error_code, ErrorCode::kCorruptMessage);
  EXPECT_TRUE(answer.error_message);
  EXPECT_EQ(answer.base_offset, kNoOffset);
}

TEST_F(RecordHandlers, FetchWaitsForRecordsAndIsAnsweredByThem) {
  const auto number = server_.send(fetch_request(0, 11, 30'000), 11);
  EXPECT_EQ(server_.next, net::Next::kAfterAnswer);
  server_.broker.executor.run_all();
  EXPECT_FALSE(server_.received<FetchResponse>(number, 11));
  server_.broker.produce_durably("orders", server_.broker.batch({"news"}));
  server_.broker.executor.run_all();
  const auto response = server_.received<FetchResponse>(number, 11);
  ASSERT_TRUE(response);
  EXPECT_EQ(values(response->responses.at(0).partitions.at(0).records), std::vector<std::string>{"news"});
}

TEST_F(RecordHandlers, FetchIsAnsweredEmptyWhenItsTimeIsOver) {
  const auto number = server_.send(fetch_request(0, 11, 500), 11);
  server_.broker.executor.run_all();
  EXPECT_FALSE(server_.received<FetchResponse>(number, 11));
  server_.broker.clock.advance(std::chrono::milliseconds{500});
  server_.broker.executor.run_all();
  const auto response = server_.received<FetchResponse>(number, 11);
  ASSERT_TRUE(response);
  const auto& records = response->responses.at(0).partitions.at(0).records;
  EXPECT_FALSE(records.bytes.is_null());
  EXPECT_EQ(records.bytes.size(), 0U);
}

TEST_F(RecordHandlers, FetchThatWaitsEndsWithItsConnection) {
  const auto number = server_.send(fetch_request(0, 11, 30'000), 11);
  server_.broker.executor.run_all();
  server_.session->closed();
  server_.broker.executor.run_all();
  EXPECT_TRUE(server_.answers->answers.contains(number));
}

TEST_F(RecordHandlers, FetchOfASessionThatWasNeverOpenedIsRefused) {
  auto request = fetch_request(0, 11);
  request.session_id = 12;
  request.session_epoch = 1;
  EXPECT_EQ(server_.ask<FetchResponse>(request, 11).error_code, ErrorCode::kFetchSessionIdNotFound);
}

TEST_F(RecordHandlers, FetchInASessionTellsOnlyWhatIsNewInEveryVersion) {
  test::for_versions({7, FetchRequest::kVersions.last}, [&](std::int16_t version) {
    const auto end = server_.broker.values_written("orders");
    auto first = fetch_request(end, version);
    first.session_epoch = 0;
    const auto begun = server_.ask<FetchResponse>(first, version);
    EXPECT_NE(begun.session_id, 0);
    EXPECT_EQ(begun.responses.size(), 1U);

    FetchRequest next;
    next.session_id = begun.session_id;
    next.session_epoch = 1;
    EXPECT_TRUE(server_.ask<FetchResponse>(next, version).responses.empty());

    EXPECT_EQ(server_.ask<FetchResponse>(next, version).error_code, ErrorCode::kInvalidFetchSessionEpoch);

    produce(server_.broker.batch({"news"}));
    next.session_epoch = 2;
    const auto news = server_.ask<FetchResponse>(next, version);
    EXPECT_EQ(news.session_id, begun.session_id);
    ASSERT_EQ(news.responses.size(), 1U);
    EXPECT_EQ(news.responses[0].topic_id, version >= 13 ? topic_ : TopicId{});
    EXPECT_EQ(news.responses[0].topic, version >= 13 ? "" : "orders");
    EXPECT_EQ(values(news.responses[0].partitions.at(0).records), std::vector<std::string>{"news"});
  });
}

TEST_F(RecordHandlers, FetchInASessionKeepsToOneWayOfNamingTopics) {
  auto first = fetch_request(0, 12);
  first.session_epoch = 0;
  FetchRequest next;
  next.session_id = server_.ask<FetchResponse>(first, 12).session_id;
  next.session_epoch = 1;
  EXPECT_EQ(server_.ask<FetchResponse>(next, 13).error_code, ErrorCode::kFetchSessionTopicIdError);
  EXPECT_EQ(server_.ask<FetchResponse>(next, 12).error_code, ErrorCode::kNone);
}

TEST_F(RecordHandlers, FetchEndsTheSessionThatItNamesInAFullRequest) {
  auto first = fetch_request(0, 11);
  first.session_epoch = 0;
  const auto session = server_.ask<FetchResponse>(first, 11).session_id;
  auto last = fetch_request(0, 11);
  last.session_id = session;
  const auto ended = server_.ask<FetchResponse>(last, 11);
  EXPECT_EQ(ended.session_id, 0);
  EXPECT_EQ(ended.responses.size(), 1U);
  FetchRequest next;
  next.session_id = session;
  next.session_epoch = 1;
  EXPECT_EQ(server_.ask<FetchResponse>(next, 11).error_code, ErrorCode::kFetchSessionIdNotFound);
}

TEST_F(RecordHandlers, FetchSaysWhatIsWrongWithAPartition) {
  auto response = server_.ask<FetchResponse>(fetch_request(5, 11), 11);
  EXPECT_EQ(response.responses.at(0).partitions.at(0).error_code, ErrorCode::kOffsetOutOfRange);
  topic_.bytes[3] ^= 1;
  response = server_.ask<FetchResponse>(fetch_request(0, 13), 13);
  EXPECT_EQ(response.responses.at(0).partitions.at(0).error_code, ErrorCode::kUnknownTopicId);
}

TEST_F(RecordHandlers, ListOffsetsFindsEndsAndTimesInEveryVersion) {
  const auto begun = server_.broker.clock.wall();
  produce(server_.broker.batch({"a", "b"}));
  server_.broker.clock.advance(std::chrono::milliseconds{1000});
  produce(server_.broker.batch({"c"}));
  struct Question {
    std::int64_t timestamp;
    std::int64_t offset;
  };
  const auto start = begun.time_since_epoch().count();
  const Question questions[] = {{-1, 3}, {-2, 0}, {start, 0}, {start + 1, 2}, {start + 1001, -1}, {-5, -1}};
  test::for_versions(ListOffsetsRequest::kVersions, [&](std::int16_t version) {
    for (const auto& question : questions) {
      ListOffsetsRequest request;
      auto& topic = request.topics.emplace_back();
      topic.name = "orders";
      topic.partitions.emplace_back().timestamp = question.timestamp;
      const auto response = server_.ask<ListOffsetsResponse>(request, version);
      const auto& answer = response.topics.at(0).partitions.at(0);
      EXPECT_EQ(answer.error_code, ErrorCode::kNone);
      if (version > 0) {
        EXPECT_EQ(answer.offset, Offset{question.offset}) << question.timestamp;
      } else {
        EXPECT_EQ(answer.old_style_offsets.size(), question.offset < 0 ? 0U : 1U);
      }
    }
  });
}

TEST_F(RecordHandlers, DeleteRecordsMovesTheStartInEveryVersion) {
  produce(server_.broker.batch({"a", "b", "c", "d"}));
  std::int64_t before = 1;
  test::for_versions(DeleteRecordsRequest::kVersions, [&](std::int16_t version) {
    DeleteRecordsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = "orders";
    topic.partitions.emplace_back().offset = Offset{before};
    const auto response = server_.ask<DeleteRecordsResponse>(request, version);
    EXPECT_EQ(response.topics.at(0).partitions.at(0).error_code, ErrorCode::kNone);
    EXPECT_EQ(response.topics.at(0).partitions.at(0).low_watermark, Offset{before});
    ++before;
  });
}

TEST_F(RecordHandlers, InitProducerIdGivesDistinctIdsInEveryVersion) {
  std::set<ProducerId> ids;
  test::for_versions(InitProducerIdRequest::kVersions, [&](std::int16_t version) {
    InitProducerIdRequest request;
    const auto response = server_.ask<InitProducerIdResponse>(request, version);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    EXPECT_EQ(response.producer_epoch, ProducerEpoch{0});
    EXPECT_TRUE(ids.insert(response.producer_id).second);
    request.transactional_id = "payments";
    request.transaction_timeout_ms = 1000;
    EXPECT_EQ(server_.ask<InitProducerIdResponse>(request, version).error_code, ErrorCode::kNotCoordinator)
        << "nobody has asked for a coordinator of transactions";
  });
}

}  // namespace
}  // namespace millrace
