#include "base/simulated_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>

namespace millrace {
namespace {

constexpr std::size_t kSector = 512;

std::unexpected<Error> no_power(const Path& path) {
  return fail(ErrorCode::kIo, "cannot reach " + path + ": the power is off");
}

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.push_back(part);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  return parts;
}

/// A write, or a cut to `position` when there are no bytes.
struct PendingChange {
  std::uint64_t position;
  std::vector<std::byte> bytes;
};

void put(std::vector<std::byte>& content, std::uint64_t position, Bytes bytes) {
  if (bytes.empty()) return;
  if (content.size() < position + bytes.size()) content.resize(position + bytes.size());
  std::memcpy(content.data() + position, bytes.data(), bytes.size());
}

void make(std::vector<std::byte>& content, const PendingChange& change) {
  if (change.bytes.empty()) {
    content.resize(change.position);
  } else {
    put(content, change.position, change.bytes);
  }
}

/// Of a write, each sector reaches the disk or does not.
void make_some_sectors(std::vector<std::byte>& content, const PendingChange& change, Random& random) {
  const Bytes bytes{change.bytes};
  for (std::size_t at = 0; at < bytes.size();) {
    const auto room = kSector - (change.position + at) % kSector;
    const auto part = bytes.subspan(at, std::min<std::size_t>(room, bytes.size() - at));
    if (random.one_in(2)) put(content, change.position + at, part);
    at += part.size();
  }
}

}  // namespace

struct SimulatedFileSystem::Inode {
  std::vector<std::byte> content;
  std::vector<std::byte> durable;
  std::vector<PendingChange> pending;
};

struct SimulatedFileSystem::Entry {
  std::shared_ptr<Inode> file;
  std::shared_ptr<Folder> folder;
};

/// Happens as a whole or not at all.
struct SimulatedFileSystem::NameChange {
  std::map<std::string, std::optional<Entry>> names;
};

struct SimulatedFileSystem::Folder {
  std::map<std::string, Entry, std::less<>> entries;
  std::map<std::string, Entry, std::less<>> durable;
  std::vector<NameChange> pending;

  static void make(std::map<std::string, Entry, std::less<>>& entries, const NameChange& change) {
    for (const auto& [name, entry] : change.names) {
      if (entry) {
        entries[name] = *entry;
      } else {
        entries.erase(name);
      }
    }
  }
};

class SimulatedFileSystem::OpenFile final : public File {
 public:
  OpenFile(SimulatedFileSystem& disk, std::shared_ptr<Inode> inode, Path path, bool writable)
      : disk_(&disk), inode_(std::move(inode)), path_(std::move(path)), life_(disk.life_), writable_(writable) {}

  Result<std::size_t> read(std::uint64_t position, MutableBytes into) const override {
    const std::lock_guard lock{disk_->mutex_};
    MILLRACE_CHECK(alive());
    MILLRACE_CHECK(disk_->check(FileOperation::kRead, path_));
    const auto& content = inode_->content;
    if (position >= content.size()) return 0;
    const auto size = std::min<std::size_t>(into.size(), content.size() - position);
    if (size > 0) std::memcpy(into.data(), content.data() + position, size);
    return size;
  }

  Result<void> write(std::uint64_t position, Bytes bytes) override {
    const std::lock_guard lock{disk_->mutex_};
    MILLRACE_CHECK(alive());
    if (!writable_) return fail_errno(EBADF, "cannot write to " + path_);
    if (auto checked = disk_->check(FileOperation::kWrite, path_); !checked) {
      // Nobody may count on a failed write having left the file alone.
      store(position, bytes.first(disk_->random_.below(bytes.size() + 1)));
      return checked;
    }
    const auto growth = std::max(inode_->content.size(), position + bytes.size()) - inode_->content.size();
    if (disk_->capacity_ != UINT64_MAX && disk_->used_bytes() + growth > disk_->capacity_) {
      const auto room = disk_->capacity_ - std::min(disk_->capacity_, disk_->used_bytes());
      const auto fits = std::min<std::uint64_t>(bytes.size(), bytes.size() - growth + room);
      store(position, bytes.first(fits));
      return fail_errno(ENOSPC, "cannot write to " + path_);
    }
    store(position, bytes);
    if (disk_->power_fails_now()) return no_power(path_);
    return {};
  }

