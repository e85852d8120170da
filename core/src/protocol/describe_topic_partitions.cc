#include "protocol/describe_topic_partitions.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(DescribeTopicPartitionsRequest);
MILLRACE_WIRE_MESSAGE(DescribeTopicPartitionsResponse);

}  // namespace millrace::protocol
