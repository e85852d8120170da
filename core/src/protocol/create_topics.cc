#include "protocol/create_topics.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(CreateTopicsRequest);
MILLRACE_WIRE_MESSAGE(CreateTopicsResponse);

}  // namespace millrace::protocol
