#include "protocol/write_txn_markers.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(WriteTxnMarkersRequest);
MILLRACE_WIRE_MESSAGE(WriteTxnMarkersResponse);

}  // namespace millrace::protocol
