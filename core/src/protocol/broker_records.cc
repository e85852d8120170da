#include "protocol/broker_records.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(RegisterBrokerRecord);
MILLRACE_WIRE_MESSAGE(UnregisterBrokerRecord);
MILLRACE_WIRE_MESSAGE(FenceBrokerRecord);
MILLRACE_WIRE_MESSAGE(UnfenceBrokerRecord);
MILLRACE_WIRE_MESSAGE(BrokerRegistrationChangeRecord);
MILLRACE_WIRE_MESSAGE(RegisterControllerRecord);
MILLRACE_WIRE_MESSAGE(ZkMigrationStateRecord);

}  // namespace millrace::protocol
