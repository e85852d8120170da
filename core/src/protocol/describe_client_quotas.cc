#include "protocol/describe_client_quotas.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(DescribeClientQuotasRequest);
MILLRACE_WIRE_MESSAGE(DescribeClientQuotasResponse);

}  // namespace millrace::protocol
