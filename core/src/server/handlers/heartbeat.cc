#include "server/handlers/handlers.h"

namespace millrace {

protocol::HeartbeatResponse handle(const protocol::HeartbeatRequest& request, HandlerContext& context) {
  protocol::HeartbeatResponse response;
  const MemberName member{.id = request.member_id, .instance = request.group_instance_id};
  response.error_code = context.broker().groups().heartbeat(request.group_id, member, request.generation_id);
  return response;
}

}  // namespace millrace
