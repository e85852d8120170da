#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "base/random.h"
#include "base/simulated_files.h"
#include "millrace/streams/codec.h"
#include "millrace/streams/detail/state_table.h"
#include "millrace/streams/distinct.h"
#include "state/checkpoint.h"

namespace millrace::streams {
namespace {

using Table = detail::StateTable<std::string, std::int64_t>;

std::vector<std::string> dump(const Table& table) {
  std::vector<std::string> lines;
  table.for_each(
      [&](const auto& entry) { lines.push_back(fmt::format("{} {} {}", entry.window, entry.key, entry.value)); });
  return lines;
}

Table::EntryId upsert(Table& table, const std::string& key, std::int64_t window) {
  const auto hash = Table::hash_of(hash_text(key), window);
  auto id = table.find(hash, std::string_view{key}, window);
  if (id == detail::StateIndex::kNone) id = table.add(hash, std::string_view{key}, window, 0);
  ++table.at(id).value;
  return id;
}

TEST(StateTable, HoldsWhatAMapHoldsThroughAddsDropsAndRestores) {
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    SCOPED_TRACE(seed);
    Random random{seed};
    auto table = std::make_unique<Table>();
    std::map<std::int64_t, std::map<std::string, std::int64_t>> expected;
    for (int step = 0; step < 30'000; ++step) {
      const auto window = static_cast<std::int64_t>(random.below(40)) * 1000;
      if (random.one_in(500)) {
        table->drop_window(window);
        expected.erase(window);
      } else if (random.one_in(5'000)) {
        StateWriter out;
        table->write(out);
        table = std::make_unique<Table>();
        StateReader in{out.buffer()};
        table->read(in);
        ASSERT_TRUE(in.ok());
        ASSERT_EQ(in.left(), 0U);
      } else {
        const auto key = "key-" + std::to_string(random.below(200));
        upsert(*table, key, window);
        ++expected[window][key];
      }
    }
    std::map<std::int64_t, std::map<std::string, std::int64_t>> found;
    table->for_each([&](const auto& entry) { found[entry.window][entry.key] = entry.value; });
    EXPECT_EQ(found, expected);
  }
}

TEST(StateTable, GivesDirtyEntriesInTheOrderTheyWereTouchedAlsoAfterARestore) {
  Table table;
  table.mark_dirty(upsert(table, "a", 5));
  table.mark_dirty(upsert(table, "b", 7));
  table.mark_dirty(upsert(table, "c", 5));
  table.mark_dirty(upsert(table, "a", 5));
  table.drop_window(7);
  table.mark_dirty(upsert(table, "d", 9));
  StateWriter out;
  table.write(out);
  Table restored;
  StateReader in{out.buffer()};
  restored.read(in);
  ASSERT_TRUE(in.ok());

  for (auto* each : {&table, &restored}) {
    std::string order;
    each->take_dirty([&](auto id) { order += each->at(id).key; });
    EXPECT_EQ(order, "acd");
    EXPECT_FALSE(each->has_dirty());
  }
  EXPECT_EQ(dump(table), dump(restored));
}

TEST(StateTable, PruningKeepsTheOrderAndRemembersWhatNewEntriesMayHaveMissed) {
  Table table;
  for (int i = 0; i < 10; ++i) {
    for (int times = 0; times <= i; ++times) upsert(table, "k" + std::to_string(i), 0);
  }
  table.prune(5, [](const auto& entry) { return entry.value > 5; });
  upsert(table, "new", 0);

  EXPECT_EQ(dump(table), (std::vector<std::string>{"0 k5 6", "0 k6 7", "0 k7 8", "0 k8 9", "0 k9 10", "0 new 1"}));
  EXPECT_EQ(table.at(upsert(table, "new", 0)).error, 5U);
  EXPECT_TRUE(table.pruned());
}

TEST(DistinctCounter, IsExactAndDoesNotDependOnTheOrder) {
  Random random{5};
  std::vector<std::uint64_t> hashes;
  for (std::uint64_t i = 0; i < 50'000; ++i) hashes.push_back(hash_number(i % 30'000));
  DistinctCounter forward;
  DistinctCounter left;
  DistinctCounter right;
  for (const auto hash : hashes) forward.add(hash);
  std::shuffle(hashes.begin(), hashes.end(), random);
  for (const auto hash : hashes) (hash % 2 == 0 ? left : right).add(hash);
  right.merge(left);

