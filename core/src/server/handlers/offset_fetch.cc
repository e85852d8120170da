#include <set>

#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::FetchedGroupOffsets;
using protocol::FetchedTopicOffsets;
using protocol::OffsetFetchTopic;
using Topics = std::optional<std::vector<OffsetFetchTopic>>;

protocol::FetchedOffset shown_of(PartitionIndex partition, const CommittedOffset& offset, ErrorCode error) {
  protocol::FetchedOffset shown;
  shown.partition_index = partition;
  shown.committed_offset = offset.offset;
  shown.committed_leader_epoch = offset.leader_epoch;
  shown.metadata = offset.metadata;
  shown.error_code = error;
  return shown;
}

std::vector<FetchedTopicOffsets> shown_of(const CommittedOffsets::OfGroup& offsets, const MetadataImage& image) {
  std::vector<FetchedTopicOffsets> topics;
  for (const auto& [partition, offset] : offsets) {
    if (topics.empty() || topics.back().name != partition.topic) {
      auto& topic = topics.emplace_back();
      topic.name = partition.topic;
      if (const auto known = image.topic(partition.topic)) topic.topic_id = known->id;
    }
    topics.back().partitions.push_back(shown_of(partition.partition, offset, ErrorCode::kNone));
  }
  return topics;
}

std::vector<FetchedTopicOffsets> shown_of(const std::vector<OffsetFetchTopic>& asked,
                                          const Result<std::vector<FetchedOffset>>& found) {
  std::vector<FetchedTopicOffsets> topics;
  std::size_t at = 0;
  for (const auto& topic : asked) {
    auto& shown = topics.emplace_back();
    shown.name = topic.name;
    shown.topic_id = topic.topic_id;
    for (const auto partition : topic.partition_indexes) {
      const FetchedOffset offset = found ? found->at(at++) : FetchedOffset{};
      shown.partitions.push_back(shown_of(partition, offset.offset, offset.error));
    }
  }
  return topics;
}

/// Tells whoever wants to be sure to ask again where it cannot be.
void mark_unstable(FetchedGroupOffsets& answer, const std::set<TopicPartition>& undecided, HandlerContext& context) {
  if (undecided.empty()) return;
  const auto image = context.broker().metadata();
  for (auto& topic : answer.topics) {
    const auto known = find_topic(*image, TopicRef{topic.name, topic.topic_id});
    const auto name = known ? (*known)->name : topic.name;
    for (auto& partition : topic.partitions) {
      if (!undecided.contains({name, partition.partition_index})) continue;
      partition = shown_of(partition.partition_index, CommittedOffset{}, ErrorCode::kUnstableOffsetCommit);
    }
  }
}

FetchedGroupOffsets fetch(const std::string& group, const Topics& asked, HandlerContext& context) {
  FetchedGroupOffsets answer;
  answer.group_id = group;
  auto& groups = context.broker().groups();
  if (!asked) {
    const auto all = groups.fetch_all_offsets(group);
    if (!all) {
      answer.error_code = all.error().code();
    } else {
      answer.topics = shown_of(*all, *context.broker().metadata());
    }
    return answer;
  }
  std::vector<PartitionRef> partitions;
  for (const auto& topic : *asked) {
    for (const auto partition : topic.partition_indexes) {
      partitions.push_back({.topic = TopicRef{topic.name, topic.topic_id}, .partition = partition});
    }
  }
  const auto found = groups.fetch_offsets(group, partitions);
  if (!found) answer.error_code = found.error().code();
  answer.topics = shown_of(*asked, found);
  return answer;
}

}  // namespace

/// One group at the top, as versions before 8 ask, or several.
protocol::OffsetFetchResponse handle(const protocol::OffsetFetchRequest& request, HandlerContext& context) {
  auto& groups = context.broker().groups();
  const auto fetch_checked = [&](const std::string& group, const Topics& asked) {
    // First what is undecided: an offset that is looked up later is at least as new as its end.
    const auto undecided = groups.undecided_offsets(group);
    auto answer = fetch(group, asked, context);
    if (request.require_stable && undecided) mark_unstable(answer, *undecided, context);
    return answer;
  };
  protocol::OffsetFetchResponse response;
  for (const auto& group : request.groups) {
    const auto error = groups.may_fetch(group.group_id, group.member_id, group.member_epoch);
    if (error == ErrorCode::kNone) {
      response.groups.push_back(fetch_checked(group.group_id, group.topics));
    } else {
      auto& refused = response.groups.emplace_back();
      refused.group_id = group.group_id;
      refused.error_code = error;
    }
  }
  if (!request.groups.empty()) return response;
  auto answer = fetch_checked(request.group_id, request.topics);
  response.topics = std::move(answer.topics);
  response.error_code = answer.error_code;
  return response;
}

void adapt(protocol::OffsetFetchResponse& response, std::int16_t version) {
  constexpr std::int16_t kErrorOfTheWhole = 2;
  if (version >= kErrorOfTheWhole || response.error_code == ErrorCode::kNone) return;
  for (auto& topic : response.topics) {
    for (auto& partition : topic.partitions) partition.error_code = response.error_code;
  }
}

}  // namespace millrace
