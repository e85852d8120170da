#pragma once

#include "base/types.h"

namespace millrace::test {

/// A partition of the topic that most tests use.
inline TopicPartition orders(std::int32_t index) { return {"orders", PartitionIndex{index}}; }

}  // namespace millrace::test
