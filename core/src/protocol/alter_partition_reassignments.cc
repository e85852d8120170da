#include "protocol/alter_partition_reassignments.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(AlterPartitionReassignmentsRequest);
MILLRACE_WIRE_MESSAGE(AlterPartitionReassignmentsResponse);

}  // namespace millrace::protocol
