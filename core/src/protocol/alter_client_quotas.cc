#include "protocol/alter_client_quotas.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(AlterClientQuotasRequest);
MILLRACE_WIRE_MESSAGE(AlterClientQuotasResponse);

}  // namespace millrace::protocol
