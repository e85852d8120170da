#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "millrace/streams/record.h"
#include "millrace/types.h"

namespace millrace::streams {

/// Windows of a fixed size over event time, aligned to 1970-01-01 UTC: every one starts at a multiple of `advance`.
///
/// A record belongs to each window that holds its event time. Stream time is the latest event time the task has seen.
/// A window takes records until stream time reaches its end plus `grace`: then it is closed, and a record that comes
/// later is dropped and counted in `JobStats::late_records`. Its state can be read until stream time reaches
/// its end plus `keep`, which is never less than the grace.
///
///     start          end            end + grace              end + keep
///       |-- takes records --- late ones, too --| closed, can be read |  gone
///
/// Threading: a value.
class TimeWindows {
 public:
  using Milliseconds = std::chrono::milliseconds;
  static constexpr Milliseconds kForever{INT64_MAX / 4};

  /// Throws `std::invalid_argument` unless 0 < advance <= size.
  TimeWindows(Milliseconds size, Milliseconds advance);

  /// How long after its end a window still takes late records. Default: not at all.
  [[nodiscard]] TimeWindows grace(Milliseconds time) const;
  /// How long after its end a window can still be read. Without `grace` it also takes late records that long: a window
  /// is open while it is kept.
  [[nodiscard]] TimeWindows keep(Milliseconds time) const;
  /// Windows are never closed or dropped.
  [[nodiscard]] TimeWindows keep_forever() const { return keep(kForever); }

  [[nodiscard]] Milliseconds size() const { return size_; }
  [[nodiscard]] Milliseconds advance() const { return advance_; }
  [[nodiscard]] Milliseconds grace() const { return grace_; }
  [[nodiscard]] Milliseconds keep() const { return keep_; }
  /// "tumbling 60000 ms": what a window is, not how long.
  [[nodiscard]] std::string shape() const;
  /// "tumbling 60000 ms, grace 10000 ms": for `Topology::describe`.
  [[nodiscard]] std::string to_string() const;

 private:
  Milliseconds size_;
  Milliseconds advance_;
  Milliseconds grace_{0};
  Milliseconds keep_{0};
  enum class GraceGiven : std::uint8_t { kNo, kYes } grace_given_ = GraceGiven::kNo;
};

/// Windows side by side: a record is in exactly one.
[[nodiscard]] inline TimeWindows tumbling(TimeWindows::Milliseconds size) { return {size, size}; }
/// Windows that overlap: one of `size` begins every `advance`.
[[nodiscard]] inline TimeWindows hopping(TimeWindows::Milliseconds size, TimeWindows::Milliseconds advance) {
  return {size, advance};
}

/// When an aggregate gives results.
enum class Emit : std::uint8_t {
  /// The newest figure of each key that changed, at the next flush point: upserts.
  kOnUpdate,
  /// One final figure for each window, when it closes.
  kOnClose,
};
inline constexpr Emit on_update = Emit::kOnUpdate;
inline constexpr Emit on_close = Emit::kOnClose;

}  // namespace millrace::streams
