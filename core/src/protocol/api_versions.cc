#include "protocol/api_versions.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(ApiVersionsRequest);
MILLRACE_WIRE_MESSAGE(ApiVersionsResponse);

}  // namespace millrace::protocol
