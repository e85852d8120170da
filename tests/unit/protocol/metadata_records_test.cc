#include "protocol/metadata_records.h"

#include <gtest/gtest.h>

namespace millrace::protocol {
namespace {

PartitionRecord some_partition() {
  PartitionRecord record;
  record.partition_id = PartitionIndex{3};
  record.topic_id.bytes[0] = 7;
  record.replicas = {BrokerId{1}, BrokerId{2}};
  record.isr = {BrokerId{1}};
  record.leader = BrokerId{1};
  record.leader_epoch = LeaderEpoch{4};
  record.partition_epoch = 5;
  record.directories = {Uuid{}, Uuid{}};
  record.last_known_elr = std::vector<BrokerId>{BrokerId{2}};
  return record;
}

TEST(MetadataRecords, ComeBackAsTheyWereWritten) {
  const MetadataRecord record = some_partition();
  const auto decoded = decode_metadata_record(encode_metadata_record(record));
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_EQ(*decoded, record);
}

TEST(MetadataRecords, HaveKafkasBytes) {
  TopicRecord topic;
  topic.name = "a";
  topic.topic_id.bytes[15] = 9;
  const auto bytes = encode_metadata_record(topic);
  std::string expected = "\x01\x02";  // frame version 1, key 2
  expected += std::string(1, '\0');   // version 0
  expected +=
      "\x02"
      "a";  // a compact string: length + 1
  expected += std::string(15, '\0') + "\x09";
  expected += std::string(1, '\0');  // no tagged fields
  EXPECT_EQ(as_text(bytes), expected);
}

TEST(MetadataRecords, OfALaterVersionAreRefusedByName) {
  auto bytes = encode_metadata_record(some_partition());
  bytes[2] = std::byte{9};
  const auto decoded = decode_metadata_record(bytes);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(decoded.error().message().find("PartitionRecord version 9"), std::string::npos)
      << decoded.error().message();
}

TEST(MetadataRecords, AreShownWithTheirNameAndFields) {
  ConfigRecord config;
  config.resource_type = 2;
  config.resource_name = "orders";
  config.name = "retention.ms";
  EXPECT_EQ(to_text(MetadataRecord{config}),
            "ConfigRecord {resource_type: 2, resource_name: \"orders\", name: \"retention.ms\", value: null}");
}

TEST(MetadataRecords, CutAnywhereAreRefused) {
  const auto bytes = encode_metadata_record(some_partition());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    // A copy of its own, so that the address sanitizer sees a read past the end.
    const std::vector<std::byte> cut{bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
    EXPECT_FALSE(decode_metadata_record(cut)) << size;
  }
}

}  // namespace
}  // namespace millrace::protocol
