#include "protocol/alter_configs.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(AlterConfigsRequest);
MILLRACE_WIRE_MESSAGE(AlterConfigsResponse);

}  // namespace millrace::protocol
