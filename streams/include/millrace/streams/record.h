#pragma once

#include <cstdint>
#include <string_view>

#include "millrace/types.h"

namespace millrace::streams {

/// A record as functions of a topology see it.
///
/// A view: `key` and `value` live as long as the call. What they point to (a `std::string_view` into the line that was
/// read) lives as long as the vector passes through the operators; stores and outputs keep copies of their own.
template <class K, class V>
struct Record {
  const K& key;
  const V& value;
  /// Event time: what `.timestamps()` gave, or the record's own timestamp.
  Timestamp timestamp;
};

/// The key when everything is one group.
struct All {
  friend bool operator==(All, All) { return true; }
};

/// Event time from `start` up to, and without, `end`.
struct Window {
  Timestamp start;
  Timestamp end;
  friend bool operator==(const Window&, const Window&) = default;
};

/// The key of a windowed result.
template <class K>
struct Windowed {
  K key;
  Window window;
  friend bool operator==(const Windowed&, const Windowed&) = default;
};

/// A record that the decoder refused: the value of the stream `rejected()`.
struct Rejected {
  std::string_view topic;
  PartitionIndex partition;
  Offset offset;
  NullableBytes key;
  NullableBytes value;
  /// The decoder's own words.
  std::string_view reason;
};

}  // namespace millrace::streams
