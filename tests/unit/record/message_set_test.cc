#include "record/message_set.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "record/record_batch_builder.h"

namespace millrace {
namespace {

/// Two batches, the second one packed and with what old formats cannot say.
std::vector<std::byte> batches(BufferPool& pool) {
  std::vector<std::byte> bytes;
  const auto add = [&](RecordBatchBuilder& builder, std::int64_t offset) {
    const auto batch = builder.finish({}, Offset{offset}).value();
    bytes.insert(bytes.end(), batch.bytes.begin(), batch.bytes.end());
  };
  const Timestamp time{std::chrono::milliseconds{1234}};
  RecordBatchBuilder plain{pool, 1 << 16};
  EXPECT_TRUE(plain.try_append(time, "key", "value"));
  add(plain, 5);
  RecordBatchBuilder packed{pool, 1 << 16, {.compression = Compression::kLz4}};
  const Header header{.name = "origin", .value = "test"};
  EXPECT_TRUE(packed.try_append(time, nullptr, "second", {&header, 1}));
  EXPECT_TRUE(packed.try_append(time, "gone", nullptr));
  add(packed, 6);
  return bytes;
}

struct Message {
  std::int64_t offset;
  int magic;
  std::int64_t timestamp;
  std::string key;
  std::string value;
  friend bool operator==(const Message&, const Message&) = default;
};

std::string nullable(ByteReader& reader) {
  const auto size = reader.read<std::int32_t>();
  return size < 0 ? "(null)" : std::string{as_text(reader.read_bytes(static_cast<std::size_t>(size)))};
}

/// Reads a message set as Kafka's protocol guide describes it.
std::vector<Message> parse(Bytes bytes) {
  std::vector<Message> messages;
  ByteReader reader{bytes};
  while (reader.left() > 0) {
    auto& message = messages.emplace_back();
    message.offset = reader.read<std::int64_t>();
    const auto size = static_cast<std::size_t>(reader.read<std::int32_t>());
    const auto begin = reader.position();
    const auto crc = reader.read<std::uint32_t>();
    const auto covered = bytes.subspan(reader.position(), size - sizeof crc);
    EXPECT_EQ(crc, ::crc32(0, reinterpret_cast<const Bytef*>(covered.data()), static_cast<uInt>(covered.size())));
    message.magic = reader.read<std::int8_t>();
    EXPECT_EQ(reader.read<std::int8_t>(), 0);
    message.timestamp = message.magic == 1 ? reader.read<std::int64_t>() : -1;
    message.key = nullable(reader);
    message.value = nullable(reader);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.position(), begin + size);
  }
  return messages;
}

TEST(MessageSet, HasEveryRecordOfTheBatchesWithItsOffset) {
  BufferPool pool;
  const auto magic1 = to_message_set(batches(pool), MessageFormat::kMagic1, 1 << 20, pool);
  ASSERT_TRUE(magic1) << magic1.error().message();
  const std::vector<Message> expected{
      {5, 1, 1234, "key", "value"}, {6, 1, 1234, "(null)", "second"}, {7, 1, 1234, "gone", "(null)"}};
  EXPECT_EQ(parse(*magic1), expected);
}

TEST(MessageSet, HasNoTimestampInFormatZero) {
  BufferPool pool;
  const auto magic0 = to_message_set(batches(pool), MessageFormat::kMagic0, 1 << 20, pool);
  ASSERT_TRUE(magic0);
  const auto messages = parse(*magic0);
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[1], (Message{6, 0, -1, "(null)", "second"}));
}

TEST(MessageSet, IsRefusedWhenItWouldBeTooLarge) {
  BufferPool pool;
  const auto refused = to_message_set(batches(pool), MessageFormat::kMagic1, 100, pool);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kMessageTooLarge);
}

}  // namespace
}  // namespace millrace
