#include "file/file_watcher.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <utility>

namespace millrace::connect {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

/// File systems that others can write to without our kernel seeing it. (statfs gives the magic numbers of statfs(2).)
bool is_shared_between_machines(const struct statfs& system) {
  constexpr std::uint32_t kNfs = 0x6969, kSmb = 0x517b, kSmb2 = 0xfe534d42, kCifs = 0xff534d42, kFuse = 0x65735546,
                          kPlan9 = 0x01021997, kCeph = 0x00c36400, kAfs = 0x5346414f;
  constexpr std::uint32_t kShared[] = {kNfs, kSmb, kSmb2, kCifs, kFuse, kPlan9, kCeph, kAfs};
  return std::ranges::find(kShared, static_cast<std::uint32_t>(system.f_type)) != std::end(kShared);
}

class SystemWatcher final : public FileWatcher {
 public:
  SystemWatcher(WatchMode mode, Duration poll_interval)
      : mode_(mode),
        poll_interval_(poll_interval),
        wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        inotify_(mode == WatchMode::kPoll ? -1 : ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
        is_polling_(inotify_.get() < 0),
        last_look_(std::chrono::steady_clock::now()) {}

  void watch_file(const FileId& id, int descriptor) override {
    struct statfs system{};
    if (mode_ == WatchMode::kAuto && ::fstatfs(descriptor, &system) == 0 && is_shared_between_machines(system)) {
      is_polling_ = true;
    }
    if (inotify_.get() < 0) return;
    // By way of the descriptor, so that it is this file that is watched, whatever its path leads to by now.
    const auto watch = ::inotify_add_watch(inotify_.get(), fmt::format("/proc/self/fd/{}", descriptor).c_str(),
                                           IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF);
    if (watch < 0) {
      is_polling_ = true;
      return;
    }
    files_[watch] = id;
  }

  void forget_file(const FileId& id) override {
    const auto found = std::ranges::find_if(files_, [&](const auto& entry) { return entry.second == id; });
    if (found == files_.end()) return;
    ::inotify_rm_watch(inotify_.get(), found->first);
    files_.erase(found);
  }

  void watch_folder(const std::string& folder) override {
    struct statfs system{};
    if (mode_ == WatchMode::kAuto && ::statfs(folder.c_str(), &system) == 0 && is_shared_between_machines(system)) {
      is_polling_ = true;
    }
    if (inotify_.get() < 0) return;
    // Adding a watch again changes nothing; a folder that was made anew gets a new one.
    const auto watch = ::inotify_add_watch(inotify_.get(), folder.c_str(),
                                           IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR);
    if (watch < 0) is_polling_ = true;
  }

  void watch_stream(int descriptor) override { streams_.push_back(descriptor); }
  void forget_stream(int descriptor) override { std::erase(streams_, descriptor); }

  FileChanges wait(Duration max_wait) override {
    using std::chrono::steady_clock;
    constexpr Duration kSafetyInterval = std::chrono::seconds{5};
    const auto next_look = last_look_ + (is_polling_ ? poll_interval_ : std::max(kSafetyInterval, poll_interval_));
    const auto until_look = std::max(next_look - steady_clock::now(), Duration::zero());
    const auto streams_ready = wait_for_descriptors(std::min(max_wait, until_look));

    FileChanges changes;
    if (steady_clock::now() >= next_look) {
      changes.everything = true;
      last_look_ = steady_clock::now();
    }
    changes.is_woken = take_wakeup();
    changes.streams = streams_ready;
    if (inotify_.get() >= 0) read_events(changes);
    return changes;
  }

  void wakeup() override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wakeup_.get(), &one, sizeof one);
  }

 private:
  /// Gives whether a stream is ready.
  [[nodiscard]] bool wait_for_descriptors(Duration max_wait) const {
    std::vector<pollfd> polled = {{wakeup_.get(), POLLIN, 0}, {inotify_.get(), POLLIN, 0}};
    for (const auto stream : streams_) polled.push_back({stream, POLLIN, 0});
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(max_wait).count();
    // A signal ends the wait early: the caller comes again.
    if (::poll(polled.data(), polled.size(), static_cast<int>(std::clamp<std::int64_t>(wait, 0, 3'600'000))) <= 0)
      return false;
    return std::any_of(polled.begin() + 2, polled.end(), [](const pollfd& entry) { return entry.revents != 0; });
  }

  [[nodiscard]] bool take_wakeup() const {
    std::uint64_t count = 0;
    return ::read(wakeup_.get(), &count, sizeof count) == sizeof count;
  }

  void read_events(FileChanges& changes) {
    alignas(inotify_event) std::array<char, 16384> buffer;
    while (true) {
      const auto bytes = ::read(inotify_.get(), buffer.data(), buffer.size());
      if (bytes <= 0) break;
      for (std::size_t at = 0; at < static_cast<std::size_t>(bytes);) {
        inotify_event event;
        std::memcpy(&event, buffer.data() + at, sizeof event);
        at += sizeof event + event.len;
        note(event, changes);
      }
    }
    std::ranges::sort(changes.files);
    const auto repeated = std::ranges::unique(changes.files);
    changes.files.erase(repeated.begin(), repeated.end());
  }

  void note(const inotify_event& event, FileChanges& changes) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) changes.everything = true;
    const auto file = files_.find(event.wd);
    if (file == files_.end()) {
      // A folder's, or the farewell of a file that was forgotten.
      if ((event.mask & IN_IGNORED) == 0) changes.folders = true;
      return;
    }
    changes.files.push_back(file->second);
    if ((event.mask & (IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB)) != 0) changes.folders = true;
    if ((event.mask & IN_IGNORED) != 0) files_.erase(file);
  }

  const WatchMode mode_;
  const Duration poll_interval_;
  Descriptor wakeup_;
  Descriptor inotify_;
  bool is_polling_;
  TimePoint last_look_;
  std::map<int, FileId> files_;
  std::vector<int> streams_;
};

}  // namespace

std::unique_ptr<FileWatcher> make_file_watcher(WatchMode mode, Duration poll_interval) {
  return std::make_unique<SystemWatcher>(mode, poll_interval);
}

}  // namespace millrace::connect
