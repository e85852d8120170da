#include "protocol/alter_replica_log_dirs.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(AlterReplicaLogDirsRequest);
MILLRACE_WIRE_MESSAGE(AlterReplicaLogDirsResponse);

}  // namespace millrace::protocol
