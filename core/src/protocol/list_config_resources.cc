#include "protocol/list_config_resources.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(ListConfigResourcesRequest);
MILLRACE_WIRE_MESSAGE(ListConfigResourcesResponse);

}  // namespace millrace::protocol
