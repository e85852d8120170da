#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "file/file_identity.h"
#include "millrace/types.h"

namespace millrace::connect {

/// What may have changed since the last `wait`. Never too little; sometimes more than did.
struct FileChanges {
  bool everything = false;  ///< look at every file and folder
  bool folders = false;     ///< a name appeared, went or changed
  bool streams = false;     ///< a stream has bytes, or ended
  std::vector<FileId> files;
  bool is_woken = false;  ///< by `wakeup`
};

/// Waits for files to change. A seam: tests say themselves what changed, and nothing sleeps.
///
/// Threading: one thread, but `wakeup` from any.
class FileWatcher {
 public:
  virtual ~FileWatcher() = default;

  virtual void watch_file(const FileId& id, int descriptor) = 0;
  virtual void forget_file(const FileId& id) = 0;
  /// Idempotent.
  virtual void watch_folder(const std::string& folder) = 0;
  virtual void watch_stream(int descriptor) = 0;
  virtual void forget_stream(int descriptor) = 0;

  /// Returns when something changed, after `max_wait`, or when woken.
  [[nodiscard]] virtual FileChanges wait(Duration max_wait) = 0;
  virtual void wakeup() = 0;
};

enum class WatchMode : std::uint8_t {
  kAuto,     ///< inotify where it works (not on network file systems, not beyond the user's limit), else polling
  kInotify,  ///< likewise, but trusted on every file system
  kPoll,     ///< look at everything every `poll_interval`
};

/// The system's watcher. Where inotify can't watch something, everything is looked at every `poll_interval`; besides,
/// and because no kernel promises every event, everything is looked at now and then.
[[nodiscard]] std::unique_ptr<FileWatcher> make_file_watcher(WatchMode mode, Duration poll_interval);

}  // namespace millrace::connect
