#include "protocol/metadata.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(MetadataRequest);
MILLRACE_WIRE_MESSAGE(MetadataResponse);

}  // namespace millrace::protocol
