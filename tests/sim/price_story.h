#pragma once

#include <array>
#include <map>
#include <set>

#include "sim/story.h"
#include "sim/watcher.h"

namespace millrace::test {

/// A compacted topic that keeps the newest price of each key, and now and then that there is none.
///
/// A key never goes back behind a version that a client was told of or could read; it is forgotten only after a
/// tombstone.
class PriceStory final : public Story {
 public:
  explicit PriceStory(Machine& machine) : machine_(machine) {}

  void prepare() override;
  void use() override;
  void check() override;

 private:
  static constexpr std::size_t kKeys = 6;
  struct Key {
    std::int64_t told = -1;
    std::set<std::int64_t> tombstones;
  };

  void set_price();
  /// The newest version of each key, as a reader sees it.
  [[nodiscard]] Result<std::map<std::size_t, std::int64_t>> read();

  Machine& machine_;
  std::array<Key, kKeys> keys_;
  std::int64_t next_version_ = 0;
};

}  // namespace millrace::test
