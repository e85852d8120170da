#include "protocol/list_transactions.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(ListTransactionsRequest);
MILLRACE_WIRE_MESSAGE(ListTransactionsResponse);

}  // namespace millrace::protocol
