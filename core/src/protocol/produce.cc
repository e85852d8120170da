#include "protocol/produce.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(ProduceRequest);
MILLRACE_WIRE_MESSAGE(ProduceResponse);

}  // namespace millrace::protocol
