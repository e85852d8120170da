#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "file/file_input.h"
#include "file/file_watcher.h"
#include "file/stored_lines.h"
#include "millrace/connect/file_source.h"
#include "millrace/connect/source.h"

namespace millrace::connect {

/// The configuration of a file task, read from its properties.
struct FileTaskConfig {
  std::string topic;
  std::vector<std::string> patterns;
  FollowedFile::Options file;
  std::size_t block_bytes = 0;
  WatchMode watch = WatchMode::kAuto;
  Duration poll_interval{};

  /// Errors: `kInvalidConfig`. `properties` were checked against the table.
  static Result<FileTaskConfig> from(const Properties& properties);
};

/// The keys of `FileSource`.
[[nodiscard]] const ConfigTable& file_source_config();

using WatcherFactory = std::function<std::unique_ptr<FileWatcher>(WatchMode mode, Duration poll_interval)>;

/// Reads all the files of a file source: finds them, takes turns among those that have something, and lets go of those
/// that are finished. A file whose predecessor at the same path still has lines waits for it.
///
/// Threading: as `SourceTask`.
class FileTask final : public SourceTask {
 public:
  FileTask(LineTransform transform, const WatcherFactory& make_watcher, FileSourceWords words = {});

  [[nodiscard]] Result<void> start(const Properties& config, const SourceContext& context) override;
  [[nodiscard]] Result<void> skip_stored(std::span<const RecordView> records) override;
  [[nodiscard]] Result<SourcePoll> poll(Duration max_wait) override;
  void wakeup() override;
  void stop() override;
  [[nodiscard]] std::vector<SourceStatus> status() const override;

 private:
  enum class NamedBy : std::uint8_t { kPath, kGlob };

  [[nodiscard]] Result<void> find_files();
  void find_new_files();
  [[nodiscard]] Result<void> find_stored_files();
  [[nodiscard]] Result<void> open_path(const std::string& path, NamedBy named_by);
  [[nodiscard]] Result<void> open_stream(const std::string& path, OpenFile file);
  void add(std::unique_ptr<FileInput> input, const FileId& id);
  void look_at_paths();
  void watch_folders();
  void apply(const FileChanges& changes);

  [[nodiscard]] Result<SourcePoll> pass_stored_lines();
  [[nodiscard]] FileInput* next_ready(TimePoint now);
  [[nodiscard]] bool waits_for_predecessor(std::size_t index) const;
  [[nodiscard]] Result<std::optional<SourceBatch>> read(FileInput& input, TimePoint now);
  [[nodiscard]] std::span<ProducerRecord> make_records(std::span<const Line> lines);
  void let_go_of_finished();
  [[nodiscard]] bool is_done() const;
  [[nodiscard]] TimePoint next_timer(TimePoint latest) const;
  void publish_status();

  const LineTransform transform_;
  const WatcherFactory make_watcher_;
  const FileSourceWords words_;
  const SourceContext* context_ = nullptr;
  FileTaskConfig config_;
  std::map<FileId, StoredFile> stored_;
  std::shared_ptr<FileWatcher> watcher_;

  std::vector<std::unique_ptr<FileInput>> inputs_;
  std::map<FileId, FollowedInput*> followed_;
  std::set<FileId> finished_ids_;                ///< mode once: read to the end, and not to be opened again
  std::map<std::string, std::string> troubled_;  ///< path -> why it can't be read
  std::unique_ptr<StoredLines> stored_lines_;    ///< until the first poll
  std::size_t turn_ = 0;
  TimePoint status_time_{};

  std::vector<char> block_;
  std::vector<ProducerRecord> records_;
  LineScratch scratch_;
  std::vector<std::string> cut_sizes_;
  std::vector<Header> cut_headers_;

  mutable std::mutex mutex_;  ///< guards what follows
  std::vector<SourceStatus> status_;
};

}  // namespace millrace::connect
