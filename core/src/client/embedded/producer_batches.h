#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "millrace/client.h"
#include "record/record_batch_builder.h"

namespace millrace {

/// A batch from its first record to its report.
struct OutgoingBatch {
  RecordBatchBuilder builder;
  std::vector<std::uint64_t> tokens = {};
  std::int32_t count = 0;
  /// What it holds of `buffer.memory`.
  std::size_t bytes = 0;
  /// When it goes out even if it is not full.
  TimePoint due = {};
  /// How many flushes began before it was opened: those do not wait for it.
  std::uint64_t generation = 0;
  /// The batch as it was written: the broker may stamp it, so it lives until the append has returned.
  PooledBytes packed = {};
  std::optional<Result<Offset>> report = std::nullopt;
};

/// A producer's batches of one partition, in the order of their records.
///
///     open (takes records) -> sealed (wait their turn) -> in_flight (written or failed) -> reported
struct ProducerPartition {
  explicit ProducerPartition(TopicPartition partition) : name(std::move(partition)) {}

  const TopicPartition name;
  std::optional<OutgoingBatch> open;
  std::deque<OutgoingBatch> sealed;
  std::deque<OutgoingBatch> in_flight;
  /// The sequence of the next record that is written.
  std::int32_t next_sequence = 0;
  /// Somebody writes sealed batches; somebody reports. One at a time each, so that the order holds.
  bool is_draining = false;
  bool is_reporting = false;
  /// The producer's transaction goes on here.
  bool is_part = false;
  /// Why an earlier batch was not stored. What is behind it is not written either, or records would change their order;
  /// told to the next caller, who knows what to do.
  std::optional<Error> failed;
};

/// A topic as a producer sees it.
struct ProducerTopic {
  std::string name;
  /// Never moves: batches on their way point to it.
  std::deque<ProducerPartition> partitions;
  /// Where records without a key go until that batch is sealed.
  std::size_t sticky = 0;
  std::size_t round_robin = 0;
};

}  // namespace millrace
