#include "protocol/describe_groups.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(DescribeGroupsRequest);
MILLRACE_WIRE_MESSAGE(DescribeGroupsResponse);

}  // namespace millrace::protocol
