#include "runtime/task_input.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "runtime/stream_config.h"

namespace millrace::streams {
namespace {

StreamConfig config_of(const Properties& properties) { return *read_config(properties); }

std::vector<TaskInput::Slot> slots(std::int32_t count) {
  std::vector<TaskInput::Slot> all;
  for (std::int32_t i = 0; i < count; ++i) {
    all.push_back({0, std::make_shared<TopicPartition>(TopicPartition{"in", PartitionIndex{i}})});
  }
  return all;
}

PolledBatch batch(const TaskInput& input, std::size_t slot,
                  const std::vector<std::pair<std::int64_t, std::int64_t>>& records) {
  std::vector<RecordView> views;
  for (const auto& [offset, ms] : records) {
    views.push_back({Offset{offset}, Timestamp{std::chrono::milliseconds{ms}}, nullptr, "12345678", {}});
  }
  return {input.slots()[slot].partition, std::move(views), nullptr};
}

/// "PARTITION:OFFSET" of each record, "|" where results are flushed.
std::string drain(TaskInput& input) {
  std::string order;
  InputChunk chunk;
  while (input.next_chunk(chunk)) {
    for (const auto& piece : chunk.pieces) {
      for (const auto& record : piece.records) {
        order += std::to_string(piece.partition->partition.value()) + ":" + std::to_string(record.offset.value()) + " ";
      }
    }
    if (chunk.flush == detail::Chunk::Flush::kYes) order += "| ";
    chunk.clear();
  }
  return order;
}

TEST(TaskInput, InterleavesPartitionsByTimestampThenByPartition) {
  TaskInput input{slots(2), config_of({{"cache.flush.interval.ms", "-1"}})};
  input.push(0, batch(input, 0, {{0, 10}, {1, 20}, {2, 30}}));
  input.push(1, batch(input, 1, {{7, 5}, {8, 20}, {9, 40}}));
  input.set_known_end(0, Offset{3});
  input.set_known_end(1, Offset{10});

  EXPECT_EQ(drain(input), "1:7 0:0 0:1 1:8 0:2 1:9 ");
  EXPECT_EQ(input.position().next, (std::vector{Offset{3}, Offset{10}}));
}

TEST(TaskInput, WaitsForAPartitionThatMayHaveEarlierRecords) {
  TaskInput input{slots(2), config_of({})};
  input.push(0, batch(input, 0, {{0, 10}}));
  EXPECT_EQ(drain(input), "");
  EXPECT_EQ(input.awaited(), std::vector<std::size_t>{1});

  input.push(1, batch(input, 1, {{0, 5}}));
  input.set_known_end(1, Offset{2});
  EXPECT_EQ(drain(input), "1:0 ");

  input.set_known_end(1, Offset{1});
  EXPECT_EQ(drain(input), "0:0 ");
  EXPECT_FALSE(input.has_waiting());
}

TEST(TaskInput, FlushesAfterSoManyRecordsAndWhenTimestampsHaveAdvanced) {
  TaskInput input{slots(1), config_of({{"cache.flush.records", "3"}, {"cache.flush.interval.ms", "100"}})};
  input.push(0, batch(input, 0, {{0, 0}, {1, 10}, {2, 20}, {3, 30}, {4, 125}, {5, 130}, {6, 131}}));

  EXPECT_EQ(drain(input), "0:0 0:1 0:2 | 0:3 | 0:4 0:5 0:6 | ");
}

TEST(TaskInput, FlushesAtTheSamePlacesHoweverRecordsArriveAndAfterARestart) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    Random random{seed};
    std::vector<std::pair<std::int64_t, std::int64_t>> records;
    std::int64_t ms = 1000;
    for (std::int64_t offset = 0; offset < 500; ++offset) {
      ms += static_cast<std::int64_t>(random.below(40));
      records.emplace_back(offset, ms - static_cast<std::int64_t>(random.below(60)));
    }
    const Properties properties{{"cache.flush.records", "37"}, {"cache.flush.interval.ms", "300"}};
    TaskInput whole{slots(1), config_of(properties)};
    whole.push(0, batch(whole, 0, records));
    const auto expected = drain(whole);

    auto cut = std::make_unique<TaskInput>(slots(1), config_of(properties));
    std::string order;
    for (std::size_t at = 0; at < records.size();) {
      const auto next = std::min(records.size(), at + 1 + random.below(30));
      cut->push(0, batch(*cut, 0,
                         {records.begin() + static_cast<std::ptrdiff_t>(at),
                          records.begin() + static_cast<std::ptrdiff_t>(next)}));
      order += drain(*cut);
      at = next;
      auto restarted = std::make_unique<TaskInput>(slots(1), config_of(properties));
      restarted->restore(cut->position());
      cut = std::move(restarted);
    }
    EXPECT_EQ(order, expected);
  }
}

TEST(TaskInput, CutsChunksByBytesButGivesOneRecordAtLeast) {
  TaskInput input{slots(1), config_of({{"chunk.bytes", "20"}})};
  input.push(0, batch(input, 0, {{0, 0}, {1, 0}, {2, 0}, {3, 0}}));
  EXPECT_EQ(input.waiting_bytes(0), 32U);
  InputChunk chunk;
  ASSERT_TRUE(input.next_chunk(chunk));
  EXPECT_EQ(chunk.size, 3U);
  EXPECT_EQ(input.waiting_bytes(0), 8U);
}

}  // namespace
}  // namespace millrace::streams
