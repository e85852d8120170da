#pragma once

#include "base/result.h"

namespace millrace {

/// Who is fenced is told so only if it knows the word; clients of old know that their epoch is over.
[[nodiscard]] constexpr ErrorCode fenced_code(ErrorCode code, bool knows_fencing) {
  return code == ErrorCode::kProducerFenced && !knows_fencing ? ErrorCode::kInvalidProducerEpoch : code;
}

}  // namespace millrace
