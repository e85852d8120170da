// The transaction APIs over frames, in every version: what a client asks reaches the coordinator, and the answer fits
// its version.

#include <gmock/gmock.h>

#include "protocol/add_offsets_to_txn.h"
#include "protocol/add_partitions_to_txn.h"
#include "protocol/api_versions.h"
#include "protocol/describe_producers.h"
#include "protocol/describe_transactions.h"
#include "protocol/end_txn.h"
#include "protocol/fetch.h"
#include "protocol/find_coordinator.h"
#include "protocol/init_producer_id.h"
#include "protocol/list_transactions.h"
#include "protocol/offset_fetch.h"
#include "protocol/produce.h"
#include "protocol/txn_offset_commit.h"
#include "protocol/write_txn_markers.h"
#include "unit/server/server_under_test.h"

namespace millrace::test {
namespace {

using namespace protocol;  // the wire's words are what this file is about
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int16_t kNewestProduce = 13;

class TransactionHandlers : public testing::Test {
 protected:
  void SetUp() override {
    server.broker.create("clicks", 2);
    for (const std::int8_t type : {0, 1}) {
      FindCoordinatorRequest find;
      find.key = "t";
      find.key_type = type;
      EXPECT_EQ(server.ask<FindCoordinatorResponse>(find, 1).error_code, ErrorCode::kNone);
    }
  }

  InitProducerIdResponse init(const std::string& id, std::int16_t version = 5) {
    InitProducerIdRequest request;
    request.transactional_id = id;
    request.transaction_timeout_ms = 60'000;
    const auto response = server.ask<InitProducerIdResponse>(request, version);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    return response;
  }
  ErrorCode add(const std::string& id, const InitProducerIdResponse& producer, std::int16_t version,
                std::int32_t partition = 0) {
    AddPartitionsToTxnRequest request;
    const AddPartitionsToTxnTopic topic{.name = "clicks", .partitions = {PartitionIndex{partition}}};
    request.v3_and_below_transactional_id = id;
    request.v3_and_below_producer_id = producer.producer_id;
    request.v3_and_below_producer_epoch = producer.producer_epoch;
    request.v3_and_below_topics = {topic};
    request.transactions.push_back({.transactional_id = id,
                                    .producer_id = producer.producer_id,
                                    .producer_epoch = producer.producer_epoch,
                                    .topics = {topic}});
    const auto response = server.ask<AddPartitionsToTxnResponse>(request, version);
    if (version <= 3)
      return response.results_by_topic_v3_and_below.at(0).results_by_partition.at(0).partition_error_code;
    const auto& result = response.results_by_transaction.at(0);
    EXPECT_EQ(result.transactional_id, id);
    return result.topic_results.at(0).results_by_partition.at(0).partition_error_code;
  }
  EndTxnResponse end(const std::string& id, const InitProducerIdResponse& producer, bool commit, std::int16_t version) {
    EndTxnRequest request;
    request.transactional_id = id;
    request.producer_id = producer.producer_id;
    request.producer_epoch = producer.producer_epoch;
    request.committed = commit;
    return server.ask<EndTxnResponse>(request, version);
  }
  ErrorCode produce(const std::string& id, const InitProducerIdResponse& producer, std::int16_t version,
                    std::int32_t sequence = 0) {
    RecordBatchBuilder builder{server.broker.buffers, 1 << 20, {.transactional = true}};
    EXPECT_TRUE(builder.try_append(server.broker.clock.wall(), nullptr, "v"));
    const auto batch =
        must(builder.finish({.id = producer.producer_id, .epoch = producer.producer_epoch, .base_sequence = sequence}));
    ProduceRequest request;
    request.transactional_id = id;
    request.acks = -1;
    request.timeout_ms = 30'000;
    auto& topic = request.topic_data.emplace_back();
    topic.name = "clicks";
    topic.topic_id = server.broker.core->metadata()->topic("clicks")->id;
    auto& partition = topic.partition_data.emplace_back();
    partition.records.bytes = NullableBytes{Bytes{batch.bytes}};
    const auto response = server.ask<ProduceResponse>(request, version);
    return response.responses.at(0).partition_responses.at(0).error_code;
  }
  FetchablePartitionResponse fetch(std::int16_t version) {
    FetchRequest request;
    request.isolation_level = 1;
    request.max_bytes = 1 << 20;
    auto& topic = request.topics.emplace_back();
    topic.topic = "clicks";
    topic.topic_id = server.broker.core->metadata()->topic("clicks")->id;
    topic.partitions.emplace_back().partition_max_bytes = 1 << 20;
    return server.ask<FetchResponse>(request, version).responses.at(0).partitions.at(0);
  }
  TxnOffsetCommitRequest offsets_request(const std::string& id, const InitProducerIdResponse& producer) {
    TxnOffsetCommitRequest request;
    request.transactional_id = id;
    request.group_id = "g-" + id;
    request.producer_id = producer.producer_id;
    request.producer_epoch = producer.producer_epoch;
    auto& topic = request.topics.emplace_back();
    topic.name = "clicks";
    topic.partitions.emplace_back().committed_offset = Offset{42};
    return request;
  }
  protocol::FetchedOffset offset_of(const std::string& group, bool require_stable) {
    OffsetFetchRequest request;
    request.require_stable = require_stable;
    auto& asked = request.groups.emplace_back();
    asked.group_id = group;
    asked.topics.emplace().push_back({.name = "clicks", .partition_indexes = {PartitionIndex{0}}});
    return server.ask<OffsetFetchResponse>(request, 9).groups.at(0).topics.at(0).partitions.at(0);
  }

