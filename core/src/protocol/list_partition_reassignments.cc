#include "protocol/list_partition_reassignments.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(ListPartitionReassignmentsRequest);
MILLRACE_WIRE_MESSAGE(ListPartitionReassignmentsResponse);

}  // namespace millrace::protocol
