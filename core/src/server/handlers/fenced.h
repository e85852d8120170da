#pragma once

#include <cstdint>

#include "base/result.h"

namespace millrace {

/// The first version of an API of transactions that has a word for being fenced.
inline constexpr std::int16_t kTransactionsKnowFencing = 2;
inline constexpr std::int16_t kInitProducerIdKnowsFencing = 4;

/// Who is fenced is told so only if it knows the word; clients of old know that their epoch is over.
[[nodiscard]] constexpr ErrorCode fenced_code(ErrorCode code, std::int16_t version,
                                              std::int16_t knows_since = kTransactionsKnowFencing) {
  return code == ErrorCode::kProducerFenced && version < knows_since ? ErrorCode::kInvalidProducerEpoch : code;
}

}  // namespace millrace
