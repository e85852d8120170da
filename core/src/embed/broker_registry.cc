#include "embed/broker_registry.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

namespace millrace {

BrokerRegistry& BrokerRegistry::instance() {
  // Never destroyed: a program may end while a handle of a static object is still alive.
  static auto* const kRegistry = new BrokerRegistry;
  return *kRegistry;
}

Result<BrokerRegistry::Identity> BrokerRegistry::identity_of(const std::string& directory) {
  PosixFileSystem files;
  MILLRACE_CHECK(files.make_directories(directory));
  struct ::stat found{};
  if (::stat(directory.c_str(), &found) != 0)
    return fail_errno(errno, fmt::format("cannot open the data folder {}", directory));
  return Identity{found.st_dev, found.st_ino};
}

Result<std::shared_ptr<BrokerHost>> BrokerRegistry::open(std::string_view directory, const Properties& config,
                                                         Logger* logger) {
  MILLRACE_TRY(identity, identity_of(std::string{directory}));
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] {
    const auto known = hosts_.find(identity);
    return known == hosts_.end() || !known->second.expired();
  });
  if (hosts_.contains(identity)) {
    return fail(ErrorCode::kInUse,
                fmt::format("cannot open the data folder {}: this process has a broker for it already", directory));
  }
  return open_locked(lock, identity, directory, config, logger);
}

Result<std::shared_ptr<BrokerHost>> BrokerRegistry::share(std::string_view directory, Logger* logger) {
  MILLRACE_TRY(identity, identity_of(std::string{directory}));
  std::unique_lock lock{mutex_};
  std::shared_ptr<BrokerHost> shared;
  changed_.wait(lock, [&] {
    const auto known = hosts_.find(identity);
    if (known == hosts_.end()) return true;
    shared = known->second.lock();
    return shared != nullptr;
  });
  if (shared) return shared;
  return open_locked(lock, identity, directory, {}, logger);
}

Result<std::shared_ptr<BrokerHost>> BrokerRegistry::open_locked(std::unique_lock<std::mutex>& lock,
                                                                const Identity& identity, std::string_view directory,
                                                                const Properties& config, Logger* logger) {
  // An empty entry: others wait, and other folders are not held up by a long recovery.
  hosts_.emplace(identity, std::weak_ptr<BrokerHost>{});
  lock.unlock();
  auto opened = BrokerHost::open(directory, config, logger);
  if (!opened) {
    gone(identity);
    return std::unexpected(std::move(opened).error());
  }
  // Told when the host is gone and the folder is free again.
  const std::shared_ptr<BrokerHost> host{opened->release(), [this, identity](BrokerHost* last) {
                                           delete last;
                                           gone(identity);
                                         }};
  lock.lock();
  hosts_.insert_or_assign(identity, host);
  changed_.notify_all();
  return host;
}

void BrokerRegistry::gone(const Identity& identity) {
  const std::lock_guard lock{mutex_};
  hosts_.erase(identity);
  changed_.notify_all();
}

}  // namespace millrace
