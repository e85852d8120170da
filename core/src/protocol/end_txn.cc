#include "protocol/end_txn.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(EndTxnRequest);
MILLRACE_WIRE_MESSAGE(EndTxnResponse);

}  // namespace millrace::protocol
