#include "log/file_cache.h"

#include <sys/resource.h>

#include <algorithm>

namespace millrace {

CachedFile::CachedFile(FileCache& cache, Path path) : cache_(&cache), path_(std::move(path)) {}

CachedFile::~CachedFile() { release(); }

void CachedFile::release() const {
  std::shared_ptr<File> closed;
  const std::lock_guard lock{cache_->mutex_};
  if (!file_) return;
  cache_->recent_.erase(place_);
  closed = std::move(file_);
}

Result<std::shared_ptr<File>> CachedFile::open(std::optional<OpenMode> mode) const {
  {
    const std::lock_guard lock{cache_->mutex_};
    if (file_) {
      cache_->recent_.splice(cache_->recent_.begin(), cache_->recent_, place_);
      return file_;
    }
  }
  MILLRACE_TRY(opened, cache_->files_->open(path_, mode.value_or(cache_->mode_)));
  // Declared before the lock, so that closing happens after it.
  std::shared_ptr<File> evicted;
  const std::lock_guard lock{cache_->mutex_};
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
