#include "log/file_cache.h"

#include <sys/resource.h>

#include <algorithm>

namespace millrace {

CachedFile::CachedFile(FileCache& cache, Path path, std::string suffix)
    : cache_(&cache), path_(std::move(path)), suffix_(std::move(suffix)) {}

CachedFile::~CachedFile() { release(); }

void CachedFile::release() const {
  std::shared_ptr<File> closed;
  const std::lock_guard lock{cache_->mutex_};
  if (!file_) return;
  cache_->recent_.erase(place_);
  closed = std::move(file_);
}

Path CachedFile::current_path() const {
  const std::lock_guard lock{cache_->mutex_};
  return Path{path_}.append(suffix_);
}

Result<void> CachedFile::move(std::string_view suffix) {
  // With the lock, so that who finds the old name gone finds the new suffix.
  const std::lock_guard lock{cache_->mutex_};
  MILLRACE_CHECK(cache_->files_->rename(Path{path_}.append(suffix_), Path{path_}.append(suffix)));
  suffix_ = suffix;
  return {};
}

Result<std::shared_ptr<File>> CachedFile::open(std::optional<OpenMode> mode) const {
  while (true) {
    // Declared before the locks, so that closing happens after them.
    std::shared_ptr<File> opened;
    std::shared_ptr<File> evicted;
    std::string suffix;
    {
      const std::lock_guard lock{cache_->mutex_};
      if (file_) {
        cache_->recent_.splice(cache_->recent_.begin(), cache_->recent_, place_);
        return file_;
      }
      suffix = suffix_;
    }
    auto result = cache_->files_->open(Path{path_}.append(suffix), mode.value_or(cache_->mode_));
    if (result) opened = *std::move(result);
    const std::lock_guard lock{cache_->mutex_};
    // Moved meanwhile: it may be another file that has this name now.
    if (suffix != suffix_) continue;
    if (!opened) return std::unexpected(std::move(result).error());
    if (!file_) {
      file_ = std::move(opened);
      cache_->recent_.push_front(this);
      place_ = cache_->recent_.begin();
      if (cache_->recent_.size() > cache_->capacity_) {
        const auto* oldest = cache_->recent_.back();
        cache_->recent_.pop_back();
        evicted = std::move(oldest->file_);
      }
    }
    return file_;
  }
}

FileCache::FileCache(FileSystem& files, std::size_t capacity, OpenMode mode)
    : files_(&files), capacity_(std::max<std::size_t>(capacity, 2)), mode_(mode) {}

std::size_t FileCache::capacity_from_process_limit() {
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  return static_cast<std::size_t>(std::clamp<rlim_t>(limit.rlim_cur / 2, 32, 16384));
}

std::size_t FileCache::open_count() const {
  const std::lock_guard lock{mutex_};
  return recent_.size();
}

}  // namespace millrace