  Result<void> sync() override {
    std::unique_lock lock{disk_->mutex_};
    MILLRACE_CHECK(alive());
    if (auto checked = disk_->check(FileOperation::kSync, path_); !checked) {
      for (const auto& change : inode_->pending) {
        if (disk_->random_.one_in(2)) make(inode_->durable, change);
      }
      inode_->pending.clear();
      return checked;
    }
    if (disk_->power_fails_now()) return no_power(path_);
    for (const auto& change : inode_->pending) make(inode_->durable, change);
    inode_->pending.clear();
    const auto hook = disk_->on_sync_;
    lock.unlock();
    if (hook) hook();
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    const std::lock_guard lock{disk_->mutex_};
    MILLRACE_CHECK(alive());
    MILLRACE_CHECK(disk_->check(FileOperation::kTruncate, path_));
    inode_->content.resize(size);
    inode_->pending.push_back({size, {}});
    if (disk_->power_fails_now()) return no_power(path_);
    return {};
  }

  Result<std::uint64_t> size() const override {
    const std::lock_guard lock{disk_->mutex_};
    MILLRACE_CHECK(alive());
    return inode_->content.size();
  }

  const Path& path() const override { return path_; }

 private:
  Result<void> alive() const {
    if (disk_->powered_ && disk_->life_ == life_) return {};
    return no_power(path_);
  }
  void store(std::uint64_t position, Bytes bytes) {
    if (bytes.empty()) return;
    put(inode_->content, position, bytes);
    inode_->pending.push_back({position, {bytes.begin(), bytes.end()}});
  }

  SimulatedFileSystem* disk_;
  std::shared_ptr<Inode> inode_;
  Path path_;
  std::uint64_t life_;
  bool writable_;
};

class SimulatedFileSystem::Lock final : public FileLock {
 public:
  Lock(SimulatedFileSystem& disk, Path path) : disk_(&disk), path_(std::move(path)), life_(disk.life_) {}
  ~Lock() override {
    const std::lock_guard lock{disk_->mutex_};
    if (disk_->life_ == life_) disk_->locks_.erase(path_);
  }

 private:
  SimulatedFileSystem* disk_;
  Path path_;
  std::uint64_t life_;
};

SimulatedFileSystem::SimulatedFileSystem(std::uint64_t seed) : random_(seed), root_(std::make_shared<Folder>()) {}
SimulatedFileSystem::~SimulatedFileSystem() = default;

Result<void> SimulatedFileSystem::check(FileOperation operation, const Path& path) {
  if (!powered_) return no_power(path);
  for (auto& fault : faults_) {
    if (fault.operation != operation || fault.times == 0 || !path.contains(fault.path_contains)) continue;
    if (fault.skip > 0) {
      --fault.skip;
      continue;
    }
    --fault.times;
    return fail_errno(fault.error_number, "an injected fault at " + path);
  }
  return {};
}

bool SimulatedFileSystem::power_fails_now() {
  if (++changes_ < power_fails_at_) return false;
  powered_ = false;
  return true;
}

Result<SimulatedFileSystem::Entry> SimulatedFileSystem::find(const Path& path) {
  Entry entry{nullptr, root_};
  for (const auto part : parts_of(path)) {
    if (!entry.folder) return fail_errno(ENOTDIR, "cannot reach " + path);
    const auto found = entry.folder->entries.find(part);
    if (found == entry.folder->entries.end()) return fail_errno(ENOENT, "cannot find " + path);
    // A copy first: the entry lies in the folder that is let go of.
    auto below = found->second;
    entry = std::move(below);
  }
  return entry;
}

Result<SimulatedFileSystem::Folder*> SimulatedFileSystem::find_folder(const Path& path) {
  MILLRACE_TRY(entry, find(path));
  if (!entry.folder) return fail_errno(ENOTDIR, "cannot reach " + path);
  return entry.folder.get();
}

Result<void> SimulatedFileSystem::change_names(Folder& folder, NameChange change) {
  Folder::make(folder.entries, change);
  folder.pending.push_back(std::move(change));
  if (power_fails_now()) return fail(ErrorCode::kIo, "the power is off");
  return {};
}

