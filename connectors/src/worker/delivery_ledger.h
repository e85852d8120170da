#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "millrace/connect/source.h"

namespace millrace::connect {

/// A position that may be stored: every record before it is on stable storage.
struct SafePosition {
  std::shared_ptr<const SourcePartition> partition;
  std::optional<SourceOffset> offset;  ///< absent: to be forgotten
  /// Behind the last record of it and of everything before it in the topic, where that has one partition.
  Offset topic_end = kNoOffset;
};

/// What was sent and not yet acknowledged, and which positions follow from what was. Acknowledgements may come in any
/// order; positions only come out without a gap before them.
///
///     batch:          1         2         3        4
///     outstanding:    0         0         17       0
///                 positions of 1 and 2    | 4 waits for 3
///
/// Threading: one thread. Cost: constant for a batch, not for a record.
class DeliveryLedger {
 public:
  /// Where the topic ends before anything is sent.
  void begin_at(Offset topic_end) { topic_end_ = topic_end; }

  /// Takes down a batch that is about to be sent; gives the token its records carry (never 0).
  [[nodiscard]] std::uint64_t add(const SourceBatch& batch);

  /// The records with these tokens are stored, the first at `base_offset`, the others behind it. Tokens of other uses
  /// (0, or above any given out) are ignored.
  void acknowledge(std::span<const std::uint64_t> tokens, Offset base_offset);

  /// The newest safe position of each source partition, if it moved since the last call.
  [[nodiscard]] std::vector<SafePosition> take_positions();

  [[nodiscard]] std::size_t bytes_in_flight() const { return bytes_in_flight_; }
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] bool has_positions() const { return !safe_.empty(); }

 private:
  struct Entry {
    SafePosition position;
    std::size_t outstanding = 0;  ///< records
    std::size_t bytes = 0;
  };
  void acknowledge_run(std::uint64_t token, std::size_t count, Offset end);
  void release_front();

  std::deque<Entry> entries_;
  std::uint64_t first_token_ = 1;  ///< of `entries_.front()`
  std::size_t bytes_in_flight_ = 0;
  std::uint64_t acknowledged_ = 0;
  Offset topic_end_ = kNoOffset;
  std::vector<SafePosition> safe_;
};

}  // namespace millrace::connect
