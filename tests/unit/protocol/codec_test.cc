#include "protocol/codec.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "unit/protocol/all_messages.h"
#include "unit/protocol/random_message.h"

namespace millrace::protocol {
namespace {

constexpr std::uint64_t kSeeds = 30;

/// Calls `check(message, version)` for random messages of every version of every kind.
template <class Check>
void for_random_messages(Check check) {
  const auto run = [&]<class Message>() {
    for (auto version = Message::kVersions.first; version <= Message::kVersions.last; ++version) {
      for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        SCOPED_TRACE(testing::Message() << Message::kName << " version " << version << " seed " << seed);
        check(random_message<Message>(seed, version), version);
        if (testing::Test::HasFailure()) return;
      }
    }
  };
  for_each_api_message(run);
  for_each_metadata_record(run);
  for_each_group_record(run);
  for_each_transaction_record(run);
}

TEST(Codec, GivesBackEveryMessageOfEveryVersion) {
  for_random_messages([]<class Message>(const Message& message, std::int16_t version) {
    const auto bytes = encode(message, version);
    const auto decoded = decode<Message>(bytes, version);
    ASSERT_TRUE(decoded) << decoded.error().message();
    EXPECT_EQ(*decoded, message) << to_text(*decoded, version) << '\n' << to_text(message, version);
  });
}

TEST(Codec, KnowsTheSizeBeforeItWrites) {
  for_random_messages([](const auto& message, std::int16_t version) {
    EXPECT_EQ(encoded_size(message, version), encode(message, version).size());
  });
}

TEST(Codec, RefusesEveryMessageThatIsCutAnywhere) {
  for_random_messages([]<class Message>(const Message& message, std::int16_t version) {
    const auto bytes = encode(message, version);
    const auto step = std::max<std::size_t>(1, bytes.size() / 100);
    for (std::size_t size = 0; size < bytes.size(); size += step) {
      // A copy of its own, so that the address sanitizer sees a read past the end.
      const std::vector<std::byte> cut{bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
      ASSERT_FALSE(decode_prefix<Message>(cut, version)) << size << " of " << bytes.size();
    }
  });
}

TEST(Codec, SurvivesAnyBytes) {
  for_random_messages([]<class Message>(const Message& message, std::int16_t version) {
    auto bytes = encode(message, version);
    Random random{bytes.size()};
    for (int i = 0; i < 10 && !bytes.empty(); ++i) {
      bytes[random.below(bytes.size())] = static_cast<std::byte>(random());
      if (const auto decoded = decode_prefix<Message>(bytes, version)) (void)to_text(decoded->message, version);
    }
  });
}

TEST(Codec, SkipsTaggedFieldsThatItDoesNotKnow) {
  MetadataRequest request;
  request.topics.emplace().emplace_back().name = "access-log";
  auto bytes = encode(request, 12);
  ASSERT_EQ(bytes.back(), std::byte{0});  // no tagged fields
  bytes.back() = std::byte{1};
  for (const int byte : {200, 1, 3, 1, 2, 3}) bytes.push_back(static_cast<std::byte>(byte));  // tag 200, 3 bytes
  const auto decoded = decode<MetadataRequest>(bytes, 12);
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_EQ(*decoded, request);
}

TEST(Codec, RefusesATaggedFieldWhoseSizeIsNotItsContents) {
  FetchRequest request;
  request.replica_state.replica_id = BrokerId{5};
  auto bytes = encode(request, 15);
  const std::byte tail[] = {std::byte{1}, std::byte{1}, std::byte{13}};  // one tagged field, tag 1, 4 + 8 + 1 bytes
  const auto found = std::search(bytes.begin(), bytes.end(), std::begin(tail), std::end(tail));
  ASSERT_NE(found, bytes.end());
  found[2] = std::byte{14};
  bytes.push_back(std::byte{0});
  const auto decoded = decode<FetchRequest>(bytes, 15);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code(), ErrorCode::kMalformed);
}

TEST(Codec, RefusesALengthThatTheBytesCannotHoldBeforeItAllocates) {
  // Fetch version 4 up to the number of topics, which is 2^31 - 1.
  const std::string bytes{
      "\xff\xff\xff\xff"
      "\0\0\0\0"
      "\0\0\0\0"
      "\0\0\0\0"
      "\0"
      "\x7f\xff\xff\xff",
      21};
  const auto decoded = decode<FetchRequest>(as_bytes(bytes), 4);
  ASSERT_FALSE(decoded);
  EXPECT_NE(decoded.error().message().find("topics"), std::string::npos) << decoded.error().message();
}

TEST(Codec, NamesTheFieldWhereTheBytesEnd) {
  ListOffsetsRequest request;
  request.topics.emplace_back().name = "orders";
  auto bytes = encode(request, 3);
  bytes.resize(bytes.size() - 5);
  const auto decoded = decode<ListOffsetsRequest>(bytes, 3);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().message(), "cannot decode ListOffsetsRequest version 3: it ends too early, in field name");
}

TEST(Codec, DecodesRecordsAsAViewOfTheFrame) {
  ProduceRequest request;
  auto& partition = request.topic_data.emplace_back().partition_data.emplace_back();
  const std::string batch(1000, 'b');
  partition.records.bytes = batch;
  const auto frame = encode(request, 9);
  const auto decoded = decode<ProduceRequest>(frame, 9);
  ASSERT_TRUE(decoded);
  const auto view = decoded->topic_data[0].partition_data[0].records.bytes.bytes();
  EXPECT_GE(view.data(), frame.data());
  EXPECT_LE(view.data() + view.size(), frame.data() + frame.size());
  EXPECT_EQ(as_text(view), batch);
}

TEST(Codec, EncodesRecordsThatHaveAnOwnerWithoutACopy) {
  const auto batch = std::make_shared<std::string>(100'000, 'b');
  FetchResponse response;
  response.responses.emplace_back().partitions.emplace_back().records = {NullableBytes{*batch}, batch};
  GatherBuffer out;
  append(out, response, 11);
  bool found = false;
  out.for_each_piece([&](Bytes piece) { found |= piece.data() == as_bytes(*batch).data(); });
  EXPECT_TRUE(found);
  EXPECT_EQ(batch.use_count(), 3);  // ours, the response's and the buffer's
}

TEST(Codec, WritesAbsentAsEmptyWhereAVersionHasNoNull) {
  MetadataResponse response;
  response.topics.emplace_back().error_code = ErrorCode::kUnknownTopicId;
  const auto decoded = decode<MetadataResponse>(encode(response, 11), 11);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->topics[0].name, "");
}

TEST(Codec, GivesOurOwnErrorsToClientsAsUnknownServerError) {
  InitProducerIdResponse response;
  response.error_code = ErrorCode::kClosed;
  const auto decoded = decode<InitProducerIdResponse>(encode(response, 0), 0);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->error_code, ErrorCode::kUnknownServerError);
}

}  // namespace
}  // namespace millrace::protocol
