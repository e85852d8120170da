#include "broker/metadata_log.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace {
namespace {

const TopicPartition kMetadataPartition{"__cluster_metadata", PartitionIndex{0}};
// The id that Kafka gives the metadata topic.
constexpr TopicId kMetadataTopicId{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

LogConfig metadata_log_config() {
  LogConfig config;
  config.retention_ms = std::chrono::milliseconds{-1};
  config.retention_bytes = -1;
  config.cleanup_delete = false;
  return config;
}

/// A new one in its stead would forget every topic.
Result<void> check_that_it_is_nowhere_else(const LogFolders& folders) {
  for (const auto& found : folders.partitions()) {
    if (found.name != kMetadataPartition) continue;
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("configuration: the metadata log lies in {}, not in {}: set \"metadata.log.dir\" to {}",
                            found.folder, folders.metadata().directory(), found.folder));
  }
  const auto all = folders.folders();
  const auto offline = std::ranges::find_if(all, [](const auto& folder) { return folder.offline.has_value(); });
  if (offline == all.end()) return {};
  return fail(
      ErrorCode::kInvalidConfig,
      fmt::format("configuration: there is no metadata log in {}, and it may lie in {}, which cannot be opened: "
                  "{}. If it does, set \"metadata.log.dir\" to it once it can be",
                  folders.metadata().directory(), offline->path, offline->offline->message()));
}

}  // namespace

Result<std::shared_ptr<PartitionLog>> open_metadata_log(const LogFolders& folders) {
  auto& folder = folders.metadata();
  auto log = folder.find(kMetadataPartition);
  if (!log && log.error().code() == ErrorCode::kUnknownTopicOrPartition) {
    MILLRACE_CHECK(check_that_it_is_nowhere_else(folders));
    log = folder.create(kMetadataPartition, kMetadataTopicId, metadata_log_config());
  }
  if (!log) {
    return std::unexpected(
        std::move(log).error().in(fmt::format("cannot open the metadata log of {}", folder.directory())));
  }
  (*log)->configure(metadata_log_config());
  return log;
}

}  // namespace millrace
