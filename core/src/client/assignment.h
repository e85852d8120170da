#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/client.h"

namespace millrace {

/// A partition that a consumer reads, and how far it is.
struct AssignedPartition {
  enum class Fetching : std::uint8_t { kOn, kPaused };

  explicit AssignedPartition(TopicPartition partition)
      : name(std::make_shared<const TopicPartition>(std::move(partition))) {}

  std::shared_ptr<const TopicPartition> name;
  /// The next record; absent until somebody asks where to begin.
  std::optional<Offset> position = std::nullopt;
  /// What this consumer has committed of it, or is just committing.
  std::optional<Offset> committed = std::nullopt;
  Fetching fetching = Fetching::kOn;
  /// Where librdkafka reads: it knows of the partition.
  bool is_applied = false;
};

/// What a consumer reads, over every client.
///
/// Threading: one thread at a time.
class Assignment {
 public:
  using Partitions = std::vector<AssignedPartition>;

  [[nodiscard]] bool empty() const { return all_.empty(); }
  [[nodiscard]] std::size_t size() const { return all_.size(); }
  [[nodiscard]] Partitions::iterator begin() { return all_.begin(); }
  [[nodiscard]] Partitions::iterator end() { return all_.end(); }
  [[nodiscard]] Partitions::const_iterator begin() const { return all_.begin(); }
  [[nodiscard]] Partitions::const_iterator end() const { return all_.end(); }
  [[nodiscard]] AssignedPartition& operator[](std::size_t index) { return all_[index]; }

  [[nodiscard]] std::vector<TopicPartition> names() const;
  /// Null when it is not assigned.
  [[nodiscard]] AssignedPartition* find(const TopicPartition& partition);
  [[nodiscard]] const AssignedPartition* find(const TopicPartition& partition) const;
  /// Errors: `kInvalidArgument`.
  [[nodiscard]] Result<AssignedPartition*> find_or_fail(const TopicPartition& partition);
  [[nodiscard]] Result<const AssignedPartition*> find_or_fail(const TopicPartition& partition) const;

  /// These and no others; those that were there before stay as they are.
  void assign(std::vector<TopicPartition> partitions);
  /// Nothing when it is there already.
  void add(const TopicPartition& partition);
  void remove(std::span<const TopicPartition> partitions);
  void clear() { all_.clear(); }

  enum class Which : std::uint8_t { kAll, kNew };
  /// Where it is in each, or only in those where it has committed something else.
  [[nodiscard]] std::vector<PartitionOffset> positions(Which which) const;
  void note_committed(std::span<const PartitionOffset> offsets);
  /// A commit of these has failed: they are new again, unless there was a later one.
  void forget_committed(std::span<const PartitionOffset> offsets);

 private:
  Partitions all_;
};

// What every client says of the same mistakes.

/// Whether a topic of `count` partitions has it. Errors: `kUnknownTopicOrPartition`.
[[nodiscard]] Result<void> check_partition(const TopicPartition& partition, std::size_t count);
/// Errors: `kInvalidArgument`.
[[nodiscard]] Result<void> check_seek(const TopicPartition& partition, Offset offset);
[[nodiscard]] std::unexpected<Error> divided_by_group();
[[nodiscard]] std::unexpected<Error> assigned_by_hand();
[[nodiscard]] std::unexpected<Error> nowhere_to_begin(const TopicPartition& partition);
[[nodiscard]] std::unexpected<Error> closed_consumer();
[[nodiscard]] std::unexpected<Error> no_group();
[[nodiscard]] std::unexpected<Error> not_in_group(std::string_view group);

}  // namespace millrace
