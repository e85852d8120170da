#include "protocol/init_producer_id.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(InitProducerIdRequest);
MILLRACE_WIRE_MESSAGE(InitProducerIdResponse);

}  // namespace millrace::protocol
