#include "protocol/describe_producers.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(DescribeProducersRequest);
MILLRACE_WIRE_MESSAGE(DescribeProducersResponse);

}  // namespace millrace::protocol
