#include "server/request_session.h"

#include <gtest/gtest.h>

#include <set>

#include "protocol/api_versions.h"
#include "protocol/metadata.h"
#include "protocol/produce.h"
#include "server/api_table.h"
#include "unit/server/server_under_test.h"

namespace millrace {
namespace {

using test::ServerUnderTest;
using namespace protocol;  // NOLINT: the messages are what these tests are about

TEST(RequestSession, AnswersApiVersionsInEveryVersionWithTheTable) {
  ServerUnderTest server;
  test::for_versions(ApiVersionsRequest::kVersions, [&](std::int16_t version) {
    ApiVersionsRequest request;
    request.client_software_name = "test";
    request.client_software_version = "1.0";
    const auto response = server.ask<ApiVersionsResponse>(request, version);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    EXPECT_EQ(response.api_keys.size(), served_apis().size());
    std::set<std::int16_t> keys;
    for (const auto& api : response.api_keys) keys.insert(api.api_key);
    for (const std::int16_t needed : {0, 1, 2, 3, 18, 19, 20, 21, 22, 32, 60})
      EXPECT_TRUE(keys.contains(needed)) << needed;
  });
}

TEST(RequestSession, AnswersAnApiVersionsThatIsTooNewInVersionZero) {
  ServerUnderTest server;
  const std::string frame{
      "\0\x12"
      "\0\x63"
      "\0\0\0\x4d"
      "\xff\xff",
      10};  // version 99
  const auto response = server.received<ApiVersionsResponse>(server.send(as_bytes(frame)), 0);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->error_code, ErrorCode::kUnsupportedVersion);
  ASSERT_EQ(response->api_keys.size(), 1U);
  EXPECT_EQ(response->api_keys[0].api_key, 18);
  EXPECT_EQ(response->api_keys[0].max_version, ApiVersionsRequest::kVersions.last);
}

TEST(RequestSession, ClosesOnWhatItDoesNotServe) {
  ServerUnderTest server;
  const std::string unknown_api{
      "\x7f\0"
      "\0\0"
      "\0\0\0\1"
      "\xff\xff",
      10};
  EXPECT_NE(server.refusal(server.send(as_bytes(unknown_api))), "");
  const std::string unknown_version{
      "\0\3"
      "\0\x63"
      "\0\0\0\1"
      "\xff\xff",
      10};
  EXPECT_NE(server.refusal(server.send(as_bytes(unknown_version))).find("99"), std::string::npos);
  EXPECT_NE(server.refusal(server.send(as_bytes("\0\3"))), "");
}

TEST(RequestSession, ClosesOnARequestThatIsCut) {
  ServerUnderTest server;
  MetadataRequest request;
  request.topics.emplace().emplace_back().name = "orders";
  const auto frame = request_frame(request, 12, 1).flatten();
  for (std::size_t size = 4; size < frame.size(); ++size) {
    const auto number = server.send(Bytes{frame}.subspan(4, size - 4));
    EXPECT_NE(server.refusal(number), "") << size;
  }
}

TEST(RequestSession, RefusesAdvertisedVersionsOfProduceWithAnError) {
  ServerUnderTest server;
  server.broker.create("orders");
  test::for_versions({0, 2}, [&](std::int16_t version) {
    ProduceRequest request;
    request.acks = 1;
    auto& topic = request.topic_data.emplace_back();
    topic.name = "orders";
    topic.partition_data.emplace_back();
    const auto response = server.ask<ProduceResponse>(request, version);
    ASSERT_EQ(response.responses.size(), 1U);
    EXPECT_EQ(response.responses[0].partition_responses.at(0).error_code, ErrorCode::kUnsupportedVersion);
  });
}

TEST(RequestSession, AdvertisesWhatTheTableServesOrRefusesInWords) {
  for (const auto& row : served_apis()) {
    EXPECT_GE(row.served.first, row.advertised.first) << row.name;
    EXPECT_EQ(row.served.last, row.advertised.last) << row.name;
    if (!(row.served == row.advertised)) {
      EXPECT_NE(row.refuse, nullptr) << row.name;
    }
    EXPECT_EQ(find_api(static_cast<std::int16_t>(row.key)), &row);
  }
}

}  // namespace
}  // namespace millrace
