#pragma once

#include <memory>

#include "base/types.h"

namespace millrace::protocol {

/// The records of one partition inside a message: whole record batches as bytes, never decoded here. May be null.
///
/// Decoded, it is a view into the frame it came from and valid as long as that. To be encoded, it says where the bytes
/// are and who keeps them: they go to the socket without a copy.
struct Records {
  NullableBytes bytes;
  /// Keeps `bytes` until they are sent; null: they are copied when encoded.
  std::shared_ptr<const void> owner;

  friend bool operator==(const Records& a, const Records& b) { return a.bytes == b.bytes; }
};

}  // namespace millrace::protocol
