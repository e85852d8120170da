#include "protocol/describe_acls.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(DescribeAclsRequest);
MILLRACE_WIRE_MESSAGE(DescribeAclsResponse);

}  // namespace millrace::protocol
