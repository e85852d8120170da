#include "protocol/offset_commit.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(OffsetCommitRequest);
MILLRACE_WIRE_MESSAGE(OffsetCommitResponse);

}  // namespace millrace::protocol
