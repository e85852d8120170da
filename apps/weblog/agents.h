#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "weblog/hit.h"

namespace millrace::weblog {

/// What a user agent is, as places in `browser_names()` and `system_names()`.
struct AgentClass {
  std::uint8_t browser = 0;
  std::uint8_t system = 0;
  friend bool operator==(const AgentClass&, const AgentClass&) = default;
};

/// Browsers (crawlers, feed readers and tools among them) and operating systems by the rules of agents.inc: the first
/// rule of each kind whose pattern occurs in the agent string counts; without one it is "Unknown"; no agent at all is
/// "None".
///
/// A pattern is text that must occur, capital and small letters being different; `*` in it means "and later"; `^` at
/// its start means "at the start".
///
/// Pure: the same string gives the same class everywhere.
[[nodiscard]] AgentClass classify(std::string_view agent);

[[nodiscard]] std::string_view browser_name(AgentClass agent);
[[nodiscard]] std::string_view system_name(AgentClass agent);

/// `classify` for streams of hits, in which few agents make most requests: remembers the newest classes by the string's
/// 64-bit hash. A lookup that hits costs the hash, about 10 ns; one that misses, some microseconds.
///
/// Threading: any thread; lock-free. Two threads that miss at once both classify, to the same result.
class AgentCache {
 public:
  AgentCache();
  [[nodiscard]] AgentClass classify(std::string_view agent) const;

 private:
  static constexpr std::size_t kSlots = 1 << 14;
  /// Upper 48 bits: the hash's; then browser and system. The slot tells 14 bits more.
  std::unique_ptr<std::atomic<std::uint64_t>[]> slots_;
};

/// Browser and system of a hit, for grouping: a function that shares one `AgentCache`. The names outlive everything.
[[nodiscard]] std::function<std::pair<std::string_view, std::string_view>(const Hit&)> agent_names();

}  // namespace millrace::weblog
