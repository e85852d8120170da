#pragma once

#include <cstddef>
#include <string_view>

#include "protocol/encoder.h"

namespace millrace::protocol {

/// Reads an object's fields from the beginning of `bytes` and gives how many bytes they took. Fields that the version
/// does not have stay as they are; `Records` point into `bytes`. After an error the object is of no use.
///
/// Every length is hostile: it is compared with the bytes that are left before anything is allocated, and an array
/// grows only as its elements arrive.
///
/// Threading: any thread. Errors: `kMalformed`, naming the message and the innermost field, where the bytes are wrong.
[[nodiscard]] Result<std::size_t> decode_fields(Bytes bytes, const WireFormat& format, std::string_view message_name,
                                                std::byte* object);

}  // namespace millrace::protocol
