// Records of `__consumer_offsets`: whatever key and value hold, reading the partition again does not stop, and what is
// understood encodes to a record that says the same.

#include <cstring>

#include "base/assert.h"
#include "coordinator/group_replay.h"
#include "fuzz/fuzz_target.h"
#include "protocol/codec.h"
#include "protocol/group_records.h"
#include "record/record_batch_builder.h"
#include "unit/protocol/random_message.h"

namespace millrace {
namespace {

/// As a partition would hold it.
void replay(Bytes key, NullableBytes value) {
  static BufferPool pool;
  RecordBatchBuilder builder{pool, 1 << 20};
  MILLRACE_ASSERT(builder.try_append(Timestamp{}, key, value));
  const auto batch = builder.finish();
  MILLRACE_ASSERT(batch);
  GroupReplay replay{pool};
  MILLRACE_ASSERT(replay.apply(batch->bytes));
}

}  // namespace
}  // namespace millrace

/// The key's size in a byte, the key, and the value (none, when nothing is left).
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;  // NOLINT: one function
  if (size == 0) return 0;
  const auto rest = std::as_bytes(std::span{data + 1, size - 1});
  const auto key = rest.first(std::min<std::size_t>(data[0], rest.size()));
  const auto behind = rest.subspan(key.size());
  const auto value = behind.empty() ? NullableBytes{nullptr} : NullableBytes{behind};
  replay(key, value);
  const auto record = protocol::decode_group_record(key, value);
  if (!record) return 0;
  // In the version that is written today, which may say less than an old one did.
  const auto encoded = protocol::encode_group_record(*record);
  const auto today = encoded.value ? NullableBytes{*encoded.value} : NullableBytes{nullptr};
  const auto again = protocol::decode_group_record(Bytes{encoded.key}, today);
  MILLRACE_ASSERT(again);
  const auto twice = protocol::encode_group_record(*again);
  MILLRACE_ASSERT(twice.key == encoded.key && twice.value == encoded.value);
  return 0;
}

namespace millrace::test {

std::vector<std::uint8_t> valid_input(std::uint64_t seed) {
  using namespace protocol;  // NOLINT: one function
  const auto version = static_cast<std::int16_t>(seed % 4);
  std::vector<std::byte> key;
  std::vector<std::byte> value;
  const auto put = [&]<class Key, class Value>(const Key& k, const Value& v) {
    key = {std::byte{0}, static_cast<std::byte>(Key::kKey)};
    value = {std::byte{0}, static_cast<std::byte>(version)};
    const auto keys = protocol::encode(k, 0);
    const auto values = protocol::encode(v, version);
    key.insert(key.end(), keys.begin(), keys.end());
    value.insert(value.end(), values.begin(), values.end());
  };
  if (seed % 2 == 0) {
    put(random_message<OffsetCommitKey>(seed, 0), random_message<OffsetCommitValue>(seed, version));
  } else {
    put(random_message<GroupMetadataKey>(seed, 0), random_message<GroupMetadataValue>(seed, version));
  }
  if (key.size() > UINT8_MAX) key.resize(UINT8_MAX);
  std::vector<std::uint8_t> input{static_cast<std::uint8_t>(key.size())};
  for (const auto byte : key) input.push_back(static_cast<std::uint8_t>(byte));
  for (const auto byte : value) input.push_back(static_cast<std::uint8_t>(byte));
  return input;
}

}  // namespace millrace::test
