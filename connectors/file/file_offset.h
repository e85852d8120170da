#pragma once

#include <optional>
#include <string>
#include <utility>

#include "file/file_identity.h"
#include "file/followed_file.h"
#include "millrace/connect/source.h"

namespace millrace::connect {

/// A file's place in the offset topic: `{"device":..,"inode":..}` -> `{"path":..,"position":..,"fingerprint":..,...}`.
struct StoredFile {
  FilePosition position;
  std::string path;  ///< where it was last seen
};

[[nodiscard]] SourcePartition partition_of(const FileId& id);
[[nodiscard]] SourceOffset offset_of(const FilePosition& position, const std::string& path);

/// Nothing when the fields are not those of a file (another version's, or standard input's).
[[nodiscard]] std::optional<std::pair<FileId, StoredFile>> stored_file(const SourcePartition& partition,
                                                                       const SourceOffset& offset);

}  // namespace millrace::connect
