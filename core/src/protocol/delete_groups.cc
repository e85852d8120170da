#include "protocol/delete_groups.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(DeleteGroupsRequest);
MILLRACE_WIRE_MESSAGE(DeleteGroupsResponse);

}  // namespace millrace::protocol
