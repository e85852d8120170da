#include "protocol/describe_quorum.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(DescribeQuorumRequest);
MILLRACE_WIRE_MESSAGE(DescribeQuorumResponse);

}  // namespace millrace::protocol
