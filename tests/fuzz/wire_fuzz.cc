// Every wire message and metadata record: whatever the bytes, a decoder refuses them or gives a message that encodes to
// something that decodes to the same message.

#include "base/assert.h"
#include "fuzz/fuzz_target.h"
#include "protocol/decoder.h"
#include "protocol/printer.h"
#include "unit/protocol/all_messages.h"
#include "unit/protocol/random_message.h"

namespace millrace::protocol {
namespace {

std::vector<std::byte> encoded(const WireFormat& format, const std::byte* message) {
  GatherBuffer out;
  append_fields(out, format, message);
  return out.flatten();
}

void check(const MessageKind& kind, Bytes bytes, std::int16_t version) {
  const auto format = kind.format(version);
  const auto decoded = kind.make();
  const auto used = decode_fields(bytes, format, kind.name, decoded.get());
  if (!used) return;
  MILLRACE_ASSERT(*used <= bytes.size());
  MILLRACE_ASSERT(!print_fields(format, decoded.get()).empty());
  const auto again = encoded(format, decoded.get());
  MILLRACE_ASSERT(again.size() == size_of_fields(format, decoded.get()));
  const auto twice = kind.make();
  const auto used_again = decode_fields(again, format, kind.name, twice.get());
  MILLRACE_ASSERT(used_again && *used_again == again.size());
  // Not the messages themselves: error codes that only we know are not written as they are.
  MILLRACE_ASSERT(encoded(format, twice.get()) == again);
}

const std::vector<MessageKind>& kinds() {
  static const std::vector<MessageKind> kKinds = all_messages();
  return kKinds;
}

/// The first two bytes of an input choose kind and version.
std::int16_t version_of(const MessageKind& kind, std::uint8_t choice) {
  return static_cast<std::int16_t>(kind.versions.first + choice % (kind.versions.last - kind.versions.first + 1));
}

}  // namespace
}  // namespace millrace::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;  // NOLINT: one function
  if (size < 2) return 0;
  const auto& kind = protocol::kinds()[data[0] % protocol::kinds().size()];
  const Bytes bytes = std::as_bytes(std::span{data + 2, size - 2});
  protocol::check(kind, bytes, protocol::version_of(kind, data[1]));
  (void)protocol::decode_metadata_record(bytes);
  return 0;
}

namespace millrace::test {

std::vector<std::uint8_t> valid_input(std::uint64_t seed) {
  const auto first = static_cast<std::uint8_t>(seed);
  const auto second = static_cast<std::uint8_t>(seed >> 8);
  const auto& kind = protocol::kinds()[first % protocol::kinds().size()];
  std::vector<std::uint8_t> input{first, second};
  const auto version = protocol::version_of(kind, second);
  const auto message = kind.make();
  protocol::RandomFields{seed, version}.fill(*kind.fields, message.get());
  for (const auto byte : protocol::encoded(kind.format(version), message.get())) {
    input.push_back(static_cast<std::uint8_t>(byte));
  }
  return input;
}

}  // namespace millrace::test
