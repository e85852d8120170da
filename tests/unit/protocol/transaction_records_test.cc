#include "protocol/transaction_records.h"

#include <gtest/gtest.h>

#include "protocol/codec.h"
#include "support/must.h"

namespace millrace::protocol {
namespace {

using test::must;

std::vector<std::byte> raw(std::initializer_list<int> numbers) {
  std::vector<std::byte> bytes;
  for (const auto number : numbers) bytes.push_back(static_cast<std::byte>(number));
  return bytes;
}

TEST(TransactionRecords, LieInTheLogAsKafkaWritesThem) {
  TransactionRecord record;
  record.key.transactional_id = "t";
  auto& value = record.value.emplace();
  value.producer_id = ProducerId{7};
  value.producer_epoch = ProducerEpoch{2};
  value.transaction_timeout_ms = 60'000;
  value.transaction_status = 1;
  value.transaction_partitions.emplace().push_back({.topic = "a", .partition_ids = {PartitionIndex{3}}});
  value.transaction_last_update_timestamp_ms = 6;
  value.transaction_start_timestamp_ms = 5;
  value.client_transaction_version = 2;
  const auto encoded = encode_transaction_record(record);
  EXPECT_EQ(encoded.key, raw({0, 0, 0, 1, 't'}));
  EXPECT_EQ(encoded.value, raw({0, 1,                                // version
                                0, 0, 0,    0,    0, 0, 0, 7, 0, 2,  // producer id and epoch
                                0, 0, 0xea, 0x60, 1,                 // time-out, status
                                2, 2, 'a',  2,    0, 0, 0, 3, 0,     // partitions
                                0, 0, 0,    0,    0, 0, 0, 6,        // updated
                                0, 0, 0,    0,    0, 0, 0, 5,        // started
                                1, 2, 2,    0,    2}));              // tagged: the client's version
}

TEST(TransactionRecords, OfBothVersionsAreRead) {
  TransactionLogValue old;
  old.producer_id = ProducerId{3};
  old.transaction_status = 4;
  const auto encoded = encode_transaction_record({.key = {.transactional_id = "t"}, .value = old});
  const auto version0 = prefixed(0, old, 0);
  for (const auto& value : {*encoded.value, version0}) {
    const auto decoded = must(decode_transaction_record(Bytes{encoded.key}, Bytes{value}));
    EXPECT_EQ(decoded.key.transactional_id, "t");
    EXPECT_EQ(decoded.value, old);
  }
  EXPECT_FALSE(must(decode_transaction_record(Bytes{encoded.key}, {})).value);
}

TEST(TransactionRecords, AreRefusedWhenTheyAreOfAnUnknownKindOrVersionOrCut) {
  const auto code = [](Bytes key, NullableBytes value) {
    const auto decoded = decode_transaction_record(key, value);
    return decoded ? ErrorCode::kNone : decoded.error().code();
  };
  EXPECT_EQ(code(raw({0, 5, 0, 0}), {}), ErrorCode::kUnsupported);
  EXPECT_EQ(code(raw({0}), {}), ErrorCode::kMalformed);
  const auto key = raw({0, 0, 0, 1, 't'});
  EXPECT_EQ(code(key, Bytes{raw({0, 9})}), ErrorCode::kUnsupported);
  EXPECT_EQ(code(key, Bytes{raw({0, 1, 0})}), ErrorCode::kMalformed);
}

}  // namespace
}  // namespace millrace::protocol