  ServerUnderTest server{{{"offsets.topic.num.partitions", "3"}, {"transaction.state.log.num.partitions", "3"}}};
};

TEST_F(TransactionHandlers, BeginAddAndEndInEveryVersion) {
  for_versions(InitProducerIdRequest::kVersions, [&](std::int16_t version) {
    EXPECT_EQ(init("init-" + std::to_string(version), version).producer_epoch, ProducerEpoch{0});
  });
  for_versions(AddPartitionsToTxnRequest::kVersions, [&](std::int16_t version) {
    const auto id = "add-" + std::to_string(version);
    const auto producer = init(id);
    EXPECT_EQ(add(id, producer, version), ErrorCode::kNone);
    EXPECT_EQ(add(id, producer, version, 77), ErrorCode::kUnknownTopicOrPartition);
    init(id);
    EXPECT_EQ(add(id, producer, version), version < 2 ? ErrorCode::kInvalidProducerEpoch : ErrorCode::kProducerFenced);
  });
  for_versions(EndTxnRequest::kVersions, [&](std::int16_t version) {
    const auto id = "end-" + std::to_string(version);
    const auto producer = init(id);
    EXPECT_EQ(add(id, producer, version < 5 ? 3 : 4), ErrorCode::kNone);
    const auto ended = end(id, producer, true, version);
    EXPECT_EQ(ended.error_code, ErrorCode::kNone);
    if (version >= 5) {
      EXPECT_EQ(ended.producer_id, producer.producer_id);
      EXPECT_EQ(ended.producer_epoch, producer.producer_epoch + 1);
    }
    init(id);
    EXPECT_EQ(end(id, producer, true, version).error_code,
              version < 2 ? ErrorCode::kInvalidProducerEpoch : ErrorCode::kProducerFenced);
  });
}

TEST_F(TransactionHandlers, VerifyAPartitionWithoutAddingIt) {
  const auto producer = init("t");
  EXPECT_EQ(add("t", producer, 3), ErrorCode::kNone);
  AddPartitionsToTxnRequest request;
  request.transactions.push_back(
      {.transactional_id = "t",
       .producer_id = producer.producer_id,
       .producer_epoch = producer.producer_epoch,
       .verify_only = true,
       .topics = {{.name = "clicks", .partitions = {PartitionIndex{0}, PartitionIndex{1}}}}});
  const auto response = server.ask<AddPartitionsToTxnResponse>(request, 5);
  const auto& results = response.results_by_transaction.at(0).topic_results.at(0).results_by_partition;
  EXPECT_EQ(results.at(0).partition_error_code, ErrorCode::kNone);
  EXPECT_EQ(results.at(1).partition_error_code, ErrorCode::kTransactionAbortable);
}

TEST_F(TransactionHandlers, TellAnInitWhatItMayNotAsk) {
  const auto refused = [&](auto change) {
    InitProducerIdRequest request;
    request.transactional_id = "t";
    request.transaction_timeout_ms = 1000;
    change(request);
    return server.ask<InitProducerIdResponse>(request, 6).error_code;
  };
  EXPECT_EQ(refused([](auto& request) { request.transactional_id = ""; }), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refused([](auto& request) { request.transaction_timeout_ms = 0; }), ErrorCode::kInvalidTransactionTimeout);
  EXPECT_EQ(refused([](auto& request) { request.producer_id = ProducerId{1}; }), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refused([](auto& request) { request.enable_2pc = true; }), ErrorCode::kTransactionalIdAuthorizationFailed);
  EXPECT_EQ(refused([](auto& request) { request.keep_prepared_txn = true; }), ErrorCode::kUnsupportedVersion);
}

TEST_F(TransactionHandlers, LetAProducerWriteAsItsVersionSays) {
  for (std::int16_t version = 3; version <= kNewestProduce; ++version) {
    SCOPED_TRACE(version);
    const auto id = "produce-" + std::to_string(version);
    const auto producer = init(id);
    const auto expected = version < 11    ? ErrorCode::kInvalidTxnState
                          : version == 11 ? ErrorCode::kTransactionAbortable
                                          : ErrorCode::kNone;
    EXPECT_EQ(produce(id, producer, version), expected);
    if (version >= 12) continue;
    EXPECT_EQ(add(id, producer, 3), ErrorCode::kNone);
    EXPECT_EQ(produce(id, producer, version), ErrorCode::kNone);
  }
}

TEST_F(TransactionHandlers, TellReadersOfCommittedRecordsWhatWasAborted) {
  const auto producer = init("t");
  EXPECT_EQ(produce("t", producer, kNewestProduce), ErrorCode::kNone);
  for_versions({4, FetchRequest::kVersions.last}, [&](std::int16_t version) {
    const auto open = fetch(version);
    EXPECT_EQ(open.last_stable_offset, Offset{0});
    EXPECT_EQ(open.records.bytes.size(), 0U);
  });
  EXPECT_EQ(end("t", producer, false, 5).error_code, ErrorCode::kNone);
  for_versions({4, FetchRequest::kVersions.last}, [&](std::int16_t version) {
    const auto decided = fetch(version);
    EXPECT_EQ(decided.last_stable_offset, Offset{2});
    ASSERT_TRUE(decided.aborted_transactions);
    ASSERT_THAT(*decided.aborted_transactions, SizeIs(1));
    EXPECT_EQ(decided.aborted_transactions->at(0).producer_id, producer.producer_id);
    EXPECT_EQ(decided.aborted_transactions->at(0).first_offset, Offset{0});
  });
}

TEST_F(TransactionHandlers, CommitOffsetsWithinATransactionInEveryVersion) {
  for_versions(AddOffsetsToTxnRequest::kVersions, [&](std::int16_t version) {
    const auto id = "offsets-" + std::to_string(version);
    const auto producer = init(id);
    AddOffsetsToTxnRequest request;
    request.transactional_id = id;
    request.producer_id = producer.producer_id;
    request.producer_epoch = producer.producer_epoch;
    request.group_id = "g";
    EXPECT_EQ(server.ask<AddOffsetsToTxnResponse>(request, version).error_code, ErrorCode::kNone);
  });
  for_versions(TxnOffsetCommitRequest::kVersions, [&](std::int16_t version) {
    const auto id = "commit-" + std::to_string(version);
    const auto producer = init(id);
    const auto commit = [&] {
      return server.ask<TxnOffsetCommitResponse>(offsets_request(id, producer), version)
          .topics.at(0)
          .partitions.at(0)
          .error_code;
    };
    if (version < 5) {
      EXPECT_EQ(commit(), version < 4 ? ErrorCode::kInvalidTxnState : ErrorCode::kTransactionAbortable);
      AddOffsetsToTxnRequest request;
      request.transactional_id = id;
      request.producer_id = producer.producer_id;
      request.producer_epoch = producer.producer_epoch;
      request.group_id = "g-" + id;
      EXPECT_EQ(server.ask<AddOffsetsToTxnResponse>(request, 3).error_code, ErrorCode::kNone);
    }
    EXPECT_EQ(commit(), ErrorCode::kNone);
    EXPECT_EQ(offset_of("g-" + id, true).error_code, ErrorCode::kUnstableOffsetCommit);
    EXPECT_EQ(offset_of("g-" + id, false).committed_offset, kNoOffset);
    EXPECT_EQ(end(id, producer, true, version < 5 ? 4 : 5).error_code, ErrorCode::kNone);
    EXPECT_EQ(offset_of("g-" + id, true).committed_offset, Offset{42});
  });
}

TEST_F(TransactionHandlers, ShowTransactionsAndProducersInEveryVersion) {
  const auto producer = init("t");
  EXPECT_EQ(produce("t", producer, kNewestProduce), ErrorCode::kNone);
  for_versions(ListTransactionsRequest::kVersions, [&](std::int16_t version) {
    ListTransactionsRequest request;
    request.state_filters = {"Ongoing", "Sleeping"};
    const auto response = server.ask<ListTransactionsResponse>(request, version);
    EXPECT_THAT(response.unknown_state_filters, ElementsAre("Sleeping"));
    ASSERT_THAT(response.transaction_states, SizeIs(1));
    EXPECT_EQ(response.transaction_states[0].transactional_id, "t");
    EXPECT_EQ(response.transaction_states[0].transaction_state, "Ongoing");
    request.state_filters = {"Sleeping"};
    EXPECT_THAT(server.ask<ListTransactionsResponse>(request, version).transaction_states, IsEmpty());
  });
  DescribeTransactionsRequest describe;
  describe.transactional_ids = {"t", "nobody"};
  const auto described = server.ask<DescribeTransactionsResponse>(describe, 0).transaction_states;
  ASSERT_THAT(described, SizeIs(2));
  EXPECT_EQ(described[0].transaction_state, "Ongoing");
  EXPECT_EQ(described[0].transaction_timeout_ms, 60'000);
  ASSERT_THAT(described[0].topics, SizeIs(1));
  EXPECT_EQ(described[0].topics[0].topic, "clicks");
  EXPECT_EQ(described[1].error_code, ErrorCode::kTransactionalIdNotFound);

  DescribeProducersRequest producers;
  producers.topics.push_back({.name = "clicks", .partition_indexes = {PartitionIndex{0}, PartitionIndex{9}}});
  const auto shown = server.ask<DescribeProducersResponse>(producers, 0).topics.at(0).partitions;
  ASSERT_THAT(shown[0].active_producers, SizeIs(1));
  EXPECT_EQ(shown[0].active_producers[0].producer_id, producer.producer_id);
  EXPECT_EQ(shown[0].active_producers[0].current_txn_start_offset, Offset{0});
  EXPECT_EQ(shown[1].error_code, ErrorCode::kUnknownTopicOrPartition);
}

TEST_F(TransactionHandlers, EndAHangingTransactionInEveryVersion) {
  for_versions(WriteTxnMarkersRequest::kVersions, [&](std::int16_t version) {
    const auto id = "hang-" + std::to_string(version);
    const auto producer = init(id);
    EXPECT_EQ(produce(id, producer, kNewestProduce), ErrorCode::kNone);
    WriteTxnMarkersRequest request;
    request.markers.push_back(
        {.producer_id = producer.producer_id,
         .producer_epoch = producer.producer_epoch,
         .topics = {{.name = "clicks", .partition_indexes = {PartitionIndex{0}, PartitionIndex{9}}}}});
    const auto response = server.ask<WriteTxnMarkersResponse>(request, version);
    const auto& results = response.markers.at(0).topics.at(0).partitions;
    EXPECT_EQ(results.at(0).error_code, ErrorCode::kNone);
    EXPECT_EQ(results.at(1).error_code, ErrorCode::kUnknownTopicOrPartition);
    const auto shown = fetch(12);
    EXPECT_EQ(shown.last_stable_offset, shown.high_watermark);
  });
}

TEST_F(TransactionHandlers, SayThatEachTransactionHasItsEpoch) {
  for_versions({3, 4}, [&](std::int16_t version) {
    const auto response = server.ask<ApiVersionsResponse>(ApiVersionsRequest{}, version);
    const auto is_it = [](const auto& feature) { return feature.name == "transaction.version"; };
    // It has a level 0, which version 3 cannot say.
    EXPECT_EQ(std::ranges::any_of(response.supported_features, is_it), version >= 4);
    EXPECT_GE(response.finalized_features_epoch, 0);
    const auto level = std::ranges::find_if(response.finalized_features, is_it);
    ASSERT_NE(level, response.finalized_features.end());
    EXPECT_EQ(level->max_version_level, 2);
  });
}

}  // namespace
}  // namespace millrace::test
