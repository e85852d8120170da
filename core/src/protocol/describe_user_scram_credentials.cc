#include "protocol/describe_user_scram_credentials.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(DescribeUserScramCredentialsRequest);
MILLRACE_WIRE_MESSAGE(DescribeUserScramCredentialsResponse);

}  // namespace millrace::protocol
