#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes_io.h"
#include "unit/log/log_fixture.h"

namespace millrace {

/// A record as a reader sees it.
struct SeenRecord {
  Offset offset;
  std::string key;
  std::optional<std::string> value;
  Timestamp time;
};

/// A key and its value; none: a tombstone.
using KeyedRecord = std::pair<std::string, std::optional<std::string>>;

/// One compacted partition on a simulated disk, cleaned by hand.
class CompactionFixture : public LogFixture {
 protected:
  CompactionFixture() {
    config.cleanup_compact = true;
    config.cleanup_delete = false;
    config.min_cleanable_dirty_ratio = 0;
    config.index_interval_bytes = 200;
  }

  PooledBytes keyed(const std::vector<KeyedRecord>& records, std::int64_t time = 1000, BatchProducer producer = {},
                    BatchAttributes attributes = {}) {
    RecordBatchBuilder builder{pool, 1 << 20, attributes};
    for (const auto& [key, value] : records) {
      const auto bytes = value ? NullableBytes{*value} : NullableBytes{};
      EXPECT_TRUE(builder.try_append(at(time), key, bytes));
    }
    return builder.finish(producer).value();
  }
  AppendInfo put(const std::vector<KeyedRecord>& records, std::int64_t time = 1000, BatchProducer producer = {},
                 BatchAttributes attributes = {}) {
    const auto batch = keyed(records, time, producer, attributes);
    auto info = log->append(batch.bytes, LeaderEpoch{0});
    EXPECT_TRUE(info.has_value()) << (info ? "" : info.error().message());
    return info.value_or(AppendInfo{});
  }
  /// The marker that ends a transaction.
  AppendInfo end_transaction(ProducerId producer, std::int16_t type, std::int64_t time = 1000) {
    ByteWriter key;
    key.write<std::int16_t>(0);
    key.write<std::int16_t>(type);
    ByteWriter value;
    value.write<std::int16_t>(0);
    value.write<std::int32_t>(0);
    RecordBatchBuilder builder{pool, 1 << 20, {.transactional = true, .control = true}};
    EXPECT_TRUE(builder.try_append(at(time), key.bytes(), value.bytes()));
    const auto batch = builder.finish({.id = producer, .epoch = ProducerEpoch{0}, .base_sequence = -1}).value();
    auto info = log->append(batch.bytes, LeaderEpoch{0});
    EXPECT_TRUE(info.has_value()) << (info ? "" : info.error().message());
    return info.value_or(AppendInfo{});
  }
  static constexpr std::int16_t kAbort = 0;
  static constexpr std::int16_t kCommit = 1;

  /// Ends the segment and makes all of it durable.
  void settle() {
    flush();
    ASSERT_TRUE(log->roll());
  }

  /// One pass to its end, in small steps; nothing when there is nothing to do.
  Result<std::optional<PartitionCleaning::Report>> try_compact(CleaningOptions options = small_map()) {
    const auto range = log->cleanable(cleaned_to);
    if (!range) return std::nullopt;
    const auto pass = log->clean(*range, options);
    while (true) {
      MILLRACE_TRY(step, pass->step(700));
      if (step.done) break;
    }
    cleaned_to = pass->report().cleaned_to;
    return std::optional{pass->report()};
  }
  /// The same; a failure is one of the test.
  PartitionCleaning::Report compact(CleaningOptions options = small_map()) {
    const auto report = try_compact(options);
    EXPECT_TRUE(report.has_value()) << (report ? "" : report.error().message());
    EXPECT_TRUE(!report || report->has_value()) << "there was nothing to compact";
    log->remove_replaced_files();
    return report && *report ? **report : PartitionCleaning::Report{};
  }
  static CleaningOptions small_map() { return {.map_bytes = 1 << 20, .secret = {1, 2}}; }

  /// Every record and every batch below the high watermark, control records left out.
  std::vector<SeenRecord> records() {
    std::vector<SeenRecord> seen;
    for (auto next = log->log_start(); next < log->high_watermark();) {
      const auto slice = log->read(next, 500, Isolation::kHighWatermark);
      if (!slice) {
        ADD_FAILURE() << slice.error().message();
        return seen;
      }
      if (slice->bytes.empty()) return seen;
      BatchCursor batch{slice->bytes};
      while (batch.next()) {
        EXPECT_TRUE(batch.batch().crc_matches());
        next = batch.batch().next_offset();
        auto cursor = batch.batch().records(pool).value();
        while (cursor.next()) {
          const auto& record = cursor.record();
          EXPECT_TRUE(seen.empty() || seen.back().offset < record.offset);
          if (batch.batch().is_control()) continue;
          std::optional<std::string> value;
          if (record.value) value = std::string{record.value.text()};
          seen.push_back({record.offset, std::string{record.key.text()}, value, record.timestamp});
        }
        EXPECT_TRUE(cursor.status().has_value());
      }
    }
    return seen;
  }
  /// "key=value@offset", tombstones without a value.
  std::vector<std::string> texts() {
    std::vector<std::string> texts;
    for (const auto& record : records()) {
      texts.push_back(record.key + "=" + record.value.value_or("") + "@" + std::to_string(record.offset.value()));
    }
    return texts;
  }
  /// The headers of all batches.
  std::vector<RecordBatchView> batch_headers() {
    kept_.clear();
    std::vector<RecordBatchView> headers;
    for (auto next = log->log_start(); next < log->log_end();) {
      auto slice = log->read(next, 1 << 20, Isolation::kLogEnd).value();
      if (slice.bytes.empty()) break;
      BatchCursor batch{slice.bytes};
      while (batch.next()) {
        headers.push_back(batch.batch());
        next = batch.batch().next_offset();
      }
      kept_.push_back(slice);
    }
    return headers;
  }
  std::vector<std::string> names() {
    std::vector<std::string> names;
    const auto entries = disk.list("/data/t-0").value();
    for (const auto& entry : entries) names.push_back(entry.name);
    return names;
  }

  /// The last record of each key.
  std::map<std::string, std::optional<std::string>> newest() {
    std::map<std::string, std::optional<std::string>> newest;
    for (const auto& record : records()) newest[record.key] = record.value;
    std::erase_if(newest, [](const auto& entry) { return !entry.second; });
    return newest;
  }

  Offset cleaned_to{0};

 private:
  std::vector<LogSlice> kept_;
};

}  // namespace millrace
