#include "coordinator/target_assignment.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace millrace {
namespace {

struct NamedAssignor {
  ServerAssignor assignor;
  std::string_view name;
};
constexpr NamedAssignor kAssignors[] = {{ServerAssignor::kUniform, "uniform"}, {ServerAssignor::kRange, "range"}};

/// A member while partitions are dealt out.
struct Hand {
  const TargetMember* member;
  TopicPartitions partitions = {};
  std::size_t size = 0;

  void take(const TopicId& topic, PartitionIndex partition) {
    partitions[topic].insert(partition);
    ++size;
  }
  void give_back(const TopicId& topic, PartitionIndex partition) {
    const auto held = partitions.find(topic);
    held->second.erase(partition);
    if (held->second.empty()) partitions.erase(held);
    --size;
  }
};

bool all_read_the_same(const std::vector<TargetMember>& members) {
  const auto& first = members.front().topics;
  return std::ranges::all_of(members,
                             [&](const auto& member) { return member.topics == first || *member.topics == *first; });
}

std::size_t partitions_in(const TopicPartitions& partitions) {
  std::size_t size = 0;
  for (const auto& [topic, some] : partitions) size += some.size();
  return size;
}

/// Partitions by number, each with the place of who has it; what nobody has is left to be dealt out.
using Owners = std::map<std::pair<TopicId, PartitionIndex>, std::optional<std::size_t>>;

Owners unowned(const std::vector<TargetMember>& members, const TopicPartitionCounts& counts) {
  Owners owners;
  std::set<TopicId> read;
  const std::set<TopicId>* before = nullptr;
  for (const auto& member : members) {
    if (std::exchange(before, member.topics.get()) == member.topics.get()) continue;
    read.insert(member.topics->begin(), member.topics->end());
  }
  for (const auto& topic : read) {
    for (std::int32_t i = 0; i < counts.at(topic); ++i) owners.try_emplace({topic, PartitionIndex{i}});
  }
  return owners;
}

/// Everybody keeps what it has, up to `quota(place)` partitions.
void keep_held(std::vector<Hand>& hands, Owners& owners, const auto& quota) {
  for (std::size_t place = 0; place < hands.size(); ++place) {
    auto& hand = hands[place];
    const auto most = quota(place);
    for (const auto& [topic, partitions] : hand.member->target) {
      if (!hand.member->topics->contains(topic)) continue;
      for (const auto partition : partitions) {
        const auto owner = owners.find({topic, partition});
        if (owner == owners.end() || owner->second || hand.size >= most) continue;
        owner->second = place;
        hand.take(topic, partition);
      }
    }
  }
}

/// All read the same: everybody has the same number of partitions, and some have one more.
void deal_evenly(std::vector<Hand>& hands, Owners& owners) {
  const auto least = owners.size() / hands.size();
  const auto with_one_more = owners.size() % hands.size();
  // Who has most keeps most: the fewest partitions move.
  std::ranges::stable_sort(hands, std::ranges::greater{},
                           [](const auto& hand) { return partitions_in(hand.member->target); });
  const auto quota = [&](std::size_t place) { return least + (place < with_one_more ? 1 : 0); };
  keep_held(hands, owners, quota);
  std::size_t place = 0;
  for (auto& [partition, owner] : owners) {
    if (owner) continue;
    while (hands[place].size >= quota(place)) ++place;
    hands[place].take(partition.first, partition.second);
  }
}

/// Members read different topics: what nobody has goes to who has least, rarest choices first; then whatever makes two
/// members more equal is moved.
void deal_by_choice(std::vector<Hand>& hands, Owners& owners) {
  std::map<TopicId, std::vector<std::size_t>> readers;
  for (std::size_t place = 0; place < hands.size(); ++place) {
    for (const auto& topic : *hands[place].member->topics) readers[topic].push_back(place);
  }
  keep_held(hands, owners, [&](std::size_t) { return owners.size(); });
  const auto poorest = [&](const TopicId& topic) {
    return std::ranges::min(readers.at(topic), {},
                            [&](std::size_t place) { return std::pair{hands[place].size, place}; });
  };
  std::vector<Owners::iterator> free;
  for (auto at = owners.begin(); at != owners.end(); ++at) {
    if (!at->second) free.push_back(at);
  }
  std::ranges::stable_sort(free, {}, [&](const auto& at) { return readers.at(at->first.first).size(); });
  for (const auto& at : free) {
    at->second = poorest(at->first.first);
    hands[*at->second].take(at->first.first, at->first.second);
  }
  // Each move lowers the sum of the squares, so it ends.
  for (bool moved = true; moved;) {
    moved = false;
    for (auto& [partition, owner] : owners) {
      const auto to = poorest(partition.first);
      if (hands[to].size + 1 >= hands[*owner].size) continue;
      hands[*owner].give_back(partition.first, partition.second);
      hands[to].take(partition.first, partition.second);
      owner = to;
      moved = true;
    }
  }
}

void deal_ranges(std::vector<Hand>& hands, const TopicPartitionCounts& counts) {
  // Static members first, by the names that they keep: a restart moves nothing.
  std::ranges::sort(hands, {}, [](const auto& hand) {
    return std::tuple{!hand.member->instance.has_value(), hand.member->instance.value_or(""), hand.member->id};
  });
  for (const auto& [topic, count] : counts) {
    std::vector<Hand*> readers;
    for (auto& hand : hands) {
      if (hand.member->topics->contains(topic)) readers.push_back(&hand);
    }
    if (readers.empty()) continue;
    const auto each = count / static_cast<std::int32_t>(readers.size());
    auto with_one_more = count % static_cast<std::int32_t>(readers.size());
    std::int32_t next = 0;
    for (auto* reader : readers) {
      const auto end = next + each + (with_one_more-- > 0 ? 1 : 0);
      for (; next < end; ++next) reader->take(topic, PartitionIndex{next});
    }
  }
}

}  // namespace

std::string_view name_of(ServerAssignor assignor) {
  return std::ranges::find(kAssignors, assignor, &NamedAssignor::assignor)->name;
}

std::optional<ServerAssignor> assignor_of(std::string_view name) {
  const auto* found = std::ranges::find(kAssignors, name, &NamedAssignor::name);
  return found == std::end(kAssignors) ? std::nullopt : std::optional{found->assignor};
}

TargetAssignment assign(ServerAssignor assignor, const std::vector<TargetMember>& members,
                        const TopicPartitionCounts& counts) {
  std::vector<Hand> hands;
  hands.reserve(members.size());
  for (const auto& member : members) hands.push_back({.member = &member});
  if (assignor == ServerAssignor::kRange) {
    deal_ranges(hands, counts);
  } else if (!members.empty()) {
    auto owners = unowned(members, counts);
    if (all_read_the_same(members)) {
      deal_evenly(hands, owners);
    } else {
      deal_by_choice(hands, owners);
    }
  }
  TargetAssignment target(members.size());
  for (auto& hand : hands) {
    target[static_cast<std::size_t>(hand.member - members.data())] = std::move(hand.partitions);
  }
  return target;
}

}  // namespace millrace
