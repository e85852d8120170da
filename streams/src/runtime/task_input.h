#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "millrace/client.h"
#include "millrace/streams/codec.h"
#include "millrace/streams/detail/node.h"
#include "runtime/stream_config.h"

namespace millrace::streams {

/// How far the input was cut: saved in checkpoints, so that a restart cuts on at the same places.
struct InputPosition {
  std::vector<Offset> next;  ///< of each partition; `kNoOffset`: from the start
  std::uint64_t records_since_flush = 0;
  std::int64_t last_flush_ms = -1;  ///< record time of the last flush point; -1: none yet

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("next", self.next);
    visit("records_since_flush", self.records_since_flush);
    visit("last_flush_ms", self.last_flush_ms);
  }
  friend bool operator==(const InputPosition&, const InputPosition&) = default;
};

/// A chunk and where the input stands behind it.
class InputChunk : public detail::Chunk {
 public:
  InputPosition after;
};

/// The input of one task: records that were read and wait, cut into chunks.
///
/// Partitions are interleaved by record timestamp, then by their order here; a partition that may have more, but has
/// none here, is waited for. Flush points lie where record count and record timestamps say. Both follow from the input
/// alone.
///
/// Threading: one thread at a time.
class TaskInput {
 public:
  struct Slot {
    detail::NodeId source;
    std::shared_ptr<const TopicPartition> partition;
  };
  TaskInput(std::vector<Slot> slots, const StreamConfig& config);

  /// Begins where `position` says; before anything is pushed.
  void restore(InputPosition position);
  void push(std::size_t slot, PolledBatch batch);
  /// Says that `slot` has nothing more to give before `end`: it need not be waited for once it is read up to there.
  void set_known_end(std::size_t slot, Offset end);

  /// Fills an empty chunk with the next records. False when there are none, or a partition must be waited for.
  [[nodiscard]] bool next_chunk(InputChunk& chunk);

  [[nodiscard]] const std::vector<Slot>& slots() const { return slots_; }
  [[nodiscard]] const InputPosition& position() const { return position_; }
  /// Bytes that wait, of one slot.
  [[nodiscard]] std::size_t waiting_bytes(std::size_t slot) const { return queues_[slot].bytes; }
  [[nodiscard]] std::size_t waiting_records() const { return waiting_records_; }
  [[nodiscard]] bool has_waiting() const { return waiting_records_ > 0; }
  /// Slots that are empty and not known to be at their end, while others have records: what `next_chunk` waits for.
  [[nodiscard]] std::vector<std::size_t> awaited() const;

 private:
  struct Queue {
    std::deque<std::shared_ptr<const PolledBatch>> batches;
    std::size_t at = 0;  ///< the next record of the first batch
    std::size_t bytes = 0;
    Offset end = kNoOffset;  ///< behind the last record that was pushed
    Offset known_end = kNoOffset;
    [[nodiscard]] const RecordView& head() const { return batches.front()->records()[at]; }
    [[nodiscard]] bool empty() const { return batches.empty(); }
  };
  enum class Cut : std::uint8_t { kNo, kBefore, kAfter };

  [[nodiscard]] bool is_awaited(std::size_t slot) const;
  [[nodiscard]] std::optional<std::size_t> next_slot() const;
  [[nodiscard]] bool flushes_before(const RecordView& record);
  void take(std::size_t slot, InputChunk& chunk);

  std::vector<Slot> slots_;
  std::vector<Queue> queues_;
  InputPosition position_;
  std::size_t waiting_records_ = 0;
  std::uint32_t chunk_records_;
  std::size_t chunk_bytes_;
  std::uint64_t flush_records_;
  std::int64_t flush_interval_ms_;
};

}  // namespace millrace::streams
