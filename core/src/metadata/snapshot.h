#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/buffers.h"
#include "base/files.h"
#include "base/result.h"
#include "metadata/metadata_image.h"

namespace millrace {

/// Snapshots of the metadata: what bounds its log. A file `OFFSET-EPOCH.checkpoint` beside the log's segments, as
/// Kafka's: record batches between a header's and a footer's control record. OFFSET is that of the first record that is
/// not in it.
struct SnapshotId {
  Offset end;
  LeaderEpoch epoch;
  [[nodiscard]] std::string file_name() const;
};

/// Writes the snapshot of `image` in one durable step and removes the older ones.
[[nodiscard]] Result<void> write_snapshot(FileSystem& files, const Path& directory, const MetadataImage& image,
                                          LeaderEpoch epoch, Timestamp now, BufferPool& buffers);

/// The newest snapshot's image; null when there is none. Errors: `kCorruptLog` for one that is damaged, naming it.
[[nodiscard]] Result<std::shared_ptr<const MetadataImage>> read_newest_snapshot(FileSystem& files,
                                                                                const Path& directory,
                                                                                const std::string& cluster_id,
                                                                                BufferPool& buffers);

}  // namespace millrace
