#include "protocol/find_coordinator.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(FindCoordinatorRequest);
MILLRACE_WIRE_MESSAGE(FindCoordinatorResponse);

}  // namespace millrace::protocol
