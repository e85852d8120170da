#include "protocol/incremental_alter_configs.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(IncrementalAlterConfigsRequest);
MILLRACE_WIRE_MESSAGE(IncrementalAlterConfigsResponse);

}  // namespace millrace::protocol
