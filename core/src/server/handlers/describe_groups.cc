#include <fmt/format.h>

#include "server/handlers/authorized_operations.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

protocol::DescribedGroup shown_of(const std::string& id, const Result<DescribedGroup>& group) {
  protocol::DescribedGroup shown;
  shown.group_id = id;
  if (!group) {
    shown.error_code = group.error().code();
    shown.error_message = group.error().message();
    return shown;
  }
  shown.group_state = name_of(group->state);
  shown.protocol_type = group->protocol_type;
  shown.protocol_data = group->protocol;
  if (group->state == GroupState::kDead) {
    shown.error_code = ErrorCode::kGroupIdNotFound;
    shown.error_message = fmt::format("there is no group \"{}\" of the classic protocol", id);
  }
  for (const auto& member : group->members) {
    auto& described = shown.members.emplace_back();
    described.member_id = member.id;
    described.group_instance_id = member.instance;
    described.client_id = member.client_id;
    described.client_host = member.client_host;
    described.member_metadata = member.metadata;
    described.member_assignment = member.assignment;
  }
  return shown;
}

}  // namespace

protocol::DescribeGroupsResponse handle(const protocol::DescribeGroupsRequest& request, HandlerContext& context) {
  protocol::DescribeGroupsResponse response;
  for (const auto& id : request.groups) {
    auto& shown = response.groups.emplace_back(shown_of(id, context.broker().groups().describe(id)));
    if (request.include_authorized_operations) shown.authorized_operations = kAllGroupOperations;
  }
  return response;
}

void adapt(protocol::DescribeGroupsResponse& response, std::int16_t version) {
  constexpr std::int16_t kNotFoundIsAnError = 6;
  if (version >= kNotFoundIsAnError) return;
  for (auto& group : response.groups) {
    if (group.error_code == ErrorCode::kGroupIdNotFound) group.error_code = ErrorCode::kNone;
  }
}

}  // namespace millrace
