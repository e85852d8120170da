#include "file/file_offset.h"

#include <fmt/core.h>

#include <charconv>

namespace millrace::connect {
namespace {

// A fingerprint is 64 bits without sign, more than a JSON number holds: written as hexadecimal text.
std::optional<std::uint64_t> from_hex(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

SourcePartition partition_of(const FileId& id) {
  return {{"device", static_cast<std::int64_t>(id.device)}, {"inode", static_cast<std::int64_t>(id.inode)}};
}

SourceOffset offset_of(const FilePosition& position, const std::string& path) {
  return {{"path", path},
          {"position", static_cast<std::int64_t>(position.position)},
          {"lines", static_cast<std::int64_t>(position.lines)},
          {"unterminated", position.is_unterminated},
          {"fingerprint", fmt::format("{:016x}", position.fingerprint.hash())},
          {"fingerprint.bytes", static_cast<std::int64_t>(position.fingerprint.bytes())}};
}

std::optional<std::pair<FileId, StoredFile>> stored_file(const SourcePartition& partition, const SourceOffset& offset) {
  const auto device = int_field(partition, "device");
  const auto inode = int_field(partition, "inode");
  const auto position = int_field(offset, "position");
  const auto hash = from_hex(text_field(offset, "fingerprint").value_or("?"));
  const auto bytes = int_field(offset, "fingerprint.bytes");
  if (!device || !inode || !position || *position < 0 || !hash || !bytes || *bytes < 0) return std::nullopt;

  const FileId id{static_cast<std::uint64_t>(*device), static_cast<std::uint64_t>(*inode)};
  StoredFile stored;
  stored.path = text_field(offset, "path").value_or("");
  stored.position = {.position = static_cast<std::uint64_t>(*position),
                     .fingerprint = {*hash, static_cast<std::uint32_t>(*bytes)},
                     .is_unterminated = flag_field(offset, "unterminated"),
                     .lines = static_cast<std::uint64_t>(int_field(offset, "lines").value_or(0))};
  return std::pair{id, std::move(stored)};
}

}  // namespace millrace::connect
