#include "server/handlers/authorized_operations.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

constexpr std::int8_t kSpeaksClassicProtocol = 0;
constexpr std::int8_t kSpeaksConsumerProtocol = 1;

/// Topics that are gone have no name to show.
protocol::DescribedAssignment shown_of(const TopicPartitions& assignment, const MetadataImage& image) {
  protocol::DescribedAssignment shown;
  for (const auto& [id, partitions] : assignment) {
    const auto topic = image.topic(id);
    if (!topic) continue;
    auto& one = shown.topic_partitions.emplace_back();
    one.topic_id = id;
    one.topic_name = topic->name;
    one.partitions.assign(partitions.begin(), partitions.end());
  }
  return shown;
}

protocol::DescribedConsumerGroup shown_of(const std::string& id, const Result<ConsumerGroupView>& group,
                                          const MetadataImage& image) {
  protocol::DescribedConsumerGroup shown;
  shown.group_id = id;
  if (!group) {
    shown.error_code = group.error().code();
    shown.error_message = group.error().message();
    return shown;
  }
  shown.group_state = name_of(group->state);
  shown.group_epoch = group->epoch;
  shown.assignment_epoch = group->target_epoch;
  shown.assignor_name = group->assignor;
  for (const auto& member : group->members) {
    auto& described = shown.members.emplace_back();
    described.member_id = member.id;
    described.instance_id = member.instance;
    described.rack_id = member.rack;
    described.member_epoch = member.epoch;
    described.client_id = member.client_id;
    described.client_host = member.client_host;
    described.subscribed_topic_names.assign(member.topics.begin(), member.topics.end());
    described.subscribed_topic_regex = member.topic_pattern;
    described.assignment = shown_of(member.assignment, image);
    described.target_assignment = shown_of(member.target, image);
    described.member_type = member.speaks == GroupType::kClassic ? kSpeaksClassicProtocol : kSpeaksConsumerProtocol;
  }
  return shown;
}

}  // namespace

protocol::ConsumerGroupDescribeResponse handle(const protocol::ConsumerGroupDescribeRequest& request,
                                               HandlerContext& context) {
  protocol::ConsumerGroupDescribeResponse response;
  const auto image = context.broker().metadata();
  for (const auto& id : request.group_ids) {
    auto& shown =
        response.groups.emplace_back(shown_of(id, context.broker().groups().describe_consumer_group(id), *image));
    if (request.include_authorized_operations) shown.authorized_operations = kAllGroupOperations;
  }
  return response;
}

}  // namespace millrace
