#include "protocol/delete_acls.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(DeleteAclsRequest);
MILLRACE_WIRE_MESSAGE(DeleteAclsResponse);

}  // namespace millrace::protocol
