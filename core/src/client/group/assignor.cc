#include "client/group/assignor.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "base/suggest.h"

namespace millrace {
namespace {

constexpr Assignor kAssignors[] = {
    {"range", RebalanceProtocol::kEager, AssignorUserData::kNone, assign_range},
    {"roundrobin", RebalanceProtocol::kEager, AssignorUserData::kNone, assign_round_robin},
    {"sticky", RebalanceProtocol::kEager, AssignorUserData::kOwnedAndGeneration, assign_sticky},
    {"cooperative-sticky", RebalanceProtocol::kCooperative, AssignorUserData::kGeneration, assign_cooperative},
};

bool wants(const AssignorMember& member, const std::string& topic) {
  return std::ranges::find(member.topics, topic) != member.topics.end();
}

GroupAssignment nothing_for(std::span<const AssignorMember> members) {
  GroupAssignment assignment;
  for (const auto& member : members) assignment[member.id];
  return assignment;
}

std::string_view without_spaces(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

std::span<const Assignor> assignors() { return kAssignors; }

std::vector<const AssignorMember*> in_order(std::span<const AssignorMember> members) {
  std::vector<const AssignorMember*> ordered;
  for (const auto& member : members) ordered.push_back(&member);
  std::ranges::sort(ordered, {}, [](const AssignorMember* member) {
    return std::tuple{!member->instance.has_value(), member->instance.value_or(""), member->id};
  });
  return ordered;
}

GroupAssignment assign_range(const PartitionCounts& counts, std::span<const AssignorMember> members) {
  auto assignment = nothing_for(members);
  const auto ordered = in_order(members);
  for (const auto& [topic, count] : counts) {
    std::vector<const AssignorMember*> takers;
    std::ranges::copy_if(ordered, std::back_inserter(takers),
                         [&](const auto* member) { return wants(*member, topic); });
    if (takers.empty()) continue;
    const auto each = count / static_cast<std::int32_t>(takers.size());
    auto one_more = count % static_cast<std::int32_t>(takers.size());
    PartitionIndex next{0};
    for (const auto* member : takers) {
      const auto end = next + each + (one_more-- > 0 ? 1 : 0);
      for (; next < end; ++next) assignment[member->id].push_back({topic, next});
    }
  }
  return assignment;
}

GroupAssignment assign_round_robin(const PartitionCounts& counts, std::span<const AssignorMember> members) {
  auto assignment = nothing_for(members);
  const auto ordered = in_order(members);
  std::size_t turn = 0;
  for (const auto& [topic, count] : counts) {
    if (std::ranges::none_of(members, [&](const auto& member) { return wants(member, topic); })) continue;
    for (PartitionIndex index{0}; index.value() < count; ++index) {
      while (!wants(*ordered[turn % ordered.size()], topic)) ++turn;
      assignment[ordered[turn++ % ordered.size()]->id].push_back({topic, index});
    }
  }
  return assignment;
}

Result<std::vector<const Assignor*>> parse_assignors(std::string_view names) {
  std::vector<const Assignor*> found;
  while (!names.empty()) {
    const auto comma = std::min(names.find(','), names.size());
    const auto name = without_spaces(names.substr(0, comma));
    names.remove_prefix(std::min(comma + 1, names.size()));
    const auto known = std::ranges::find(kAssignors, name, &Assignor::name);
    if (known == std::end(kAssignors)) {
      std::vector<std::string_view> all;
      for (const auto& assignor : kAssignors) all.push_back(assignor.name);
      return fail(ErrorCode::kInvalidConfig,
                  fmt::format("consumer: \"partition.assignment.strategy\" names \"{}\"; there are {}.{}", name,
                              fmt::join(all, ", "), did_you_mean(name, all)));
    }
    if (!found.empty() && found.front()->protocol != known->protocol) {
      return fail(ErrorCode::kInvalidConfig,
                  fmt::format("consumer: \"partition.assignment.strategy\" mixes \"{}\" and \"{}\", but members either "
                              "give up everything before a rebalance or only what moves: name one kind",
                              found.front()->name, known->name));
    }
    found.push_back(&*known);
  }
  if (found.empty()) {
    return fail(ErrorCode::kInvalidConfig, "consumer: \"partition.assignment.strategy\" is empty: name one");
  }
  return found;
}

}  // namespace millrace
