#include "protocol/delete_records.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(DeleteRecordsRequest);
MILLRACE_WIRE_MESSAGE(DeleteRecordsResponse);

}  // namespace millrace::protocol
