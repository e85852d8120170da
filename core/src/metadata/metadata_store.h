#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/buffers.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/logger.h"
#include "base/result.h"
#include "log/partition_log.h"
#include "metadata/metadata_delta.h"
#include "metadata/metadata_image.h"

namespace millrace {

/// The metadata log and the images it makes. One change is one record batch: all of it survives a crash or nothing.
///
///     commit: plan against `latest` -> append -> new `latest`  ...  synced -> new `durable`
///
/// Bounded: when the log has grown, `snapshot` writes down what it says, and what it said before may be deleted.
///
/// Threading: any thread may call any function.
class MetadataStore {
 public:
  /// What a plan gives: records to be written; none, and nothing is.
  using Plan = std::function<Result<MetadataRecords>(const MetadataImage& latest)>;

  /// Replays the log. Errors: `kCorruptLog`, `kUnsupported` (a record of a newer version), `kIo`.
  static Result<std::unique_ptr<MetadataStore>> open(FileSystem& files, std::shared_ptr<PartitionLog> log,
                                                     std::string cluster_id, BufferPool& buffers, const Clock& clock);

  /// Plans and appends, one change at a time; gives the offset after it: what `durable` has to reach. Errors: the
  /// plan's; `kStorageError`.
  [[nodiscard]] Result<Offset> commit(const Plan& plan);

  /// All that was appended: what plans are made against.
  [[nodiscard]] std::shared_ptr<const MetadataImage> latest() const;
  /// What a power cut cannot take back.
  [[nodiscard]] std::shared_ptr<const MetadataImage> durable();

  /// Calls back when all before `end` is durable, or can no longer become so.
  void when_durable(Offset end, PartitionLog::DurableCallback callback) {
    log_->when_high_watermark(end, std::move(callback));
  }

  /// Bytes of the log: those that were written since the last snapshot, about.
  [[nodiscard]] std::uint64_t log_bytes() const { return log_->size(); }
  /// Writes a snapshot of `durable`; gives the offset before which the log is not needed any more. Waits for the disk.
  [[nodiscard]] Result<Offset> snapshot();

  /// Topics whose removal the log tells of: leftovers of theirs on the disk may go.
  [[nodiscard]] bool was_removed(const TopicId& id) const;

  [[nodiscard]] const std::shared_ptr<PartitionLog>& log() const { return log_; }
  /// The leader epoch that it is written in.
  [[nodiscard]] LeaderEpoch epoch() const { return epoch_; }

 private:
  MetadataStore(FileSystem& files, std::shared_ptr<PartitionLog> log, BufferPool& buffers, const Clock& clock)
      : files_(files), log_(std::move(log)), buffers_(buffers), clock_(clock) {}

  Result<void> replay(std::string cluster_id);
  [[nodiscard]] Result<AppendInfo> append(const MetadataRecords& records);
  void note_removed(const MetadataRecords& records);

  FileSystem& files_;
  const std::shared_ptr<PartitionLog> log_;
  BufferPool& buffers_;
  const Clock& clock_;
  LeaderEpoch epoch_{0};

  mutable std::mutex mutex_;
  std::shared_ptr<const MetadataImage> latest_;
  std::shared_ptr<const MetadataImage> durable_;
  /// Appended and not known to be durable, in order.
  std::deque<std::shared_ptr<const MetadataImage>> pending_;
  std::set<TopicId> removed_;
};

}  // namespace millrace
