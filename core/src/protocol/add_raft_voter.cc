#include "protocol/add_raft_voter.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(AddRaftVoterRequest);
MILLRACE_WIRE_MESSAGE(AddRaftVoterResponse);

}  // namespace millrace::protocol