Result<std::unique_ptr<File>> SimulatedFileSystem::open(const Path& path, OpenMode mode) {
  const std::lock_guard lock{mutex_};
  MILLRACE_CHECK(check(FileOperation::kOpen, path));
  const bool makes = mode == OpenMode::kCreate || mode == OpenMode::kCreateNew;
  auto entry = find(path);
  if (entry && mode == OpenMode::kCreateNew) return fail_errno(EEXIST, "cannot make " + path);
  if (!entry && makes && entry.error().code() == ErrorCode::kNotFound) {
    MILLRACE_TRY(folder, find_folder(Path{folder_of(path)}));
    entry = Entry{std::make_shared<Inode>(), nullptr};
    MILLRACE_CHECK(change_names(*folder, {{{std::string{file_name(path)}, *entry}}}));
  }
  if (!entry) return std::unexpected(entry.error());
  if (!entry->file) return fail_errno(EISDIR, "cannot open " + path);
  return std::make_unique<OpenFile>(*this, entry->file, path, mode != OpenMode::kRead);
}

Result<void> SimulatedFileSystem::rename(const Path& from, const Path& to) {
  const std::lock_guard lock{mutex_};
  MILLRACE_CHECK(check(FileOperation::kRename, from));
  MILLRACE_TRY(entry, find(from));
  MILLRACE_TRY(source, find_folder(Path{folder_of(from)}));
  MILLRACE_TRY(target, find_folder(Path{folder_of(to)}));
  if (source == target) {
    return change_names(*source, {{{std::string{file_name(from)}, std::nullopt}, {std::string{file_name(to)}, entry}}});
  }
  MILLRACE_CHECK(change_names(*target, {{{std::string{file_name(to)}, entry}}}));
  return change_names(*source, {{{std::string{file_name(from)}, std::nullopt}}});
}

Result<void> SimulatedFileSystem::remove(const Path& path) {
  const std::lock_guard lock{mutex_};
  MILLRACE_CHECK(check(FileOperation::kRemove, path));
  MILLRACE_TRY(entry, find(path));
  if (entry.folder && !entry.folder->entries.empty()) return fail_errno(ENOTEMPTY, "cannot remove " + path);
  MILLRACE_TRY(folder, find_folder(Path{folder_of(path)}));
  return change_names(*folder, {{{std::string{file_name(path)}, std::nullopt}}});
}

Result<std::vector<DirectoryEntry>> SimulatedFileSystem::list(const Path& directory) {
  const std::lock_guard lock{mutex_};
  if (!powered_) return no_power(directory);
  MILLRACE_TRY(folder, find_folder(directory));
  std::vector<DirectoryEntry> entries;
  entries.reserve(folder->entries.size());
  for (const auto& [name, entry] : folder->entries) entries.push_back({name, entry.folder != nullptr});
  return entries;
}

Result<void> SimulatedFileSystem::make_directories(const Path& directory) {
  const std::lock_guard lock{mutex_};
  if (!powered_) return no_power(directory);
  auto folder = root_;
  for (const auto part : parts_of(directory)) {
    auto& entry = folder->entries[std::string{part}];
    if (entry.file) return fail_errno(ENOTDIR, "cannot make the folder " + directory);
    if (!entry.folder) {
      entry.folder = std::make_shared<Folder>();
      // It syncs the folder above, and with it what was changed there before.
      for (const auto& change : folder->pending) Folder::make(folder->durable, change);
      folder->pending.clear();
      folder->durable[std::string{part}] = entry;
      if (power_fails_now()) return no_power(directory);
    }
    auto below = entry.folder;
    folder = std::move(below);
  }
  return {};
}

Result<void> SimulatedFileSystem::sync_directory(const Path& directory) {
  const std::lock_guard lock{mutex_};
  MILLRACE_CHECK(check(FileOperation::kSyncDirectory, directory));
  MILLRACE_TRY(folder, find_folder(directory));
  if (power_fails_now()) return no_power(directory);
  for (const auto& change : folder->pending) Folder::make(folder->durable, change);
  folder->pending.clear();
  return {};
}

