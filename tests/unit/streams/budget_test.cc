#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "fake_client.h"
#include "millrace/streams.h"

namespace millrace::streams {
namespace {

using namespace std::chrono_literals;

/// A few heavy words and very many that come once, as paths and visitors of a web site under attack do.
void fill(FakeClient& client, std::map<std::string, std::int64_t>& counts) {
  client.make("words", 1);
  Random random{99};
  for (int i = 0; i < 60'000; ++i) {
    const auto word =
        random.one_in(2) ? "heavy-" + std::to_string(random.below(20)) : "rare-" + std::to_string(random());
    ++counts[word];
    client.append("words", 0, {Timestamp{std::chrono::milliseconds{i}}, std::nullopt, word, {}});
  }
}

struct Found {
  std::vector<std::pair<std::string, std::int64_t>> words;
  std::uint64_t distinct = 0;
  std::uint64_t error_bound = 0;
  std::uint64_t state_bytes = 0;
  bool approximate = false;
  bool operator==(const Found&) const = default;
};

Found run(FakeClient& client, std::uint64_t budget, const Properties& config) {
  Builder builder;
  builder.memory_budget(budget);
  auto words = builder.stream("words", text());
  auto counts = words.group_by([](std::string_view word) { return word; }).count();
  auto distinct = words.group_all().count_distinct([](std::string_view word) { return word; });
  auto job = Job::start(builder.build(), client, config);
  EXPECT_TRUE(job) << job.error().message();
  EXPECT_TRUE((*job)->wait_until_caught_up(60s));
  Found found;
  EXPECT_TRUE((*job)->read(counts.store(), [&](const auto& store) {
    store.for_each([&](const auto& word, auto count) { found.words.emplace_back(word, count); });
    found.error_bound = store.error_bound();
  }));
  EXPECT_TRUE((*job)->read(distinct.store(), [&](const auto& store) { found.distinct = store.find(All{})->count(); }));
  found.state_bytes = (*job)->stats().state_bytes;
  found.approximate = (*job)->stats().approximate;
  return found;
}

const Properties kFlushes{{"cache.flush.records", "5000"}, {"cache.flush.idle.ms", "-1"}};

TEST(MemoryBudget, LeavesEveryFigureExactWhileItLasts) {
  FakeClient client;
  std::map<std::string, std::int64_t> expected;
  fill(client, expected);

  const auto found = run(client, 100 << 20, kFlushes);

  EXPECT_FALSE(found.approximate);
  EXPECT_EQ((std::map<std::string, std::int64_t>(found.words.begin(), found.words.end())), expected);
  EXPECT_EQ(found.distinct, expected.size());
}

TEST(MemoryBudget, WhenSpentKeepsTheHeaviestAndSaysSo) {
  FakeClient client;
  std::map<std::string, std::int64_t> expected;
  fill(client, expected);

  const auto found = run(client, 300 << 10, kFlushes);

  EXPECT_TRUE(found.approximate);
  // What comes between two flush points is on top.
  EXPECT_LT(found.state_bytes, (300U << 10) + 5'000 * 150);
  std::map<std::string, std::int64_t> kept(found.words.begin(), found.words.end());
  for (int i = 0; i < 20; ++i) {
    const auto word = "heavy-" + std::to_string(i);
    EXPECT_EQ(kept[word], expected[word]);
  }
  EXPECT_GE(found.error_bound, 1U);
  // Space-Saving's bound: all that was counted, divided by what is kept.
  EXPECT_LT(found.error_bound, 60'000U / found.words.size());
  EXPECT_NEAR(static_cast<double>(found.distinct), static_cast<double>(expected.size()),
              0.03 * static_cast<double>(expected.size()));
}

TEST(MemoryBudget, WhenSpentGivesTheSameFiguresWhateverTheThreads) {
  FakeClient client;
  std::map<std::string, std::int64_t> expected;
  fill(client, expected);
  const auto one = run(client, 300 << 10, kFlushes);
  for (const auto* threads : {"2", "8"}) {
    auto config = kFlushes;
    config["num.stream.threads"] = threads;
    config["chunk.records"] = "123";
    EXPECT_EQ(run(client, 300 << 10, config), one) << threads;
  }
}

}  // namespace
}  // namespace millrace::streams
