#include "protocol/remove_raft_voter.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(RemoveRaftVoterRequest);
MILLRACE_WIRE_MESSAGE(RemoveRaftVoterResponse);

}  // namespace millrace::protocol
