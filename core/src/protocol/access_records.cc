#include "protocol/access_records.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(AccessControlEntryRecord);
MILLRACE_WIRE_MESSAGE(RemoveAccessControlEntryRecord);
MILLRACE_WIRE_MESSAGE(ClientQuotaRecord);
MILLRACE_WIRE_MESSAGE(UserScramCredentialRecord);
MILLRACE_WIRE_MESSAGE(RemoveUserScramCredentialRecord);
MILLRACE_WIRE_MESSAGE(DelegationTokenRecord);
MILLRACE_WIRE_MESSAGE(RemoveDelegationTokenRecord);

}  // namespace millrace::protocol
