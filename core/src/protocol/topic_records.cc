#include "protocol/topic_records.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(TopicRecord);
MILLRACE_WIRE_MESSAGE(RemoveTopicRecord);
MILLRACE_WIRE_MESSAGE(PartitionRecord);
MILLRACE_WIRE_MESSAGE(PartitionChangeRecord);
MILLRACE_WIRE_MESSAGE(ConfigRecord);
MILLRACE_WIRE_MESSAGE(ProducerIdsRecord);
MILLRACE_WIRE_MESSAGE(FeatureLevelRecord);
MILLRACE_WIRE_MESSAGE(NoOpRecord);
MILLRACE_WIRE_MESSAGE(BeginTransactionRecord);
MILLRACE_WIRE_MESSAGE(EndTransactionRecord);
MILLRACE_WIRE_MESSAGE(AbortTransactionRecord);
MILLRACE_WIRE_MESSAGE(ClearElrRecord);

}  // namespace millrace::protocol
