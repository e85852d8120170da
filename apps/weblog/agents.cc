#include "weblog/agents.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "base/assert.h"
#include "millrace/streams/hash.h"

namespace millrace::weblog {
namespace {

struct Rule {
  std::string_view pattern;
  std::string_view name;
};

#define BROWSER(pattern, name) {pattern, name},
#define SYSTEM(pattern, name)
constexpr Rule kBrowsers[] = {
#include "weblog/agents.inc"
};
#undef BROWSER
#undef SYSTEM
#define BROWSER(pattern, name)
#define SYSTEM(pattern, name) {pattern, name},
constexpr Rule kSystems[] = {
#include "weblog/agents.inc"
};
#undef BROWSER
#undef SYSTEM

constexpr std::string_view kNoAgent = "None";
constexpr std::string_view kUnknown = "Unknown";

/// The rules of one kind with each name once; a place in `names` is what `AgentClass` holds.
class RuleSet {
 public:
  explicit RuleSet(std::span<const Rule> rules) : rules_(rules), names_{kNoAgent, kUnknown} {
    for (const auto& rule : rules) {
      const auto known = std::ranges::find(names_, rule.name);
      name_of_rule_.push_back(static_cast<std::uint8_t>(known - names_.begin()));
      if (known == names_.end()) names_.push_back(rule.name);
    }
    MILLRACE_ASSERT(names_.size() <= 256);  // an AgentClass holds places in 8 bits
  }

  [[nodiscard]] std::uint8_t classify(std::string_view agent) const {
    if (agent.empty()) return 0;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      if (matches(rules_[i].pattern, agent)) return name_of_rule_[i];
    }
    return 1;
  }
  [[nodiscard]] std::string_view name(std::uint8_t place) const { return names_[place]; }

 private:
  static bool matches(std::string_view pattern, std::string_view agent) {
    if (pattern.starts_with('^')) return agent.starts_with(pattern.substr(1));
    while (true) {
      const auto star = pattern.find('*');
      const auto piece = pattern.substr(0, star);
      const auto found = agent.find(piece);
      if (found == std::string_view::npos) return false;
      if (star == std::string_view::npos) return true;
      agent.remove_prefix(found + piece.size());
      pattern.remove_prefix(star + 1);
    }
  }

  std::span<const Rule> rules_;
  std::vector<std::string_view> names_;
  std::vector<std::uint8_t> name_of_rule_;
};

const RuleSet& browsers() {
  static const RuleSet kSet{kBrowsers};
  return kSet;
}
const RuleSet& systems() {
  static const RuleSet kSet{kSystems};
  return kSet;
}

}  // namespace

AgentClass classify(std::string_view agent) { return {browsers().classify(agent), systems().classify(agent)}; }

std::string_view browser_name(AgentClass agent) { return browsers().name(agent.browser); }
std::string_view system_name(AgentClass agent) { return systems().name(agent.system); }

AgentCache::AgentCache() : slots_(std::make_unique<std::atomic<std::uint64_t>[]>(kSlots)) {}

AgentClass AgentCache::classify(std::string_view agent) const {
  const auto hash = streams::hash_text(agent);
  auto& slot = slots_[hash % kSlots];
  constexpr std::uint64_t kHashBits = ~std::uint64_t{0xffff};
  // A slot of zeros is empty: the hash's upper bits are made not to be zero.
  const auto mark = (hash & kHashBits) | (std::uint64_t{1} << 63);
  const auto seen = slot.load(std::memory_order_relaxed);
  if ((seen & kHashBits) == mark) {
    return {static_cast<std::uint8_t>(seen >> 8 & 0xff), static_cast<std::uint8_t>(seen & 0xff)};
  }
  const auto result = weblog::classify(agent);
  slot.store(mark | static_cast<std::uint64_t>(result.browser) << 8 | result.system, std::memory_order_relaxed);
  return result;
}

std::function<std::pair<std::string_view, std::string_view>(const Hit&)> agent_names() {
  return [cache = std::make_shared<const AgentCache>()](const Hit& hit) {
    const auto agent = cache->classify(hit.agent);
    return std::pair{browser_name(agent), system_name(agent)};
  };
}

}  // namespace millrace::weblog
