// Every wire message and metadata record: whatever the bytes, a decoder refuses them or gives a message that encodes to
// something that decodes to the same message.

#include "base/assert.h"
#include "fuzz/fuzz_target.h"
#include "protocol/codec.h"
#include "unit/protocol/all_messages.h"
#include "unit/protocol/random_message.h"

namespace millrace::protocol {
namespace {

/// One kind of message with its versions; `check` tries bytes, `make` gives valid ones.
struct Kind {
  Versions versions;
  void (*check)(Bytes bytes, std::int16_t version);
  std::vector<std::byte> (*make)(std::uint64_t seed, std::int16_t version);
};

template <class Message>
void check(Bytes bytes, std::int16_t version) {
  const auto decoded = decode_prefix<Message>(bytes, version);
  if (!decoded) return;
  MILLRACE_ASSERT(decoded->used <= bytes.size());
  MILLRACE_ASSERT(!to_text(decoded->message, version).empty());
  const auto again = encode(decoded->message, version);
  MILLRACE_ASSERT(again.size() == encoded_size(decoded->message, version));
  const auto twice = decode<Message>(again, version);
  MILLRACE_ASSERT(twice);
  // Numbers that are not a number are not equal to themselves.
  MILLRACE_ASSERT(*twice == decoded->message || encode(*twice, version) == again);
}

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> kKinds = [] {
    std::vector<Kind> all;
    const auto add = [&all]<class Message>() {
      all.push_back({Message::kVersions, check<Message>, [](std::uint64_t seed, std::int16_t version) {
                       return encode(random_message<Message>(seed, version), version);
                     }});
    };
    for_each_api_message(add);
    for_each_metadata_record(add);
    return all;
  }();
  return kKinds;
}

/// The first two bytes of an input choose kind and version.
std::int16_t version_of(const Kind& kind, std::uint8_t choice) {
  return static_cast<std::int16_t>(kind.versions.first + choice % (kind.versions.last - kind.versions.first + 1));
}

}  // namespace
}  // namespace millrace::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;  // NOLINT: one function
  if (size < 2) return 0;
  const auto& kind = protocol::kinds()[data[0] % protocol::kinds().size()];
  const Bytes bytes = std::as_bytes(std::span{data + 2, size - 2});
  kind.check(bytes, protocol::version_of(kind, data[1]));
  (void)protocol::decode_metadata_record(bytes);
  return 0;
}

namespace millrace::test {

std::vector<std::uint8_t> valid_input(std::uint64_t seed) {
  const auto first = static_cast<std::uint8_t>(seed);
  const auto second = static_cast<std::uint8_t>(seed >> 8);
  const auto& kind = protocol::kinds()[first % protocol::kinds().size()];
  std::vector<std::uint8_t> input{first, second};
  for (const auto byte : kind.make(seed, protocol::version_of(kind, second))) {
    input.push_back(static_cast<std::uint8_t>(byte));
  }
  return input;
}

}  // namespace millrace::test
