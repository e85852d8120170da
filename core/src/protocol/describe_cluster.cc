#include "protocol/describe_cluster.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(DescribeClusterRequest);
MILLRACE_WIRE_MESSAGE(DescribeClusterResponse);

}  // namespace millrace::protocol
