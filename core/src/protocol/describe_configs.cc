#include "protocol/describe_configs.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(DescribeConfigsRequest);
MILLRACE_WIRE_MESSAGE(DescribeConfigsResponse);

}  // namespace millrace::protocol
