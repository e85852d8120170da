#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "embed/broker_host.h"

namespace millrace {

/// The brokers of this process by the identity of their data folder, whatever path leads to it: the one documented
/// exception to "no globals". It keeps none alive.
///
/// Threading: any thread. A folder whose last broker is just closing is waited for.
class BrokerRegistry {
 public:
  static BrokerRegistry& instance();

  /// A new broker. Errors: those of `BrokerHost::open`; `kInUse` if this process has one already.
  Result<std::shared_ptr<BrokerHost>> open(std::string_view directory, const Properties& config, Logger* logger);
  /// The folder's broker if there is one in this process, else a new one with default settings, which has `logger`.
  Result<std::shared_ptr<BrokerHost>> share(std::string_view directory, Logger* logger);

 private:
  /// Device and inode.
  using Identity = std::pair<std::uint64_t, std::uint64_t>;
  static Result<Identity> identity_of(const std::string& directory);
  Result<std::shared_ptr<BrokerHost>> open_locked(std::unique_lock<std::mutex>& lock, const Identity& identity,
                                                  std::string_view directory, const Properties& config, Logger* logger);
  void gone(const Identity& identity);

  std::mutex mutex_;
  std::condition_variable changed_;
  /// An entry whose host is expired belongs to one that is closing, or opening.
  std::map<Identity, std::weak_ptr<BrokerHost>> hosts_;
};

}  // namespace millrace
