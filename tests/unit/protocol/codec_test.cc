#include "protocol/codec.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/decoder.h"
#include "protocol/printer.h"
#include "unit/protocol/all_messages.h"
#include "unit/protocol/random_message.h"

namespace millrace::protocol {
namespace {

constexpr std::uint64_t kSeeds = 30;

std::vector<std::byte> encoded(const WireFormat& format, const std::byte* message) {
  GatherBuffer out;
  append_fields(out, format, message);
  return out.flatten();
}

/// Calls `check(kind, format, message)` for random messages of every version of every kind.
template <class Check>
void for_random_messages(Check check) {
  for (const auto& kind : all_messages()) {
    for (auto version = kind.versions.first; version <= kind.versions.last; ++version) {
      for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        SCOPED_TRACE(testing::Message() << kind.name << " version " << version << " seed " << seed);
        const auto message = kind.make();
        RandomFields{seed, version}.fill(*kind.fields, message.get());
        check(kind, kind.format(version), message.get());
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

TEST(Codec, GivesBackEveryMessageOfEveryVersion) {
  for_random_messages([](const MessageKind& kind, const WireFormat& format, const std::byte* message) {
    const auto bytes = encoded(format, message);
    const auto again = kind.make();
    const auto used = decode_fields(bytes, format, kind.name, again.get());
    ASSERT_TRUE(used) << used.error().message();
    EXPECT_EQ(*used, bytes.size());
    EXPECT_TRUE(equal(*kind.fields, message, again.get())) << print_fields(format, again.get()) << '\n'
                                                           << print_fields(format, message);
    EXPECT_EQ(encoded(format, again.get()), bytes);
  });
}

TEST(Codec, TellsMessagesApartThatAreWrittenDifferently) {
  for (const auto& kind : all_messages()) {
    const auto version = kind.versions.last;
    const auto first = kind.make();
    RandomFields{1, version}.fill(*kind.fields, first.get());
    for (std::uint64_t seed = 2; seed < kSeeds; ++seed) {
      const auto other = kind.make();
      RandomFields{seed, version}.fill(*kind.fields, other.get());
      const bool same_bytes = encoded(kind.format(version), first.get()) == encoded(kind.format(version), other.get());
      EXPECT_EQ(equal(*kind.fields, first.get(), other.get()), same_bytes) << kind.name << " seed " << seed;
    }
  }
}

TEST(Codec, KnowsTheSizeBeforeItWrites) {
  for_random_messages([](const MessageKind&, const WireFormat& format, const std::byte* message) {
    EXPECT_EQ(size_of_fields(format, message), encoded(format, message).size());
  });
}

TEST(Codec, RefusesEveryMessageThatIsCutAnywhere) {
  for_random_messages([](const MessageKind& kind, const WireFormat& format, const std::byte* message) {
    const auto bytes = encoded(format, message);
    const auto step = std::max<std::size_t>(1, bytes.size() / 100);
    for (std::size_t size = 0; size < bytes.size(); size += step) {
      // A copy of its own, so that the address sanitizer sees a read past the end.
      const std::vector<std::byte> cut{bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
      ASSERT_FALSE(decode_fields(cut, format, kind.name, kind.make().get())) << size << " of " << bytes.size();
    }
  });
}

TEST(Codec, SurvivesAnyBytes) {
  for_random_messages([](const MessageKind& kind, const WireFormat& format, const std::byte* message) {
    auto bytes = encoded(format, message);
    Random random{bytes.size()};
    for (int i = 0; i < 10 && !bytes.empty(); ++i) {
      bytes[random.below(bytes.size())] = static_cast<std::byte>(random());
      const auto decoded = kind.make();
      if (decode_fields(bytes, format, kind.name, decoded.get())) (void)print_fields(format, decoded.get());
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
