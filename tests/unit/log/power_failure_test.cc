#include <array>
#include <map>

#include "unit/log/log_fixture.h"

namespace millrace {
namespace {

/// What a client of a data folder may count on, whatever happens to the machine.
struct Promise {
  /// By offset: what was appended, and whether somebody was told that it is durable or could read it.
  struct Record {
    std::string value;
    bool kept = false;
  };
  std::map<Offset, Record> records;
  Offset deleted_before{0};
};

/// A data folder with two partitions under random use, on a disk whose power fails at a random change, again and again.
class Story {
 public:
  explicit Story(std::uint64_t seed) : random_(seed), disk_(seed * 7919) {}

  void run() {
    for (int life = 0; life < 6; ++life) {
      disk_.fail_power_after(1 + random_.below(life == 0 ? 400 : 150));
      if (open()) {
        for (int step = 0; step < 200 && disk_.power_is_on(); ++step) use();
      }
      end();
      // A power failure during the recovery, too.
      while (random_.one_in(3)) {
        disk_.fail_power_after(1 + random_.below(30));
        (void)open();
        end();
      }
      ASSERT_TRUE(open()) << problem_;
      for (std::size_t i = 0; i < kPartitions; ++i) check(i);
      if (testing::Test::HasFailure()) return;
      if (random_.one_in(4)) {
        logs_.clear();
        ASSERT_TRUE(manager_->close());
      } else {
        disk_.fail_power();
      }
      end();
    }
  }

 private:
  static constexpr std::size_t kPartitions = 2;

  static TopicPartition name(std::size_t i) { return {"topic", PartitionIndex{static_cast<std::int32_t>(i)}}; }

  bool open() {
    LogConfig config;
    config.segment_bytes = 3000;
    config.index_interval_bytes = 300;
    config.retention_ms = std::chrono::milliseconds{-1};
    LogManager::Options options;
    options.initial_config = config;
    options.recovery_threads = 1;
    options.flush_threads = 0;
    options.open_files = 4;
    options.checkpoint_interval = std::chrono::milliseconds{0};
    options.random_seed = 1 + random_();
    auto manager = LogManager::open(disk_, "/var/data", options, pool_, clock_, logger_);
    if (!manager) return note(manager.error());
    manager_ = *std::move(manager);
    for (std::size_t i = 0; i < kPartitions; ++i) {
      auto log = manager_->find(name(i));
      if (!log && log.error().code() == ErrorCode::kUnknownTopicOrPartition) {
        if (!promises_[i].records.empty()) return note(log.error());
        log = manager_->create(name(i), {}, config);
      }
      if (!log) return note(log.error());
      logs_.push_back(*log);
    }
    return true;
  }

  bool note(const Error& error) {
    problem_ = error.message();
    return false;
  }

  void end() {
    disk_.fail_power();
    logs_.clear();
    manager_.reset();
    if (random_.one_in(4)) {
      disk_.restart_process();
    } else {
      disk_.restore_power();
    }
  }

  void use() {
    const auto i = random_.below(kPartitions);
    switch (random_.below(12)) {
      case 0:
      case 1:
        flush();
        break;
      case 2:
        read(i);
        break;
      case 3:
        if (random_.one_in(4)) (void)logs_[i]->roll();
        break;
      case 4:
        if (random_.one_in(4)) trim(i);
        break;
      case 5:
        if (random_.one_in(4)) manager_->tick();
        break;
      default:
        append(i);
    }
  }

  void flush() {
    // While a sync takes its time, others go on appending.
    disk_.on_sync([this] {
      if (std::exchange(in_sync_, true)) return;
      if (random_.one_in(3)) append(random_.below(kPartitions));
      in_sync_ = false;
    });
    manager_->run_flush_round();
    disk_.on_sync({});
  }

  void append(std::size_t i) {
    clock_.advance(std::chrono::milliseconds{1});
    std::vector<std::string> values;
    for (auto n = 1 + random_.below(3); n > 0; --n) {
      values.push_back(std::to_string(i) + ":" + std::to_string(next_value_++) + std::string(random_.below(700), '.'));
    }
    const auto batch = Batches{pool_}.of(values, clock_.wall().time_since_epoch().count());
    // One that fails because the power does may be there afterwards.
    auto& promise = promises_[i];
    const auto base = logs_[i]->log_end();
    for (std::size_t k = 0; k < values.size(); ++k)
      promise.records[base + static_cast<std::int64_t>(k)] = {values[k], false};
    const auto info = logs_[i]->append(batch.bytes, LeaderEpoch{static_cast<std::int32_t>(next_value_ / 100)});
    if (!info) return;
    EXPECT_EQ(info->base_offset, base);
    logs_[i]->when_durable(info->last_offset + 1, [&promise, at = *info](const Result<void>& result) {
      if (!result) return;
      for (auto offset = at.base_offset; offset <= at.last_offset; ++offset) promise.records[offset].kept = true;
    });
  }

