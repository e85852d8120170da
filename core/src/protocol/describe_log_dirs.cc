#include "protocol/describe_log_dirs.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(DescribeLogDirsRequest);
MILLRACE_WIRE_MESSAGE(DescribeLogDirsResponse);

}  // namespace millrace::protocol
