#include "log/log_manager.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include "base/clock.h"
#include "base/logger.h"
#include "log/checkpoint_file.h"
#include "log/data_folder.h"
#include "log/durable_positions.h"
#include "log/file_cache.h"
#include "log/flusher.h"

namespace millrace {
namespace {

constexpr std::string_view kRecoveryPoints = "recovery-point-offset-checkpoint";
constexpr std::string_view kLogStarts = "log-start-offset-checkpoint";
constexpr std::string_view kHighWatermarks = "replication-offset-checkpoint";

/// Calls `work` with 0 .. count - 1, on several threads when there is enough to do.
template <class Work>
void for_each_in_parallel(std::size_t count, std::size_t threads, Work work) {
  std::atomic<std::size_t> next = 0;
  const auto run = [&] {
    for (auto i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::jthread> helpers;
  for (std::size_t i = 1; i < std::min(threads, count); ++i) helpers.emplace_back(run);
  run();
}

Offset value_or(const OffsetsByPartition& offsets, const TopicPartition& name, Offset fallback) {
  const auto found = offsets.find(name);
  return found == offsets.end() ? fallback : found->second;
}

}  // namespace

class LogManager::Impl {
 public:
  Impl(FileSystem& files, Path directory, Options options, BufferPool& buffers, const Clock& clock, Logger& logger)
      : files_(files),
        directory_(std::move(directory)),
        options_(std::move(options)),
        buffers_(buffers),
        clock_(clock),
        logger_(logger),
        random_(options_.random_seed != 0 ? options_.random_seed : std::random_device{}()),
        open_files_(files, options_.open_files != 0 ? options_.open_files : FileCache::capacity_from_process_limit()),
        cleaner_(files, join(directory_, "cleaner-offset-checkpoint"), with_secret(options_.cleaner, random_), clock,
                 logger),
        flusher_(Flusher::Options{.threads = options_.flush_threads, .clock = &clock_}) {}

  Result<void> open() {
    MILLRACE_CHECK(files_.make_directories(directory_));
    auto lock = files_.lock(join(directory_, ".lock"));
    if (!lock && lock.error().code() == ErrorCode::kInUse) {
      return fail(ErrorCode::kInUse,
                  fmt::format("cannot open the data folder {}: it is in use by another process, or by another "
                              "broker of this one. Stop it, or choose another folder",
                              directory_));
    }
    if (!lock) return std::unexpected(std::move(lock).error());
    lock_ = *std::move(lock);
    MILLRACE_CHECK(establish_format(files_, directory_));
    MILLRACE_TRY(identity, establish_identity(files_, directory_, options_.cluster_id, options_.node_id, random_));
    identity_ = std::move(identity);
    MILLRACE_TRY(clean, exists(files_, join(directory_, kCleanShutdownFile)));
    was_clean_ = clean;
    MILLRACE_TRY(positions, DurablePositions::open(files_, join(directory_, "durable-positions")));
    positions_ = std::move(positions);
    MILLRACE_CHECK(open_partitions());
    cleaner_.load();
    // Before anything is appended: from here on a crash is a crash.
    MILLRACE_CHECK(remove_clean_shutdown(files_, directory_));
    last_checkpoint_ = clock_.now();
    return {};
  }

  std::vector<FoundPartition> partitions() const {
    const std::lock_guard lock{mutex_};
    std::vector<FoundPartition> found;
    found.reserve(partitions_.size());
    for (const auto& [name, entry] : partitions_) {
      found.push_back({name, entry.topic_id, directory_, identity_.directory_id, entry.log});
    }
    return found;
  }

  Result<std::shared_ptr<PartitionLog>> find(const TopicPartition& name) const {
    const std::lock_guard lock{mutex_};
    const auto found = partitions_.find(name);
    if (found == partitions_.end()) return unknown(name);
    return found->second.log;
  }

  Result<std::shared_ptr<PartitionLog>> find(const TopicPartition& name, const TopicId& topic) const {
    const std::lock_guard lock{mutex_};
    const auto found = partitions_.find(name);
    if (found == partitions_.end()) return unknown(name);
    const auto& entry = found->second;
    if (entry.topic_id != topic && !entry.topic_id.is_nil()) return unknown(name);
    return entry.log;
  }

  void set_offline(const TopicPartition& name, const Error& reason) {
    const std::lock_guard change{change_mutex_};
    std::shared_ptr<PartitionLog> log;
    const std::lock_guard lock{mutex_};
    const auto found = partitions_.find(name);
    if (found == partitions_.end()) return;
    if (found->second.log) {
      log = *found->second.log;
      found->second.recovery_point = log->durable().offset;
      log->abandon();
    }
    found->second.log = std::unexpected(reason);
  }

  std::optional<Error> trouble() const {
    const std::lock_guard lock{mutex_};
    return trouble_;
  }

  Result<std::shared_ptr<PartitionLog>> create(const TopicPartition& name, TopicId id, LogConfig config) {
    const std::lock_guard change{change_mutex_};
    MILLRACE_CHECK(check_open());
    {
      const std::lock_guard lock{mutex_};
      if (partitions_.contains(name)) {
        return fail(ErrorCode::kTopicAlreadyExists,
                    fmt::format("partition {} is in {} already", name.to_string(), directory_));
      }
    }
    auto log = make(name, id, config);
    if (!log) {
      // One path that cannot be made says nothing of the disk: what says that it is well again decides.
      if (auto saved = save_all_checkpoints(); !saved) note_trouble(saved.error());
      return log;
    }
    const std::lock_guard lock{mutex_};
    partitions_.insert_or_assign(name, Entry{id, log, Offset{0}});
    return log;
  }

  Result<void> remove(const TopicPartition& name) {
    const std::lock_guard change{change_mutex_};
    MILLRACE_CHECK(check_open());
    Entry entry;
    {
      const std::lock_guard lock{mutex_};
      const auto found = partitions_.find(name);
      if (found == partitions_.end()) return unknown(name);
      entry = found->second;
    }
    const auto target = join(directory_, deleted_folder_name(name, random_));
    MILLRACE_CHECK(files_.rename(folder_of_partition(name), target));
    if (entry.log) (*entry.log)->abandon();
    {
      const std::lock_guard lock{mutex_};
      partitions_.erase(name);
    }
    positions_->forget({name.to_string(), entry.topic_id});
    deleted_.push_back(target);
    MILLRACE_CHECK(files_.sync_directory(directory_));
    MILLRACE_CHECK(cleaner_.forget(name));
    // A partition of the same name must not begin where this one was trimmed.
    return written_log_starts_.contains(name) ? save_log_starts() : Result<void>{};
  }

  Result<Offset> delete_records(const TopicPartition& name, Offset before) {
    MILLRACE_TRY(log, find(name));
    MILLRACE_TRY(start, log->delete_records(before));
    const std::lock_guard change{change_mutex_};
    MILLRACE_CHECK(save_log_starts());
    return start;
  }

  void tick() {
    for (const auto& found : partitions()) {
      if (!found.log || (*found.log)->failure()) continue;
      const auto removed = (*found.log)->apply_retention();
      if (!removed && removed.error().code() != ErrorCode::kClosed) {
        logger_.warn("cannot apply the retention of {}: {}", found.name.to_string(), removed.error().message());
      } else if (removed && *removed > 0) {
        logger_.info("{}: removed {} segments that were over the retention", found.name.to_string(), *removed);
      }
      (*found.log)->remove_replaced_files();
    }
    const std::lock_guard change{change_mutex_};
    if (closed_) return;
    if (trouble() || clock_.now() - last_checkpoint_ >= options_.checkpoint_interval) {
      last_checkpoint_ = clock_.now();
      if (auto saved = trouble() ? save_all_checkpoints() : save_checkpoints(); saved) {
        end_trouble();
      } else {
        note_trouble(saved.error());
      }
    }
    std::erase_if(deleted_, [this](const Path& folder) {
      auto removed = remove_tree(files_, folder);
      if (!removed) logger_.warn("cannot remove a deleted partition: {}", removed.error().message());
      return removed.has_value();
    });
  }

  Duration clean() {
    return cleaner_.step([this] {
      std::vector<std::shared_ptr<PartitionLog>> logs;
      const std::lock_guard lock{mutex_};
      for (const auto& [name, entry] : partitions_) {
        if (entry.log) logs.push_back(*entry.log);
      }
      return logs;
    });
  }

  bool run_flush_round() { return flusher_.run_round(); }
  [[nodiscard]] const DurationHistogram& flush_times() const { return flusher_.times(); }

  Result<void> close() {
    cleaner_.close();
    // A file whose sync is under way, or just fails, must not be taken for one that is clean. Not with the mutex: who
    // is told of the last round may make or remove partitions.
    flusher_.stop();
    const std::lock_guard change{change_mutex_};
    if (closed_) return {};
    closed_ = true;
    std::vector<std::shared_ptr<PartitionLog>> logs;
    bool all_sound = true;
    for (const auto& found : partitions()) {
      if (found.log) {
        logs.push_back(*found.log);
      } else {
        all_sound = false;
      }
    }
    std::vector<Result<void>> results(logs.size());
    // What took a partition offline was told when it happened; only what fails now is news.
    std::vector<std::optional<Error>> known(logs.size());
    for_each_in_parallel(logs.size(), options_.recovery_threads, [&](std::size_t i) {
      known[i] = logs[i]->failure();
      results[i] = logs[i]->close();
    });
    auto result = save_checkpoints();
    for (std::size_t i = 0; i < logs.size(); ++i) {
      if (results[i]) continue;
      all_sound = false;
      if (result && !known[i]) result = std::move(results[i]);
    }
    // With a partition that is offline there is no mark: its damage must be found again at the next start.
    if (result && all_sound) result = write_clean_shutdown(files_, directory_);
    lock_.reset();
    return result;
  }

  const Path& directory() const { return directory_; }
  const std::string& cluster_id() const { return identity_.cluster_id; }
  const Uuid& directory_id() const { return identity_.directory_id; }
  bool was_clean() const { return was_clean_; }

 private:
  struct Entry {
    TopicId topic_id;
    Result<std::shared_ptr<PartitionLog>> log = std::shared_ptr<PartitionLog>{};
    /// What the checkpoint says of a log that is offline.
    Offset recovery_point;
  };

  static LogCleaner::Options with_secret(LogCleaner::Options options, Random& random) {
    options.cleaning.secret = {random(), random()};
    return options;
  }

  LogContext context() {
    return {.files = files_,
            .open_files = open_files_,
            .buffers = buffers_,
            .flusher = flusher_,
            .clock = clock_,
            .logger = logger_,
            .positions = positions_.get()};
  }

  std::unexpected<Error> unknown(const TopicPartition& name) const {
    return fail(ErrorCode::kUnknownTopicOrPartition,
                fmt::format("there is no partition {} in {}", name.to_string(), directory_));
  }

  Result<void> check_open() const {
    if (closed_) return fail(ErrorCode::kClosed, directory_ + " is closed");
    return {};
  }

  Result<std::shared_ptr<PartitionLog>> make(const TopicPartition& name, TopicId id, const LogConfig& config) {
    MILLRACE_CHECK(check_identity());
    const auto directory = folder_of_partition(name);
    MILLRACE_CHECK(files_.make_directories(directory));
    MILLRACE_CHECK(write_partition_metadata(files_, directory, id));
    return PartitionLog::open(context(), name, directory, config, {.topic_id = id, .clean = true, .durable = {}});
  }

  void note_trouble(const Error& error) {
    {
      const std::lock_guard lock{mutex_};
      if (std::exchange(trouble_, error)) return;
    }
    logger_.warn("the data folder {} cannot be written to: {}. It is tried again until it can", directory_,
                 error.message());
  }

  void end_trouble() {
    {
      const std::lock_guard lock{mutex_};
      if (!std::exchange(trouble_, std::nullopt)) return;
    }
    logger_.warn("the data folder {} can be written to again", directory_);
  }

  Path folder_of_partition(const TopicPartition& name) const { return join(directory_, name.to_string()); }

  /// A checkpoint that cannot be read is as good as none: its loss costs time, or brings back records that were
  /// deleted.
  OffsetsByPartition load_checkpoint(std::string_view name) {
    auto read = read_offset_checkpoint(files_, join(directory_, name));
    if (read) return *std::move(read);
    logger_.warn("ignoring a checkpoint: {}", read.error().message());
    return {};
  }

  Result<void> open_partitions() {
    MILLRACE_TRY(entries, files_.list(directory_));
    std::vector<TopicPartition> names;
    for (const auto& entry : entries) {
      if (!entry.is_directory) continue;
      if (is_deleted_folder(entry.name)) {
        deleted_.push_back(join(directory_, entry.name));
      } else if (auto name = partition_of_folder(entry.name)) {
        names.push_back(*std::move(name));
      }
    }
    const auto recovery_points = load_checkpoint(kRecoveryPoints);
    written_log_starts_ = load_checkpoint(kLogStarts);
    std::vector<std::optional<Entry>> opened(names.size());
    for_each_in_parallel(names.size(), options_.recovery_threads, [&](std::size_t i) {
      opened[i] = open_partition(names[i], value_or(recovery_points, names[i], Offset{0}),
                                 value_or(written_log_starts_, names[i], Offset{0}));
    });
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (opened[i]) partitions_.emplace(names[i], *std::move(opened[i]));
    }
    return {};
  }

  std::optional<Entry> open_partition(const TopicPartition& name, Offset recovery_point, Offset log_start) {
    const auto directory = folder_of_partition(name);
    Entry entry{.recovery_point = recovery_point};
    const auto id = read_partition_metadata(files_, directory);
    if (id) {
      entry.topic_id = *id;
    } else if (id.error().code() != ErrorCode::kNotFound) {
      entry.log = std::unexpected(id.error());
      return entry;
    } else if (const auto files = files_.list(directory); files && !has_segments(*files)) {
      // Its making was interrupted; nobody was told that it is there.
      if (auto removed = remove_tree(files_, directory); removed) return std::nullopt;
    }
    LogHints hints{
        .topic_id = entry.topic_id, .clean = was_clean_, .recovery_point = recovery_point, .log_start = log_start};
    if (positions_->existed()) hints.durable = positions_->find({name.to_string(), entry.topic_id});
    entry.log = PartitionLog::open(context(), name, directory, options_.initial_config, hints);
    return entry;
  }

  static bool has_segments(const std::vector<DirectoryEntry>& entries) {
    return std::ranges::any_of(entries, [](const auto& entry) { return entry.name.ends_with(".log"); });
  }

  Result<void> save_log_starts() {
    OffsetsByPartition starts;
    for (const auto& found : partitions()) {
      const auto start = found.log ? (*found.log)->log_start() : value_or(written_log_starts_, found.name, Offset{0});
      if (start > Offset{0}) starts[found.name] = start;
    }
    if (starts == written_log_starts_) return {};
    MILLRACE_CHECK(write_offset_checkpoint(files_, join(directory_, kLogStarts), starts));
    written_log_starts_ = std::move(starts);
    return {};
  }

  /// Also when nothing has changed, to see whether it can be written.
  Result<void> save_all_checkpoints() {
    written_high_watermarks_.reset();
    return save_checkpoints();
  }

  /// A disk may be mounted over it, or go, since it was opened: what is known here is false there.
  Result<void> check_identity() {
    if (directory_id_of(files_, directory_) == identity_.directory_id) return {};
    return fail(ErrorCode::kIo, fmt::format("{} is another folder than the one that was opened: its meta.properties no "
                                            "longer has directory.id={}. Stop the broker and start it again",
                                            directory_, identity_.directory_id.to_string()));
  }

  Result<void> save_checkpoints() {
    MILLRACE_CHECK(check_identity());
    OffsetsByPartition recovery_points;
    OffsetsByPartition high_watermarks;
    std::unique_lock lock{mutex_};
    for (const auto& [name, entry] : partitions_) {
      recovery_points[name] =
          entry.log && !(*entry.log)->failure() ? (*entry.log)->durable().offset : entry.recovery_point;
      if (entry.log) high_watermarks[name] = (*entry.log)->high_watermark();
    }
    // No I/O with the lock held.
    lock.unlock();
    MILLRACE_CHECK(positions_->sync());
    if (recovery_points != written_recovery_points_) {
      MILLRACE_CHECK(write_offset_checkpoint(files_, join(directory_, kRecoveryPoints), recovery_points));
      written_recovery_points_ = std::move(recovery_points);
    }
    if (high_watermarks != written_high_watermarks_) {
      MILLRACE_CHECK(write_offset_checkpoint(files_, join(directory_, kHighWatermarks), high_watermarks));
      written_high_watermarks_ = std::move(high_watermarks);
    }
    return save_log_starts();
  }

  FileSystem& files_;
  const Path directory_;
  const Options options_;
  BufferPool& buffers_;
  const Clock& clock_;
  Logger& logger_;
  // `change_mutex_`: who makes, removes, checkpoints or closes. `mutex_`: the map, never over I/O; taken second.
  std::mutex change_mutex_;
  Random random_;
  FolderIdentity identity_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<DurablePositions> positions_;
  FileCache open_files_;
  mutable std::mutex mutex_;
  std::map<TopicPartition, Entry> partitions_;
  std::vector<Path> deleted_;
  OffsetsByPartition written_recovery_points_;
  // None: to be written in any case.
  std::optional<OffsetsByPartition> written_high_watermarks_ = OffsetsByPartition{};
  std::optional<Error> trouble_;
  OffsetsByPartition written_log_starts_;
  TimePoint last_checkpoint_{};
  LogCleaner cleaner_;
  bool was_clean_ = false;
  bool closed_ = false;
  // Last: its threads end before what they use does.
  Flusher flusher_;
};

LogManager::LogManager(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

LogManager::~LogManager() {
  // Who wants to know how it ended calls `close`.
  (void)impl_->close();
}

Result<std::unique_ptr<LogManager>> LogManager::open(FileSystem& files, Path directory, Options options,
                                                     BufferPool& buffers, const Clock& clock, Logger& logger) {
  auto impl = std::make_unique<Impl>(files, std::move(directory), std::move(options), buffers, clock, logger);
  MILLRACE_CHECK(impl->open());
  return std::unique_ptr<LogManager>{new LogManager{std::move(impl)}};
}

const Path& LogManager::directory() const { return impl_->directory(); }
const std::string& LogManager::cluster_id() const { return impl_->cluster_id(); }
const Uuid& LogManager::directory_id() const { return impl_->directory_id(); }
bool LogManager::was_clean() const { return impl_->was_clean(); }
std::vector<FoundPartition> LogManager::partitions() const { return impl_->partitions(); }
Result<std::shared_ptr<PartitionLog>> LogManager::find(const TopicPartition& name) const { return impl_->find(name); }
Result<std::shared_ptr<PartitionLog>> LogManager::find(const TopicPartition& name, const TopicId& topic) const {
  return impl_->find(name, topic);
}
void LogManager::set_offline(const TopicPartition& name, const Error& reason) { impl_->set_offline(name, reason); }
std::optional<Error> LogManager::trouble() const { return impl_->trouble(); }
Result<std::shared_ptr<PartitionLog>> LogManager::create(const TopicPartition& name, TopicId id, LogConfig config) {
  return impl_->create(name, id, config);
}
Result<void> LogManager::remove(const TopicPartition& name) { return impl_->remove(name); }
Result<Offset> LogManager::delete_records(const TopicPartition& name, Offset before) {
  return impl_->delete_records(name, before);
}
void LogManager::tick() { impl_->tick(); }
Duration LogManager::clean() { return impl_->clean(); }
bool LogManager::run_flush_round() { return impl_->run_flush_round(); }
DurationHistogram::Snapshot LogManager::flush_times() const { return impl_->flush_times().snapshot(); }
Result<void> LogManager::close() { return impl_->close(); }

}  // namespace millrace
