#pragma once

#include <string>

#include "millrace/streams/detail/source_node.h"
#include "millrace/streams/formats.h"

// How records pass through a repartition topic: as state is written.

namespace millrace::streams::detail {

struct StateEncoder {
  template <class T>
  Encoded operator()(std::string& out, const T& value) const {
    StateWriter writer;
    write_state(writer, value);
    out += writer.buffer();
    return Encoded::kBytes;
  }
};

template <class T>
Result<T> decode_state(NullableBytes bytes) {
  StateReader in{bytes.text()};
  auto value = read_state<T>(in);
  if (!in.ok() || in.left() != 0) {
    return millrace::fail(ErrorCode::kDecodeFailed, "it is not what this topology writes to its repartition topic");
  }
  return value;
}

template <class T>
struct StateDecoder {
  Result<T> operator()(const RecordView& record) const { return decode_state<T>(record.value); }
};
template <class T>
struct StateKeyDecoder {
  Result<T> operator()(const RecordView& record) const { return decode_state<T>(record.key); }
};

}  // namespace millrace::streams::detail
