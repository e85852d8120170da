#include "protocol/alter_user_scram_credentials.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(AlterUserScramCredentialsRequest);
MILLRACE_WIRE_MESSAGE(AlterUserScramCredentialsResponse);

}  // namespace millrace::protocol
