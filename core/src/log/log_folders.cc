#include "log/log_folders.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "base/logger.h"
#include "log/data_folder.h"
#include "log/file_cache.h"

namespace millrace {
namespace {

/// Whether it is not the disk that is wrong but what the broker was told: nothing will mend that but a person.
bool is_not_ours(const Error& error) {
  return error.code() == ErrorCode::kInvalidConfig || error.code() == ErrorCode::kInconsistentClusterId ||
         error.code() == ErrorCode::kUnsupported || error.code() == ErrorCode::kInUse;
}

/// Each folder's part of what a broker may use.
void divide(LogManager::Options& options, std::size_t folders) {
  if (options.open_files == 0) options.open_files = FileCache::capacity_from_process_limit();
  options.open_files = std::max<std::size_t>(options.open_files / folders, 2);
  options.cleaner.cleaning.map_bytes = std::max<std::size_t>(options.cleaner.cleaning.map_bytes / folders, 48);
  options.cleaner.max_bytes_per_second /= static_cast<double>(folders);
}

}  // namespace

Result<std::unique_ptr<LogFolders>> LogFolders::open(FileSystem& files, const Places& places,
                                                     LogManager::Options options, BufferPool& buffers,
                                                     const Clock& clock, Logger& logger) {
  std::unique_ptr<LogFolders> folders{new LogFolders{files, std::move(options), buffers, clock, logger}};
  MILLRACE_CHECK(folders->check_places(places));
  MILLRACE_CHECK(folders->open_all(places));
  folders->refuse_doubles();
  return folders;
}

LogFolders::~LogFolders() {
  // Who wants to know how it ended calls `close`.
  (void)close();
}

Result<void> LogFolders::check_places(const Places& places) const {
  // Also when that cannot be told: opening it says why.
  const auto here = exists(files_, join(places.metadata, kIdentityFile));
  if (!here || *here) return {};
  for (const auto& path : places.data) {
    if (const auto other = exists(files_, join(path, kIdentityFile)); !other || !*other) continue;
    return fail(
        ErrorCode::kInvalidConfig,
        fmt::format("configuration: the metadata folder {} is new, but {} belongs to a cluster already. Is a disk "
                    "not mounted? If the metadata log lies in another of log.dirs, name it with "
                    "\"metadata.log.dir\"",
                    places.metadata, path));
  }
  return {};
}

Result<std::unique_ptr<LogManager>> LogFolders::open_one(const Path& path) {
  // Each has an id of its own, whatever the seed.
  if (options_.random_seed != 0) ++options_.random_seed;
  return LogManager::open(files_, path, options_, buffers_, clock_, logger_);
}

Result<void> LogFolders::open_all(const Places& places) {
  const bool alone = std::ranges::find(places.data, places.metadata) == places.data.end();
  folders_.push_back({.path = places.metadata, .takes_partitions = !alone});
  for (const auto& path : places.data) {
    if (path != places.metadata) folders_.push_back({.path = path});
  }
  divide(options_, folders_.size());
  MILLRACE_TRY(metadata, open_one(places.metadata));
  options_.cluster_id = metadata->cluster_id();
  was_clean_ = metadata->was_clean();
  folders_.front().id = metadata->directory_id();
  folders_.front().manager = std::move(metadata);
  for (auto& folder : std::span{folders_}.subspan(1)) {
    auto opened = open_one(folder.path);
    if (opened) {
      // One that was never used before was not closed either.
      was_clean_ = was_clean_ && (*opened)->was_clean();
      folder.id = (*opened)->directory_id();
      folder.manager = *std::move(opened);
      continue;
    }
    if (is_not_ours(opened.error())) return std::unexpected(std::move(opened).error());
    was_clean_ = false;
    folder.id = directory_id_of(files_, folder.path);
    folder.reason = std::move(opened).error();
    logger_.error(
        "the data folder {} is offline with all its partitions: {}. The others work; it is tried again until "
        "it can be opened",
        folder.path, folder.reason.message());
  }
  return {};
}

void LogFolders::refuse_doubles() {
  std::map<std::pair<TopicPartition, TopicId>, LogManager*> first;
  for (auto* manager : managers()) {
    for (const auto& found : manager->partitions()) {
      const auto [known, is_first] = first.try_emplace({found.name, found.topic_id}, manager);
      if (is_first) continue;
      const auto name = found.name.to_string();
      const Error error{
          ErrorCode::kStorageError,
          fmt::format("{} is offline: it lies in {} and in {}, and only one of them can be the right one. "
                      "Stop the broker, move one of them away and start it again",
                      name, join(known->second->directory(), name), join(manager->directory(), name))};
      known->second->set_offline(found.name, error);
      manager->set_offline(found.name, error);
    }
  }
}

std::vector<LogManager*> LogFolders::managers() const {
  const std::lock_guard lock{mutex_};
  std::vector<LogManager*> here;
  for (const auto& folder : folders_) {
    if (folder.manager) here.push_back(folder.manager.get());
  }
  return here;
}

bool LogFolders::was_clean() const { return was_clean_; }

std::vector<DataFolder> LogFolders::folders() const {
  const std::lock_guard lock{mutex_};
  std::vector<DataFolder> all;
  for (const auto& folder : folders_) {
    auto& shown = all.emplace_back(folder.path, folder.id, folder.takes_partitions, std::nullopt);
    if (!folder.manager) shown.offline = folder.reason;
  }
  return all;
}

std::vector<Uuid> LogFolders::online() const {
  std::vector<Uuid> ids;
  for (const auto& folder : folders()) {
    if (!folder.offline) ids.push_back(folder.id);
  }
  return ids;
}

std::vector<Uuid> LogFolders::usable() const {
  const std::lock_guard lock{mutex_};
  std::vector<Uuid> here;
  std::vector<Uuid> well;
  for (const auto& folder : folders_) {
    if (!folder.manager || !folder.takes_partitions) continue;
    here.push_back(folder.id);
    if (!folder.manager->trouble()) well.push_back(folder.id);
  }
  return well.empty() ? here : well;
}

std::vector<FoundPartition> LogFolders::partitions() const {
  std::vector<FoundPartition> all;
  for (const auto* manager : managers()) {
    auto found = manager->partitions();
    std::ranges::move(found, std::back_inserter(all));
  }
  return all;
}

Result<std::shared_ptr<PartitionLog>> LogFolders::find(const TopicPartition& name, const TopicId& topic) const {
  for (const auto* manager : managers()) {
    auto found = manager->find(name, topic);
    if (found || found.error().code() != ErrorCode::kUnknownTopicOrPartition) return found;
  }
  return fail(ErrorCode::kUnknownTopicOrPartition, fmt::format("there is no partition {}", name.to_string()));
}

Result<std::shared_ptr<PartitionLog>> LogFolders::create(const TopicPartition& name, const TopicId& topic,
                                                         const LogConfig& config, const Uuid& directory,
                                                         PartitionAge age) {
  std::string offline;
  LogManager* chosen = nullptr;
  for (auto* manager : managers()) {
    if (manager->directory_id() == directory) chosen = manager;
  }
  if (chosen && age == PartitionAge::kNew) return chosen->create(name, topic, config);
  for (const auto& folder : folders()) {
    if (!folder.offline) continue;
    if (folder.id == directory) {
      return fail(ErrorCode::kStorageError,
                  fmt::format("its data folder {} is offline: {}", folder.path, folder.offline->message()));
    }
    offline += fmt::format("{}{}", offline.empty() ? "" : ", ", folder.path);
  }
  if (chosen && offline.empty()) return chosen->create(name, topic, config);
  if (chosen) {
    return fail(ErrorCode::kStorageError, fmt::format("it is not in {}, where it was made, and may be in one that is "
                                                      "offline ({})",
                                                      chosen->directory(), offline));
  }
  return fail(ErrorCode::kStorageError,
              fmt::format("it lies in the data folder whose directory.id is {}, and none of log.dirs has that{}. Stop "
                          "the broker, mount or name that folder and start it again, or delete the topic",
                          directory.to_string(), offline.empty() ? "" : fmt::format(" (offline: {})", offline)));
}

Result<void> LogFolders::remove(const TopicPartition& name, const TopicId& topic) {
  bool found = false;
  for (auto* manager : managers()) {
    if (const auto here = manager->find(name, topic);
        !here && here.error().code() == ErrorCode::kUnknownTopicOrPartition) {
      continue;
    }
    found = true;
    MILLRACE_CHECK(manager->remove(name));
  }
  if (found) return {};
  return fail(ErrorCode::kUnknownTopicOrPartition,
              fmt::format("there is no partition {} in a data folder that is open", name.to_string()));
}

Result<Offset> LogFolders::delete_records(const TopicPartition& name, const TopicId& topic, Offset before) {
  for (auto* manager : managers()) {
    const auto here = manager->find(name, topic);
    if (here || here.error().code() != ErrorCode::kUnknownTopicOrPartition)
      return manager->delete_records(name, before);
  }
  return fail(ErrorCode::kUnknownTopicOrPartition, fmt::format("there is no partition {}", name.to_string()));
}

void LogFolders::tick() {
  for (auto* manager : managers()) manager->tick();
}

bool LogFolders::reopen() {
  std::vector<Folder*> offline;
  {
    const std::lock_guard lock{mutex_};
    if (closed_) return false;
    for (auto& folder : folders_) {
      if (!folder.manager) offline.push_back(&folder);
    }
  }
  bool any = false;
  for (auto* folder : offline) {
    auto opened = open_one(folder->path);
    if (!opened) {
      const std::lock_guard lock{mutex_};
      if (opened.error().message() == folder->reason.message()) continue;
      folder->reason = std::move(opened).error();
      logger_.error("the data folder {} is still offline: {}", folder->path, folder->reason.message());
      continue;
    }
    logger_.warn("the data folder {} is open again", folder->path);
    for (const auto& found : (*opened)->partitions()) {
      if (!found.log) logger_.error("{}", found.log.error().message());
      const auto known = find(found.name, found.topic_id);
      if (!known && known.error().code() == ErrorCode::kUnknownTopicOrPartition) continue;
      logger_.error(
          "{} lies in {} and in another data folder: the one that was in use stays so. Stop the broker, move "
          "one of them away and start it again",
          found.name.to_string(), folder->path);
      (*opened)->set_offline(found.name, {ErrorCode::kStorageError, "it lies in two data folders"});
    }
    const std::lock_guard lock{mutex_};
    if (closed_) return false;
    folder->id = (*opened)->directory_id();
    folder->manager = *std::move(opened);
    any = true;
  }
  return any;
}

Duration LogFolders::clean() {
  std::vector<Folder*> here;
  {
    const std::lock_guard lock{mutex_};
    for (auto& folder : folders_) {
      if (folder.manager) here.push_back(&folder);
    }
  }
  auto wait = Duration::max();
  for (auto* folder : here) {
    if (folder->next_cleaning <= clock_.now()) {
      const auto pause = folder->manager->clean();
      folder->next_cleaning = pause == Duration::max() ? TimePoint::max() : clock_.now() + pause;
    }
    if (folder->next_cleaning == TimePoint::max()) continue;
    wait = std::min(wait, std::max(Duration::zero(), folder->next_cleaning - clock_.now()));
  }
  return wait;
}

bool LogFolders::run_flush_round() {
  bool any = false;
  for (auto* manager : managers()) any = manager->run_flush_round() || any;
  return any;
}

DurationHistogram::Snapshot LogFolders::flush_times() const {
  DurationHistogram::Snapshot all;
  for (const auto* manager : managers()) {
    const auto times = manager->flush_times();
    for (std::size_t i = 0; i < all.counts.size(); ++i) all.counts[i] += times.counts[i];
    all.total += times.total;
  }
  return all;
}

Result<void> LogFolders::close() {
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
  }
  Result<void> result;
  const auto here = managers();
  for (auto manager = here.rbegin(); manager != here.rend(); ++manager) {
    auto closed = (*manager)->close();
    if (!closed && result) result = std::move(closed);
  }
  return result;
}

}  // namespace millrace
