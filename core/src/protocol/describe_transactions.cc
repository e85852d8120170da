#include "protocol/describe_transactions.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(DescribeTransactionsRequest);
MILLRACE_WIRE_MESSAGE(DescribeTransactionsResponse);

}  // namespace millrace::protocol
