#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include "client/group/assignor.h"

namespace millrace {
namespace {

/// A division that is made even by single moves. Members are known by their place in the order of precedence.
///
///     what members own and may keep -> what is left over goes to who has least -> moves until nobody has two more
///     than somebody it could give to, also by way of others
class Balance {
 public:
  Balance(const PartitionCounts& counts, std::span<const AssignorMember> members)
      : counts_(counts), members_(in_order(members)), held_(members_.size()) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      for (const auto& topic : members_[i]->topics) {
        if (counts_.contains(topic)) takers_[topic].insert(i);
      }
    }
  }

  GroupAssignment solve() {
    keep_what_is_owned();
    give_what_is_left();
    while (move_one()) {
    }
    GroupAssignment assignment;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      auto& partitions = assignment[members_[i]->id];
      for (const auto& [topic, indexes] : held_[i].by_topic) {
        for (const auto index : indexes) partitions.push_back({topic, index});
      }
    }
    return assignment;
  }

 private:
  struct Held {
    std::map<std::string, std::set<PartitionIndex>> by_topic;
    std::size_t count = 0;
  };

  void give(std::size_t member, const TopicPartition& partition) {
    held_[member].by_topic[partition.topic].insert(partition.partition);
    ++held_[member].count;
  }
  void take(std::size_t member, const TopicPartition& partition) {
    held_[member].by_topic[partition.topic].erase(partition.partition);
    --held_[member].count;
  }

  /// Two members claim a partition when one of them missed a rebalance: the later generation is right; of the same one
  /// neither can be believed.
  void keep_what_is_owned() {
    struct Claim {
      std::size_t member;
      std::int32_t generation;
      bool disputed;
    };
    std::map<TopicPartition, Claim> claims;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      for (const auto& partition : members_[i]->owned) {
        const auto count = counts_.find(partition.topic);
        const auto exists = count != counts_.end() && partition.partition.value() < count->second;
        if (!exists || !takers_[partition.topic].contains(i)) continue;
        const Claim mine{i, members_[i]->generation, false};
        const auto [other, is_first] = claims.emplace(partition, mine);
        if (is_first) continue;
        if (other->second.generation < mine.generation) {
          other->second = mine;
        } else if (other->second.generation == mine.generation) {
          other->second.disputed = true;
        }
      }
    }
    for (const auto& [partition, claim] : claims) {
      if (claim.disputed) continue;
      give(claim.member, partition);
      kept_.insert(partition);
    }
  }

  /// Those that few can take first, so that others are left for the rest.
  void give_what_is_left() {
    std::vector<const std::string*> topics;
    for (const auto& [topic, takers] : takers_) topics.push_back(&topic);
    std::ranges::stable_sort(topics, {}, [&](const auto* topic) { return takers_[*topic].size(); });
    for (const auto* topic : topics) {
      const auto& takers = takers_[*topic];
      if (takers.empty()) continue;
      for (PartitionIndex index{0}; index.value() < counts_.at(*topic); ++index) {
        const TopicPartition partition{*topic, index};
        if (kept_.contains(partition)) continue;
        give(*std::ranges::min_element(takers, {}, [&](std::size_t member) { return held_[member].count; }), partition);
      }
    }
  }

  /// From who has most to who has least, over as few hands as possible; false when nothing can be made more even.
  bool move_one() {
    std::vector<std::size_t> rich(members_.size());
    for (std::size_t i = 0; i < rich.size(); ++i) rich[i] = i;
    std::ranges::stable_sort(rich, std::greater{}, [&](std::size_t member) { return held_[member].count; });
    for (const auto from : rich) {
      if (!rich.empty() && held_[from].count < held_[rich.back()].count + 2) return false;
      if (move_from(from)) return true;
    }
    return false;
  }

  struct Step {
    std::size_t from;
    std::string topic;
  };

  bool move_from(std::size_t from) {
    std::unordered_map<std::size_t, Step> reached;
    std::deque<std::size_t> front{from};
    while (!front.empty()) {
      const auto at = front.front();
      front.pop_front();
      for (const auto& [topic, indexes] : held_[at].by_topic) {
        if (indexes.empty()) continue;
        for (const auto to : poorest_first(takers_[topic])) {
          if (to == from || reached.contains(to)) continue;
          reached.emplace(to, Step{at, topic});
          if (held_[to].count + 2 <= held_[from].count) {
            walk_back(from, to, reached);
            return true;
          }
          front.push_back(to);
        }
      }
    }
    return false;
  }

  [[nodiscard]] std::vector<std::size_t> poorest_first(const std::set<std::size_t>& takers) const {
    std::vector<std::size_t> ordered{takers.begin(), takers.end()};
    std::ranges::stable_sort(ordered, {}, [&](std::size_t member) { return held_[member].count; });
    return ordered;
  }

  void walk_back(std::size_t from, std::size_t to, const std::unordered_map<std::size_t, Step>& reached) {
    for (auto at = to; at != from;) {
      const auto& step = reached.at(at);
      // The last one: what a member got just now goes on before what it has owned.
      const TopicPartition partition{step.topic, *held_[step.from].by_topic.at(step.topic).rbegin()};
      take(step.from, partition);
      give(at, partition);
      at = step.from;
    }
  }

  const PartitionCounts& counts_;
  const std::vector<const AssignorMember*> members_;
  std::vector<Held> held_;
  std::map<std::string, std::set<std::size_t>> takers_;
  std::set<TopicPartition> kept_;
};

}  // namespace

GroupAssignment assign_sticky(const PartitionCounts& counts, std::span<const AssignorMember> members) {
  return Balance{counts, members}.solve();
}

GroupAssignment assign_cooperative(const PartitionCounts& counts, std::span<const AssignorMember> members) {
  auto assignment = assign_sticky(counts, members);
  std::map<TopicPartition, std::set<std::string>> owners;
  for (const auto& member : members) {
    for (const auto& partition : member.owned) owners[partition].insert(member.id);
  }
  for (auto& [id, partitions] : assignment) {
    std::erase_if(partitions, [&](const auto& partition) {
      const auto found = owners.find(partition);
      if (found == owners.end()) return false;
      // Somebody else may still read it.
      return found->second.size() > 1 || !found->second.contains(id);
    });
  }
  return assignment;
}

}  // namespace millrace
