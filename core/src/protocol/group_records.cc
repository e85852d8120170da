#include "protocol/group_records.h"

#include <fmt/format.h>

#include <utility>

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(OffsetCommitKey);
MILLRACE_WIRE_MESSAGE(OffsetCommitValue);
MILLRACE_WIRE_MESSAGE(GroupMetadataKey);
MILLRACE_WIRE_MESSAGE(GroupMetadataValue);

namespace {

// Under this kind the first Kafkas wrote what `OffsetCommitKey` says today.
constexpr std::int16_t kLegacyOffsetCommit = 0;
// Kafka writes the newest version without tagged fields, so that brokers one step older can read it.
constexpr std::int16_t kWrittenVersion = 3;
constexpr std::int16_t kVersionWithExpiry = 1;

/// Those of the consumer protocol have one version.
template <class Value>
std::int16_t written_version(const Value&) {
  return Value::kVersions.last;
}
std::int16_t written_version(const GroupMetadataValue&) { return kWrittenVersion; }
std::int16_t written_version(const OffsetCommitValue& value) {
  if (value.expire_timestamp != -1) return kVersionWithExpiry;
  return value.topic_id.is_nil() ? kWrittenVersion : OffsetCommitValue::kVersions.last;
}

template <class Record>
Result<GroupRecord> decode_record(Bytes key, NullableBytes value) {
  using Key = decltype(Record::key);
  using Value = typename decltype(Record::value)::value_type;
  MILLRACE_TRY(decoded_key, decode<Key>(key, 0));
  MILLRACE_TRY(decoded_value, decode_versioned<Value>(value));
  return Record{.key = std::move(decoded_key), .value = std::move(decoded_value)};
}

}  // namespace

EncodedRecord encode_group_record(const GroupRecord& record) {
  return std::visit(
      []<class Record>(const Record& said) {
        EncodedRecord encoded;
        encoded.key = prefixed(decltype(said.key)::kKey, said.key, 0);
        if (said.value) {
          const auto version = written_version(*said.value);
          encoded.value = prefixed(version, *said.value, version);
        }
        return encoded;
      },
      record);
}

Result<GroupRecord> decode_group_record(NullableBytes key, NullableBytes value) {
  ByteReader reader{key.bytes()};
  const auto kind = reader.read<std::int16_t>();
  if (!reader.ok()) return millrace::fail(ErrorCode::kMalformed, "cannot decode a group record: its key is too short");
  const auto fields = key.bytes().subspan(reader.position());
  if (kind == kLegacyOffsetCommit) return decode_record<CommittedOffsetRecord>(fields, value);
  std::optional<Result<GroupRecord>> decoded;
  const auto try_kind = [&]<class Record>() {
    if (kind == decltype(Record::key)::kKey) decoded = decode_record<Record>(fields, value);
  };
  const auto try_all = [&]<class... Record>(const std::variant<Record...>*) {
    (try_kind.template operator()<Record>(), ...);
  };
  try_all(static_cast<const GroupRecord*>(nullptr));
  if (decoded) return *std::move(decoded);
  return millrace::fail(ErrorCode::kUnsupported, fmt::format("cannot decode a group record: unknown kind {}", kind));
}

}  // namespace millrace::protocol
