#include "protocol/create_partitions.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(CreatePartitionsRequest);
MILLRACE_WIRE_MESSAGE(CreatePartitionsResponse);

}  // namespace millrace::protocol
