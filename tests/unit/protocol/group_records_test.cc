#include "protocol/group_records.h"

#include <gtest/gtest.h>

#include "protocol/codec.h"
#include "support/must.h"

namespace millrace::protocol {
namespace {

using test::must;

std::vector<std::byte> bytes_of(std::initializer_list<int> numbers) {
  std::vector<std::byte> bytes;
  for (const auto number : numbers) bytes.push_back(static_cast<std::byte>(number));
  return bytes;
}

NullableBytes view(const std::optional<std::vector<std::byte>>& bytes) {
  return bytes ? NullableBytes{Bytes{*bytes}} : NullableBytes{};
}

TEST(GroupRecords, LieInTheLogAsKafkaWritesThem) {
  CommittedOffsetRecord record;
  record.key = {.group = "g", .topic = "t", .partition = PartitionIndex{2}};
  record.value.emplace().offset = Offset{7};
  record.value->commit_timestamp = 5;
  const auto encoded = encode_group_record(record);
  EXPECT_EQ(encoded.key, bytes_of({0, 1, 0, 1, 'g', 0, 1, 't', 0, 0, 0, 2}));
  // Version 3: offset, leader epoch, metadata, commit time.
  EXPECT_EQ(encoded.value, bytes_of({0, 3, 0, 0, 0, 0, 0, 0, 0, 7, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5}));
}

TEST(GroupRecords, OfAnOffsetThatExpiresHaveTheVersionThatCanSayIt) {
  CommittedOffsetRecord record;
  record.value.emplace().expire_timestamp = 99;
  const auto encoded = encode_group_record(record);
  ASSERT_TRUE(encoded.value);
  EXPECT_EQ(encoded.value->at(1), std::byte{1});
  const auto decoded =
      std::get<CommittedOffsetRecord>(must(decode_group_record(Bytes{encoded.key}, view(encoded.value))));
  EXPECT_EQ(decoded.value->expire_timestamp, 99);
}

TEST(GroupRecords, WithoutAValueTakeBackWhatWasSaid) {
  GroupMetadataRecord record;
  record.key.group = "orders";
  const auto encoded = encode_group_record(record);
  EXPECT_FALSE(encoded.value);
  const auto decoded = std::get<GroupMetadataRecord>(must(decode_group_record(Bytes{encoded.key}, {})));
  EXPECT_EQ(decoded.key.group, "orders");
  EXPECT_FALSE(decoded.value);
}

TEST(GroupRecords, OfTheFirstKafkasAreRead) {
  auto encoded = encode_group_record(
      CommittedOffsetRecord{.key = {.group = "g", .topic = "t", .partition = {}}, .value = OffsetCommitValue{}});
  encoded.key[1] = std::byte{0};
  OffsetCommitValue old;
  old.offset = Offset{3};
  old.metadata = "m";
  auto value = bytes_of({0, 0});
  for (const auto byte : encode(old, 0)) value.push_back(byte);
  const auto decoded = std::get<CommittedOffsetRecord>(must(decode_group_record(Bytes{encoded.key}, Bytes{value})));
  EXPECT_EQ(decoded.key.topic, "t");
  EXPECT_EQ(decoded.value->offset, Offset{3});
}

TEST(GroupRecords, AreRefusedWhenTheyAreOfAnUnknownKindOrVersionOrCut) {
  const auto code = [](Bytes key, NullableBytes value) {
    const auto decoded = decode_group_record(key, value);
    return decoded ? ErrorCode::kNone : decoded.error().code();
  };
  EXPECT_EQ(code(bytes_of({0, 77, 0, 0}), {}), ErrorCode::kUnsupported);
  EXPECT_EQ(code(bytes_of({0}), {}), ErrorCode::kMalformed);
  const auto group = bytes_of({0, 2, 0, 1, 'g'});
  EXPECT_EQ(code(group, Bytes{bytes_of({0, 9})}), ErrorCode::kUnsupported);
  EXPECT_EQ(code(group, Bytes{bytes_of({0, 3, 0})}), ErrorCode::kMalformed);
  EXPECT_EQ(code(group, Bytes{bytes_of({0})}), ErrorCode::kMalformed);
}

}  // namespace
}  // namespace millrace::protocol
