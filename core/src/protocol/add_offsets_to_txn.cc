#include "protocol/add_offsets_to_txn.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(AddOffsetsToTxnRequest);
MILLRACE_WIRE_MESSAGE(AddOffsetsToTxnResponse);

}  // namespace millrace::protocol
