#pragma once

#include <cstdint>

namespace millrace {

/// How a write of a transaction comes into a partition that is not in the transaction yet: what a request's version
/// says of its client.
enum class TransactionSupport : std::uint8_t {
  /// The producer has said so before; if not, it is told what producers of old understand,
  kVerify,
  /// or that it should abort,
  kVerifyOrAbort,
  /// or the write itself makes the partition a part (KIP-890).
  kAdd,
};

}  // namespace millrace
