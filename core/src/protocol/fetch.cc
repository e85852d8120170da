#include "protocol/fetch.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(FetchRequest);
MILLRACE_WIRE_MESSAGE(FetchResponse);

}  // namespace millrace::protocol
