#include "protocol/list_groups.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(ListGroupsRequest);
MILLRACE_WIRE_MESSAGE(ListGroupsResponse);

}  // namespace millrace::protocol
