// The metadata log: whatever its records hold, each is refused or makes an image; the snapshot of an image makes the
// same image again.

#include "base/assert.h"
#include "fuzz/fuzz_bytes.h"
#include "fuzz/fuzz_target.h"
#include "metadata/metadata_delta.h"
#include "unit/protocol/random_message.h"

namespace millrace::test {
namespace {

using Written = std::vector<std::vector<std::byte>>;

Written snapshot_of(MetadataImage image) {
  // A snapshot does not say it: it is whoever registers next.
  image.controller = BrokerId{1};
  Written written;
  for (const auto& record : records_of(image)) written.push_back(protocol::encode_metadata_record(record));
  return written;
}

template <class Record>
MetadataRecord random_record(std::uint64_t seed) {
  Random random{seed};
  auto record = protocol::random_message<Record>(random(), Record::kVersions.last);
  // Few topics and few partitions, so that records speak of the same.
  constexpr TopicId kIds[] = {{{1}}, {{2}}};
  if constexpr (requires { record.topic_id; }) record.topic_id = kIds[random.below(2)];
  if constexpr (requires { record.partition_id; }) {
    record.partition_id = PartitionIndex{static_cast<std::int32_t>(random.below(3))};
  }
  if constexpr (std::same_as<Record, protocol::TopicRecord>) record.name = random.one_in(2) ? "t" : "u";
  if constexpr (std::same_as<Record, protocol::ConfigRecord>) {
    record.resource_name = random.one_in(2) ? "t" : "u";
    record.resource_type = random.one_in(4) ? 4 : 2;
  }
  return record;
}

template <class... Record>
MetadataRecord random_metadata_record(std::uint64_t seed, const std::variant<Record...>*) {
  using Make = MetadataRecord (*)(std::uint64_t);
  constexpr Make kMakes[] = {random_record<Record>...};
  // The first few are what most logs consist of.
  return kMakes[seed % (seed % 3 == 0 ? sizeof...(Record) : 5)](seed);
}

}  // namespace
}  // namespace millrace::test

/// Records: two bytes of length, then its bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;        // NOLINT: one function
  using namespace millrace::test;  // NOLINT: one function
  std::shared_ptr<const MetadataImage> image = std::make_shared<MetadataImage>();
  InputReader input{data, size};
  while (!input.at_end()) {
    const auto record = protocol::decode_metadata_record(input.bytes(input.two_bytes()));
    if (!record) continue;
    MILLRACE_ASSERT(!protocol::to_text(*record).empty());
    if (auto next = apply_records(*image, {&*record, 1}, image->last_offset + 1)) image = *std::move(next);
  }
  const auto copy = apply_records(MetadataImage{}, records_of(*image), image->last_offset);
  MILLRACE_ASSERT(copy && snapshot_of(**copy) == snapshot_of(*image));
  return 0;
}

namespace millrace::test {

std::vector<std::uint8_t> valid_input(std::uint64_t seed) {
  Random random{seed};
  InputWriter input;
  for (auto left = 1 + random.below(12); left > 0; --left) {
    const auto record = random_metadata_record(random(), static_cast<const MetadataRecord*>(nullptr));
    const auto bytes = protocol::encode_metadata_record(record);
    input.two_bytes(bytes.size());
    input.bytes(bytes);
  }
  return input.take();
}

}  // namespace millrace::test
