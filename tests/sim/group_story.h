#pragma once

#include <array>
#include <string>

#include "sim/machine.h"
#include "sim/story.h"

namespace millrace::test {

/// A group that commits its offsets, ever higher ones: what was told or shown does not go back.
class GroupStory final : public Story {
 public:
  /// `topic` has a partition for each offset.
  GroupStory(Machine& machine, std::string topic) : machine_(machine), topic_(std::move(topic)) {}

  void use() override;
  void check() override;

 private:
  static constexpr std::size_t kPartitions = 2;
  struct Range {
    std::int64_t told = -1;
    std::int64_t newest = -1;
  };

  void commit(std::size_t partition);
  [[nodiscard]] Result<std::int64_t> fetch(std::size_t partition);
  [[nodiscard]] PartitionRef place(std::size_t partition) const {
    return {.topic = {.name = topic_}, .partition = PartitionIndex{static_cast<std::int32_t>(partition)}};
  }

  Machine& machine_;
  const std::string topic_;
  std::array<Range, kPartitions> committed_;
};

}  // namespace millrace::test
