#include "protocol/add_partitions_to_txn.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(AddPartitionsToTxnRequest);
MILLRACE_WIRE_MESSAGE(AddPartitionsToTxnResponse);

}  // namespace millrace::protocol
