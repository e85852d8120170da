#include "server/request_metrics.h"

#include <gtest/gtest.h>

#include "server/handlers/handlers.h"
#include "unit/server/server_under_test.h"

namespace millrace {
namespace {

using test::ServerUnderTest;
using namespace protocol;  // NOLINT: the messages are what these tests are about

RequestMetrics::OfApi counted(const ServerUnderTest& server, ApiKey key) {
  const auto* row = find_api(static_cast<std::int16_t>(key));
  return server.metrics.snapshot().apis.at(static_cast<std::size_t>(row - served_apis().data()));
}

TEST(RequestMetrics, CountsRequestsWithTheirBytes) {
  ServerUnderTest server;
  const auto first = server.send(MetadataRequest{}, 9);
  server.broker.executor.run_all();
  server.send(MetadataRequest{}, 9);
  server.broker.executor.run_all();
  const auto metadata = counted(server, ApiKey::kMetadata);
  EXPECT_EQ(metadata.times.count(), 2U);
  EXPECT_EQ(metadata.bytes_in, 2 * request_frame(MetadataRequest{}, 9, 1, "test").size());
  EXPECT_EQ(metadata.bytes_out, 2 * server.answers->answers.at(first).size());
  EXPECT_TRUE(metadata.errors.empty());
  EXPECT_EQ(counted(server, ApiKey::kFetch).times.count(), 0U);
}

TEST(RequestMetrics, MeasuresUntilTheAnswerWhatTheRequestWaitedForIncluded) {
  ServerUnderTest server;
  server.broker.create("orders");
  FetchRequest request;
  request.max_wait_ms = 500;
  request.min_bytes = 1;
  auto& topic = request.topics.emplace_back();
  topic.topic = "orders";
  topic.partitions.emplace_back().partition_max_bytes = 1000;
  server.send(request, 11);
  server.broker.executor.run_all();
  EXPECT_EQ(counted(server, ApiKey::kFetch).times.count(), 0U);
  server.broker.clock.advance(std::chrono::milliseconds{500});
  server.broker.executor.run_all();
  const auto times = counted(server, ApiKey::kFetch).times;
  EXPECT_EQ(times.count(), 1U);
  EXPECT_EQ(times.total, std::chrono::milliseconds{500});
}

TEST(RequestMetrics, CountsTheErrorsOfEachTopic) {
  ServerUnderTest server;
  server.broker.create("there");
  DeleteTopicsRequest request;
  request.topic_names = {"none", "there", "no more"};
  server.ask<DeleteTopicsResponse>(request, 5);
  const auto errors = counted(server, ApiKey::kDeleteTopics).errors;
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors.at(ErrorCode::kUnknownTopicOrPartition), 2U);
}

TEST(RequestMetrics, CountsWhatIsNoRequestAndWhoIsConnected) {
  ServerUnderTest server;
  EXPECT_EQ(server.metrics.snapshot().connections, 1U);
  server.send(as_bytes("\0\3"));
  server.send(as_bytes(std::string{"\x7f\0\0\0\0\0\0\1\xff\xff", 10}));
  EXPECT_EQ(server.metrics.snapshot().refused, 2U);
  server.session.reset();
  EXPECT_EQ(server.metrics.snapshot().connections, 0U);
  EXPECT_EQ(server.metrics.snapshot().connections_ever, 1U);
}

TEST(RequestMetrics, CountsAProduceThatWantsNoAnswer) {
  ServerUnderTest server;
  server.broker.create("orders");
  ProduceRequest request;
  request.acks = 0;
  auto& topic = request.topic_data.emplace_back();
  topic.name = "orders";
  const auto batch = server.broker.batch({"a"});
  topic.partition_data.emplace_back().records.bytes = Bytes{batch};
  server.send(request, 9);
  server.broker.executor.run_all();
  const auto produce = counted(server, ApiKey::kProduce);
  EXPECT_EQ(produce.times.count(), 1U);
  EXPECT_EQ(produce.bytes_out, 0U);
}

TEST(RequestMetrics, AddsUpThePlacesThatConnectionsCountIn) {
  const ManualClock clock;
  RequestMetrics metrics{3, 2, clock};
  for (int i = 0; i < 5; ++i) metrics.answered(metrics.connected(), 1, metrics.now(), 10, 1);
  const auto snapshot = metrics.snapshot();
  EXPECT_EQ(snapshot.apis.at(1).times.count(), 5U);
  EXPECT_EQ(snapshot.apis.at(1).bytes_in, 50U);
  EXPECT_EQ(snapshot.apis.at(0).times.count(), 0U);
}

}  // namespace
}  // namespace millrace