Result<FileInfo> SimulatedFileSystem::info(const Path& path) {
  const std::lock_guard lock{mutex_};
  if (!powered_) return no_power(path);
  MILLRACE_TRY(entry, find(path));
  return FileInfo{.size = entry.file ? entry.file->content.size() : 0,
                  .is_directory = entry.folder != nullptr,
                  .modified = kNoTimestamp};
}

Result<FileSpace> SimulatedFileSystem::space(const Path& path) {
  const std::lock_guard lock{mutex_};
  if (!powered_) return no_power(path);
  return FileSpace{.total = capacity_, .usable = capacity_ - std::min(capacity_, used_bytes())};
}

Result<std::unique_ptr<FileLock>> SimulatedFileSystem::lock(const Path& path) {
  MILLRACE_TRY(file, open(path, OpenMode::kCreate));
  const std::lock_guard guard{mutex_};
  if (!locks_.insert(path).second)
    return fail(ErrorCode::kInUse, path + " is locked by another process or another part of this one");
  return std::make_unique<Lock>(*this, path);
}

void SimulatedFileSystem::fail_power() {
  const std::lock_guard lock{mutex_};
  powered_ = false;
}

void SimulatedFileSystem::fail_power_after(std::uint64_t changes) {
  const std::lock_guard lock{mutex_};
  power_fails_at_ = changes_ + changes;
}

bool SimulatedFileSystem::power_is_on() const {
  const std::lock_guard lock{mutex_};
  return powered_;
}

void SimulatedFileSystem::settle(Inode& inode) {
  enum class Fate : std::uint8_t { kNothing, kAll, kFirstFew, kAnySectors };
  const auto fate = static_cast<Fate>(random_.below(4));
  const auto few = random_.below(inode.pending.size() + 1);
  for (std::size_t i = 0; i < inode.pending.size(); ++i) {
    const auto& change = inode.pending[i];
    const bool whole = fate == Fate::kAll || (fate == Fate::kFirstFew && i < few);
    const bool part = fate == Fate::kAnySectors || (fate == Fate::kFirstFew && i == few);
    if (whole || (part && change.bytes.empty() && random_.one_in(2))) {
      make(inode.durable, change);
    } else if (part) {
      make_some_sectors(inode.durable, change, random_);
    }
  }
  inode.pending.clear();
  inode.content = inode.durable;
}

void SimulatedFileSystem::settle(Folder& folder) {
  const auto kept = random_.below(folder.pending.size() + 1);
  for (std::size_t i = 0; i < kept; ++i) Folder::make(folder.durable, folder.pending[i]);
  folder.pending.clear();
  folder.entries = folder.durable;
  for (auto& [name, entry] : folder.entries) {
    if (entry.file) settle(*entry.file);
    if (entry.folder) settle(*entry.folder);
  }
}

void SimulatedFileSystem::end_lives() {
  ++life_;
  locks_.clear();
  faults_.clear();
  powered_ = true;
  power_fails_at_ = UINT64_MAX;
}

void SimulatedFileSystem::restore_power() {
  const std::lock_guard lock{mutex_};
  settle(*root_);
  end_lives();
}

void SimulatedFileSystem::restart_process() {
  const std::lock_guard lock{mutex_};
  end_lives();
}

void SimulatedFileSystem::inject(FileFault fault) {
  const std::lock_guard lock{mutex_};
  faults_.push_back(std::move(fault));
}

void SimulatedFileSystem::clear_faults() {
  const std::lock_guard lock{mutex_};
  faults_.clear();
}

void SimulatedFileSystem::on_sync(std::function<void()> hook) {
  const std::lock_guard lock{mutex_};
  on_sync_ = std::move(hook);
}

void SimulatedFileSystem::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock{mutex_};
  capacity_ = bytes;
}

std::uint64_t SimulatedFileSystem::changes() const {
  const std::lock_guard lock{mutex_};
  return changes_;
}

std::uint64_t SimulatedFileSystem::used_bytes() const {
  std::uint64_t total = 0;
  std::vector<const Folder*> open{root_.get()};
  while (!open.empty()) {
    const auto* folder = open.back();
    open.pop_back();
    for (const auto& [name, entry] : folder->entries) {
      if (entry.file) total += entry.file->content.size();
      if (entry.folder) open.push_back(entry.folder.get());
    }
  }
  return total;
}

}  // namespace millrace