  void read(std::size_t i) {
    const auto slice = logs_[i]->read(logs_[i]->log_start(), 2000, Isolation::kHighWatermark);
    if (!slice) return;
    for (BatchCursor batches{slice->bytes}; batches.next();) {
      for (auto at = batches.batch().base_offset(); at < batches.batch().next_offset(); ++at) {
        promises_[i].records[at].kept = true;
      }
    }
  }

  void trim(std::size_t i) {
    const auto high = logs_[i]->high_watermark();
    const auto before = Offset{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(high.value()) + 1))};
    // It may be half done when the power fails.
    trimming_[i] = std::max(trimming_[i], before);
    const auto start = manager_->delete_records(name(i), before);
    if (start) promises_[i].deleted_before = std::max(promises_[i].deleted_before, *start);
  }

  void check(std::size_t i) {
    auto& promise = promises_[i];
    const auto& log = *logs_[i];
    EXPECT_TRUE(log.verify());
    EXPECT_GE(log.log_start(), promise.deleted_before);
    EXPECT_LE(log.log_start(), std::max(trimming_[i], promise.deleted_before));
    EXPECT_EQ(log.high_watermark(), log.log_end());
    const auto values = read_records(log);
    const auto lines = logger_.lines();
    for (const auto& line : lines) EXPECT_FALSE(line.contains("the index of")) << line;
    if (log.log_start() < log.log_end()) {
      // The batch's first record is the first with its time.
      const auto first = log.read(log.log_end() + -1, 1, Isolation::kHighWatermark).value();
      const auto batch = RecordBatchView::parse(first.bytes).value();
      const auto found = log.offset_for_time(batch.max_timestamp()).value();
      ASSERT_TRUE(found.has_value());
      EXPECT_EQ(found->offset, std::max(batch.base_offset(), log.log_start()));
    }
    for (const auto& [offset, record] : promise.records) {
      if (offset < log.log_start()) continue;
      const auto found = values.find(offset);
      if (found == values.end()) {
        EXPECT_FALSE(record.kept) << "lost offset " << offset.value() << " of " << i;
      } else {
        EXPECT_EQ(found->second, record.value) << "at offset " << offset.value();
      }
    }
    EXPECT_LE(log.log_end(), promise.records.empty() ? Offset{0} : promise.records.rbegin()->first + 1);
    // From now on readers see these.
    promise.records.erase(promise.records.lower_bound(log.log_end()), promise.records.end());
    for (auto& [offset, record] : promise.records) record.kept = true;
  }

  /// Every offset once, in order.
  std::map<Offset, std::string> read_records(const PartitionLog& log) {
    std::map<Offset, std::string> values;
    auto next = log.log_start();
    while (true) {
      const auto slice = log.read(next, 1500, Isolation::kHighWatermark);
      if (!slice) {
        ADD_FAILURE() << slice.error().message();
        return values;
      }
      if (slice->bytes.empty()) break;
      for (BatchCursor batches{slice->bytes}; batches.next();) {
        auto records = batches.batch().records(pool_).value();
        while (records.next()) {
          if (records.record().offset < next) continue;
          EXPECT_EQ(records.record().offset, next);
          values[next] = records.record().value.text();
          ++next;
        }
      }
    }
    EXPECT_EQ(next, log.log_end());
    return values;
  }

  Random random_;
  SimulatedFileSystem disk_;
  BufferPool pool_;
  ManualClock clock_;
  MemoryLogger logger_;
  std::unique_ptr<LogManager> manager_;
  std::vector<std::shared_ptr<PartitionLog>> logs_;
  std::array<Promise, kPartitions> promises_;
  std::array<Offset, kPartitions> trimming_{};
  std::uint64_t next_value_ = 0;
  bool in_sync_ = false;
  std::string problem_;
};

TEST(PowerFailure, NeverTakesBackWhatWasAcknowledgedOrRead) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Story{seed}.run();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace millrace