  EXPECT_EQ(forward.count(), 30'000U);
  EXPECT_EQ(right, forward);
  StateWriter a;
  StateWriter b;
  forward.write_state(a);
  right.write_state(b);
  EXPECT_EQ(a.buffer(), b.buffer());
  StateReader in{a.buffer()};
  EXPECT_EQ(DistinctCounter::read_state(in), forward);
}

TEST(DistinctCounter, HoldsTheHashesAtTheEndsOfTheirRange) {
  DistinctCounter counter;
  for (std::uint64_t i = 0; i < 200; ++i) {
    counter.add(i);
    counter.add(UINT64_MAX - i);
  }
  EXPECT_EQ(counter.count(), 399U);  // 0 is taken for 1
}

TEST(DistinctCounter, IsWithinThreePercentOnceItIsApproximate) {
  for (const std::uint64_t count : {100, 10'000, 1'000'000}) {
    SCOPED_TRACE(count);
    DistinctCounter counter;
    DistinctCounter other;
    for (std::uint64_t i = 0; i < count / 2; ++i) counter.add(hash_number(i));
    counter.approximate_now();
    for (std::uint64_t i = count / 4; i < count; ++i) other.add(hash_number(i));
    counter.merge(other);
    EXPECT_TRUE(counter.approximate());
    EXPECT_NEAR(static_cast<double>(counter.count()), static_cast<double>(count), 0.03 * static_cast<double>(count));
    StateWriter out;
    counter.write_state(out);
    StateReader in{out.buffer()};
    EXPECT_EQ(DistinctCounter::read_state(in).count(), counter.count());
  }
}

struct Mixed {
  std::int64_t number = 0;
  std::string text;
  std::optional<double> maybe;
  std::map<std::string, std::vector<std::uint16_t>> lists;
  std::tuple<std::string, std::array<std::int32_t, 2>> tuple;
  Timestamp time;
  bool operator==(const Mixed&) const = default;
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("number", self.number);
    visit("text", self.text);
    visit("maybe", self.maybe);
    visit("lists", self.lists);
    visit("tuple", self.tuple);
    visit("time", self.time);
  }
};

TEST(Codec, ReadsBackWhatItWroteAndNoticesWhatIsCutOff) {
  const Mixed value{INT64_MIN,
                    std::string(300, 'x'),
                    0.1,
                    {{"a", {1, 65535}}, {"", {}}},
                    {"t", {-1, 7}},
                    Timestamp{std::chrono::milliseconds{-5}}};
  StateWriter out;
  write_state(out, value);

  StateReader in{out.buffer()};
  EXPECT_EQ(read_state<Mixed>(in), value);
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.left(), 0U);
  for (std::size_t size = 0; size < out.buffer().size(); ++size) {
    StateReader cut{std::string_view{out.buffer()}.substr(0, size)};
    static_cast<void>(read_state<Mixed>(cut));
    EXPECT_FALSE(cut.ok()) << size;
  }
}

Result<void> save(CheckpointFolder& folder, std::string_view content) {
  MILLRACE_TRY(draft, folder.begin());
  draft.content().bytes(content);
  draft.finish_content();
  return draft.commit();
}

TEST(Checkpoint, IsTheOldOrTheNewOneWhereverThePowerFails) {
  NullLogger logger;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    SimulatedFileSystem disk{seed};
    std::string acknowledged;
    std::string attempted;
    {
      auto folder = CheckpointFolder::open(disk, "/state/job/0_all", "topology", logger);
      ASSERT_TRUE(folder) << folder.error().message();
      disk.fail_power_after(1 + seed % 40);
      for (int i = 0; i < 10; ++i) {
        attempted = fmt::format("content {} {}", i, std::string(static_cast<std::size_t>(i) * 1000, 'x'));
        if (!save(*folder, attempted)) break;
        acknowledged = attempted;
      }
    }
    disk.restore_power();

    auto folder = CheckpointFolder::open(disk, "/state/job/0_all", "topology", logger);
    ASSERT_TRUE(folder) << folder.error().message();
    const auto loaded = folder->load();
    ASSERT_TRUE(loaded) << loaded.error().message();
    const auto found = loaded->value_or("");
    EXPECT_TRUE(found == acknowledged || found == attempted);
  }
}

TEST(Checkpoint, OnAFullDiskIsAnErrorAndTheOneBeforeStays) {
  NullLogger logger;
  SimulatedFileSystem disk{1};
  auto folder = CheckpointFolder::open(disk, "/state", "topology", logger);
  ASSERT_TRUE(folder);
  ASSERT_TRUE(save(*folder, "small"));
  disk.set_capacity(4096);

  const auto saved = save(*folder, std::string(10'000, 'x'));

  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code(), ErrorCode::kNoSpace);
  EXPECT_EQ(folder->load()->value(), "small");
  EXPECT_TRUE(save(*folder, "small again"));
}

}  // namespace
}  // namespace millrace::streams
