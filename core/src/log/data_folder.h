#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/random.h"
#include "base/result.h"
#include "base/types.h"
#include "base/uuid.h"

namespace millrace {

// The small files that say what a data folder and its partitions are, in Kafka's formats.

/// meta.properties, version 1.
struct FolderIdentity {
  std::string cluster_id;
  BrokerId node_id;
  Uuid directory_id;
};

inline constexpr std::string_view kIdentityFile = "meta.properties";

/// The id of a folder, for whom it does not belong to; nil when it cannot be told.
[[nodiscard]] Uuid directory_id_of(FileSystem& files, const Path& folder);

/// Reads the identity of a folder, or gives it what it lacks. Errors: `kInconsistentClusterId`, `kInvalidConfig`
/// (another node's), `kMalformed`.
[[nodiscard]] Result<FolderIdentity> establish_identity(FileSystem& files, const Path& folder,
                                                        std::string_view cluster_id, BrokerId node_id, Random& random);

/// Checks that this version understands the folder, or writes down its version. Errors: `kUnsupported`, `kMalformed`.
[[nodiscard]] Result<void> establish_format(FileSystem& files, const Path& folder);

/// partition.metadata. `kNotFound` if there is none.
[[nodiscard]] Result<TopicId> read_partition_metadata(FileSystem& files, const Path& directory);
[[nodiscard]] Result<void> write_partition_metadata(FileSystem& files, const Path& directory, TopicId id);

/// Before which offset of a partition compaction may have left gaps between batches; 0 when there is no such file.
/// Ours. Errors: `kMalformed`, `kIo`.
inline constexpr std::string_view kCompactionCheckpoint = "compaction-checkpoint";
[[nodiscard]] Result<Offset> read_compacted_to(FileSystem& files, const Path& directory);
[[nodiscard]] Result<void> write_compacted_to(FileSystem& files, const Path& directory, Offset offset);

/// The partition whose folder has this name; none when it is no partition's.
[[nodiscard]] std::optional<TopicPartition> partition_of_folder(std::string_view name);
/// The name of a partition's folder from when it is deleted until it is gone.
[[nodiscard]] std::string deleted_folder_name(const TopicPartition& name, Random& random);
[[nodiscard]] bool is_deleted_folder(std::string_view name);

/// The mark that the last owner closed everything.
inline constexpr std::string_view kCleanShutdownFile = ".kafka_cleanshutdown";
[[nodiscard]] Result<void> write_clean_shutdown(FileSystem& files, const Path& folder);
/// Gone, durably, when it returns.
[[nodiscard]] Result<void> remove_clean_shutdown(FileSystem& files, const Path& folder);

}  // namespace millrace
