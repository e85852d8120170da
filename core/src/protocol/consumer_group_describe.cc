#include "protocol/consumer_group_describe.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(ConsumerGroupDescribeRequest);
MILLRACE_WIRE_MESSAGE(ConsumerGroupDescribeResponse);

}  // namespace millrace::protocol
