#include "protocol/unregister_broker.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(UnregisterBrokerRequest);
MILLRACE_WIRE_MESSAGE(UnregisterBrokerResponse);

}  // namespace millrace::protocol
