#include "protocol/update_features.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(UpdateFeaturesRequest);
MILLRACE_WIRE_MESSAGE(UpdateFeaturesResponse);

}  // namespace millrace::protocol
