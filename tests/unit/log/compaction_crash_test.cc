#include "base/random.h"
#include "unit/log/compaction_fixture.h"

namespace millrace {
namespace {

/// Compaction while the power fails, processes die and logs are opened again.
class CompactionCrashTest : public CompactionFixture {
 protected:
  void start_over() {
    disk.fail_power();
    end_process();
    disk.restore_power();
    ASSERT_TRUE(remove_tree(disk, "/data"));
    ASSERT_TRUE(disk.make_directories("/data/t-0"));
    begin_process();
    cleaned_to = Offset{0};
    open();
  }
  void crash(bool power) {
    disk.fail_power();
    end_process();
    if (power) {
      disk.restore_power();
    } else {
      disk.restart_process();
    }
  }
  /// Small segments with something of everything that compaction keeps or drops.
  void fill() {
    const auto now = clock.wall().time_since_epoch().count();
    std::int32_t sequences[2] = {};
    for (int i = 0; i < 24; ++i) {
      std::vector<KeyedRecord> records{{"k" + std::to_string(i % 5), std::to_string(i)}};
      if (i % 7 == 3) {
        records[0].second.reset();
      } else {
        records.emplace_back("x" + std::to_string(i % 3), "x");
      }
      BatchProducer producer;
      if (i % 3 != 0) {
        auto& sequence = sequences[i % 2];
        producer = {.id = ProducerId{i % 2}, .epoch = ProducerEpoch{0}, .base_sequence = sequence};
        sequence += static_cast<std::int32_t>(records.size());
      }
      put(records, now + i, producer);
    }
    settle();
  }
};

TEST_F(CompactionCrashTest, APowerFailureAtAnyChangeLeavesEachSegmentOldOrNew) {
  config.segment_bytes = 500;
  config.delete_retention = std::chrono::milliseconds{0};
  std::uint64_t stop = 0;
  bool interrupted = true;
  for (; interrupted && stop < 1000; ++stop) {
    for (const bool power : {true, false}) {
      SCOPED_TRACE(testing::Message() << "change " << stop << (power ? ", power" : ", process"));
      start_over();
      fill();
      const auto expected = newest();
      const auto end = log->log_end();
      // The second pass removes tombstones and merges what the first has left.
      compact();
      put({{"k0", "last"}});
      settle();
      disk.fail_power_after(stop + 1);
      const auto report = try_compact();
      if (report) log->remove_replaced_files();
      interrupted = !disk.power_is_on();
      crash(power);
      // A power failure while the next start brings it to an end, too.
      disk.fail_power_after(1 + stop % 7);
      if (auto again = DurablePositions::open(disk, "/data/durable-positions")) {
        positions = *std::move(again);
        flusher = std::make_unique<Flusher>(Flusher::Options{0});
        (void)try_open();
      }
      crash(power);
      begin_process();
      open();
      ASSERT_TRUE(log);
      auto now = newest();
      EXPECT_EQ(now["k0"], "last");
      now["k0"] = expected.contains("k0") ? expected.at("k0") : std::nullopt;
      if (!now["k0"]) now.erase("k0");
      EXPECT_EQ(now, expected);
      EXPECT_EQ(log->log_end(), end + 1);
      EXPECT_TRUE(log->verify());
      for (const auto& name : names()) {
        EXPECT_FALSE(name.ends_with(".deleted") || name.ends_with(".swap") || name.ends_with(".cleaned")) << name;
      }
      cleaned_to = Offset{0};
      settle();
      compact();
      EXPECT_EQ(newest()["k0"], "last");
      EXPECT_EQ(texts().size(), newest().size());
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(stop, 20U);
  EXPECT_FALSE(interrupted);
}

/// Random use of a compacted log, held against a map.
class Model {
 public:
  void apply(const std::string& key, const std::optional<std::string>& value) {
    if (value) {
      values_[key] = value;
    } else {
      values_.erase(key);
    }
  }
  [[nodiscard]] const std::map<std::string, std::optional<std::string>>& values() const { return values_; }

 private:
  std::map<std::string, std::optional<std::string>> values_;
};

TEST_F(CompactionCrashTest, RandomUseGivesWhatAMapGives) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random{seed};
    config.segment_bytes = 300 + static_cast<std::int64_t>(random.below(3000));
    config.delete_retention = std::chrono::milliseconds{random.below(3) * 1000};
    start_over();
    Model model;
    std::map<std::int64_t, std::int32_t> sequences;
    int number = 0;
    for (int step = 0; step < 250; ++step) {
      switch (random.below(14)) {
        case 0:
          settle();
          break;
        case 1: {
          const auto report = try_compact({.map_bytes = 24 * (2 + random.below(60)), .secret = {seed, seed}});
          ASSERT_TRUE(report.has_value()) << report.error().message();
          break;
        }
        case 2:
          log->remove_replaced_files();
          break;
        case 3:
          clock.advance(std::chrono::milliseconds{random.below(2000)});
          break;
        case 4:
          flush();
          if (random.one_in(2)) {
            crash(random.one_in(2));
            begin_process();
            open();
          } else {
            close_and_open();
          }
          ASSERT_TRUE(log);
          if (random.one_in(3)) cleaned_to = Offset{0};
          EXPECT_EQ(newest(), model.values());
          break;
        default: {
          std::vector<KeyedRecord> records;
          for (auto count = 1 + random.below(4); count > 0; --count) {
            const auto key = "key " + std::to_string(random.below(25));
            std::optional<std::string> value;
            if (!random.one_in(4)) value = std::to_string(++number) + std::string(random.below(60), 'v');
            model.apply(key, value);
            records.emplace_back(key, value);
          }
          BatchProducer producer;
          if (random.one_in(2)) {
            producer = {.id = ProducerId{static_cast<std::int64_t>(random.below(3))}, .epoch = ProducerEpoch{0}};
            auto& next = sequences[producer.id.value()];
            producer.base_sequence = next;
            next += static_cast<std::int32_t>(records.size());
          }
          const auto codec = static_cast<Compression>(random.below(5));
          put(records, clock.wall().time_since_epoch().count(), producer, {.compression = codec});
        }
      }
      if (HasFailure()) return;
    }
    settle();
    const auto end = log->log_end();
    for (int pass = 0; pass < 3; ++pass) {
      ASSERT_TRUE(try_compact());
      clock.advance(std::chrono::seconds{10});
      cleaned_to = Offset{0};
    }
    EXPECT_EQ(newest(), model.values());
    // Nothing is left but the newest of each key.
    EXPECT_EQ(texts().size(), model.values().size());
    EXPECT_EQ(log->log_end(), end);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace millrace
