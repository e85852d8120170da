#include "protocol/delete_topics.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(DeleteTopicsRequest);
MILLRACE_WIRE_MESSAGE(DeleteTopicsResponse);

}  // namespace millrace::protocol
