#include "protocol/metadata_records.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/bytes_io.h"
#include "protocol/codec.h"

namespace millrace::protocol {
namespace {

constexpr std::uint32_t kFrameVersion = 1;

/// One row a kind of record: how its fields are read.
struct RecordKind {
  std::uint32_t key;
  const char* name;
  Versions versions;
  Result<MetadataRecord> (*decode)(Bytes bytes, std::int16_t version);
};

template <class Record>
constexpr RecordKind kind_of() {
  return {Record::kKey, Record::kName, Record::kVersions,
          [](Bytes bytes, std::int16_t version) -> Result<MetadataRecord> { return decode<Record>(bytes, version); }};
}

template <std::size_t... Index>
constexpr auto all_kinds(std::index_sequence<Index...>) {
  return std::array{kind_of<std::variant_alternative_t<Index, MetadataRecord>>()...};
}

constexpr auto kKinds = all_kinds(std::make_index_sequence<std::variant_size_v<MetadataRecord>>{});

}  // namespace

std::vector<std::byte> encode_metadata_record(const MetadataRecord& record) {
  return std::visit(
      []<class Record>(const Record& fields) {
        constexpr auto kVersion = Record::kVersions.last;
        ByteWriter frame;
        frame.write_varint(kFrameVersion);
        frame.write_varint(Record::kKey);
        frame.write_varint(static_cast<std::uint64_t>(kVersion));
        frame.write_bytes(encode(fields, kVersion));
        return frame.take();
      },
      record);
}

Result<MetadataRecord> decode_metadata_record(Bytes bytes) {
  ByteReader reader{bytes};
  const auto frame_version = reader.read_varint();
  const auto key = reader.read_varint();
  const auto version = reader.read_varint();
  if (!reader.ok()) return millrace::fail(ErrorCode::kMalformed, "cannot decode a metadata record: it ends too early");
  if (frame_version != kFrameVersion) {
    return millrace::fail(ErrorCode::kUnsupported,
                          fmt::format("cannot decode a metadata record: unknown frame version {}", frame_version));
  }
  for (const auto& kind : kKinds) {
    if (kind.key != key) continue;
    if (version > static_cast<std::uint32_t>(kind.versions.last)) {
      return millrace::fail(
          ErrorCode::kUnsupported,
          fmt::format("cannot decode {} version {}: versions up to {} are known. A newer version wrote it.", kind.name,
                      version, kind.versions.last));
    }
    return kind.decode(bytes.subspan(reader.position()), static_cast<std::int16_t>(version));
  }
  return millrace::fail(ErrorCode::kUnsupported, fmt::format("cannot decode a metadata record: unknown kind {}", key));
}

std::string to_text(const MetadataRecord& record) {
  return std::visit(
      []<class Record>(const Record& fields) {
        return Record::kName + (" " + to_text(fields, Record::kVersions.last));
      },
      record);
}

}  // namespace millrace::protocol
