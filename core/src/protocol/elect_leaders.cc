#include "protocol/elect_leaders.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(ElectLeadersRequest);
MILLRACE_WIRE_MESSAGE(ElectLeadersResponse);

}  // namespace millrace::protocol
