#include "protocol/create_acls.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(CreateAclsRequest);
MILLRACE_WIRE_MESSAGE(CreateAclsResponse);

}  // namespace millrace::protocol
