#include "protocol/txn_offset_commit.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(TxnOffsetCommitRequest);
MILLRACE_WIRE_MESSAGE(TxnOffsetCommitResponse);

}  // namespace millrace::protocol
