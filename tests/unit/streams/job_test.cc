#include "millrace/streams/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "test_job.h"

namespace millrace::streams {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// Flushes only where the input says so.
Properties deterministic(const std::string& scheduler, int threads) {
  return {{"application.id", "visits"},
          {"stream.scheduler", scheduler},
          {"num.stream.threads", std::to_string(threads)},
          {"cache.flush.records", "777"},
          {"cache.flush.interval.ms", "900"},
          {"cache.flush.idle.ms", "-1"},
          {"chunk.records", "256"}};
}

struct Outcome {
  std::map<std::string, std::vector<std::string>> stores;
  std::map<std::string, std::vector<std::vector<FakeClient::Stored>>> outputs;
  bool operator==(const Outcome&) const = default;
};

void fill(FakeClient& client, const std::vector<FakeClient::Stored>& input, std::int32_t partitions) {
  client.make("visits", partitions);
  std::int32_t turn = 0;
  for (const auto& record : input) client.append("visits", turn++ % partitions, record);
}

Outcome outcome_of(const Job& job, const FakeClient& client) {
  Outcome outcome{dump_stores(job), {}};
  for (const auto& topic : output_topics()) {
    for (std::int32_t partition = 0; partition < client.partitions(topic); ++partition) {
      outcome.outputs[topic].push_back(client.records(topic, partition));
    }
  }
  return outcome;
}

Outcome run_to_the_end(FakeClient& client, const Properties& config) {
  auto job = Job::start(visits_topology(), client, config);
  if (!job) throw std::runtime_error(job.error().message());
  const auto caught_up = (*job)->wait_until_caught_up(60s);
  if (!caught_up) throw std::runtime_error(caught_up.error().message());
  auto outcome = outcome_of(**job, client);
  const auto stopped = (*job)->stop();
  if (!stopped) throw std::runtime_error(stopped.error().message());
  return outcome;
}

TEST(Job, GivesTheSameResultsWhateverTheThreadsAndHoweverTheInputArrives) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    for (const std::int32_t partitions : {1, 3}) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", partitions " << partitions);
      const auto input = visits_input(seed, 8'000);
      FakeClient first;
      fill(first, input, partitions);
      const auto expected = run_to_the_end(first, deterministic("threads", 1));
      ASSERT_GT(expected.stores.at("paths").size(), 300U);
      ASSERT_GT(expected.outputs.at("closed").at(0).size(), 300U);
      ASSERT_GT(expected.outputs.at("garbled").at(0).size(), 20U);

      struct Variant {
        const char* scheduler;
        int threads;
        const char* chunk;
      };
      for (const auto& [scheduler, threads, chunk] :
           {Variant{"threads", 1, "1"}, Variant{"threads", 3, "100"}, Variant{"tbb", 1, "256"},
            Variant{"tbb", 2, "999"}, Variant{"tbb", 8, "64"}}) {
        SCOPED_TRACE(testing::Message() << scheduler << ' ' << threads << ' ' << chunk);
        FakeClient client{seed * 100 + static_cast<std::uint64_t>(threads)};
        fill(client, input, partitions);
        auto config = deterministic(scheduler, threads);
        config["chunk.records"] = chunk;
        const auto outcome = run_to_the_end(client, config);
        for (const auto& [name, lines] : expected.stores) EXPECT_EQ(outcome.stores.at(name), lines) << name;
        for (const auto& [name, records] : expected.outputs) EXPECT_EQ(outcome.outputs.at(name), records) << name;
      }
    }
  }
}

TEST(Job, GoesOnExactlyWhereItStopped) {
  for (const std::uint64_t seed : {11, 12}) {
    SCOPED_TRACE(seed);
    const auto input = visits_input(seed, 12'000);
    FakeClient whole;
    fill(whole, input, 1);
    const auto expected = run_to_the_end(whole, deterministic("threads", 1));

    TemporaryFolder folder;
    auto config = deterministic("tbb", 4);
    config["state.dir"] = folder.path();
    FakeClient client{seed};
    client.make("visits", 1);
    Random random{seed};
    std::size_t at = 0;
    Outcome outcome;
    while (at < input.size()) {
      const auto next = std::min(input.size(), at + 1 + random.below(5'000));
      for (; at < next; ++at) client.append("visits", 0, input[at]);
      outcome = run_to_the_end(client, config);
    }

    EXPECT_EQ(outcome.stores, expected.stores);
    // Windows that close do so once; the other results may be repeated, because stopping flushes.
    EXPECT_EQ(outcome.outputs.at("closed"), expected.outputs.at("closed"));
    EXPECT_EQ(outcome.outputs.at("big"), expected.outputs.at("big"));
  }
}

TEST(Job, GoesOnFromTheLastCheckpointAfterACrash) {
  const auto input = visits_input(21, 12'000);
  FakeClient whole;
  fill(whole, input, 1);
  const auto expected = run_to_the_end(whole, deterministic("threads", 1));

  TemporaryFolder folder;
  TemporaryFolder crashed;
  auto config = deterministic("tbb", 2);
  config["state.dir"] = folder.path();
  config["commit.interval.ms"] = "100000";
  FakeClient client{5};
  client.make("visits", 1);
  for (std::size_t i = 0; i < 7'000; ++i) client.append("visits", 0, input[i]);
  {
    auto job = Job::start(visits_topology(), client, config);
    ASSERT_TRUE(job) << job.error().message();
    ASSERT_TRUE((*job)->checkpoint_now());
    ASSERT_TRUE((*job)->wait_until_caught_up(60s));
    ASSERT_TRUE((*job)->checkpoint_now());
    std::filesystem::copy(folder.path(), crashed.path(), std::filesystem::copy_options::recursive);
    for (std::size_t i = 7'000; i < input.size(); ++i) client.append("visits", 0, input[i]);
    ASSERT_TRUE((*job)->wait_until_caught_up(60s));
  }
  config["state.dir"] = crashed.path();

  const auto outcome = run_to_the_end(client, config);

  EXPECT_EQ(outcome.stores, expected.stores);
}

TEST(Job, TellsAfterACheckpointUpToWhereTheInputIsNotNeededAnyMore) {
  TemporaryFolder folder;
  auto config = deterministic("tbb", 2);
  config["state.dir"] = folder.path();
  FakeClient client;
  fill(client, visits_input(31, 1'000), 1);
  std::atomic<std::int64_t> needed_from{-1};
  auto job =
      Job::start(visits_topology(), client, config,
                 {.on_checkpoint = [&](const CheckpointInfo& info) { needed_from = info.inputs.at(0).next.value(); }});
  ASSERT_TRUE(job) << job.error().message();

  ASSERT_TRUE((*job)->wait_until_caught_up(60s));
  ASSERT_TRUE((*job)->checkpoint_now());

  EXPECT_EQ(needed_from, 1'000);
  EXPECT_EQ((*job)->stats().records, 1'000U);
  EXPECT_GT((*job)->stats().dead_letters, 0U);
}

std::string newest_checkpoint(const std::string& folder) {
  std::string newest;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("checkpoint-")) newest = std::max(newest, entry.path().string());
  }
  return newest;
}

void damage(const std::string& path) {
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
  file.put('#').put('#').put('#');
}

TEST(Job, UsesTheCheckpointBeforeADamagedOneAndSaysSoWhenThereIsNone) {
  TemporaryFolder folder;
  auto config = deterministic("tbb", 2);
  config["state.dir"] = folder.path();
  const auto input = visits_input(41, 3'000);
  FakeClient client;
  fill(client, input, 1);
  {
    auto job = Job::start(visits_topology(), client, config);
    ASSERT_TRUE(job) << job.error().message();
    ASSERT_TRUE((*job)->checkpoint_now());
    ASSERT_TRUE((*job)->wait_until_caught_up(60s));
  }
  FakeClient whole;
  fill(whole, input, 1);
  const auto expected = run_to_the_end(whole, deterministic("threads", 1));

  damage(newest_checkpoint(folder.path()));
  EXPECT_EQ(run_to_the_end(client, config).stores, expected.stores);

  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (entry.is_regular_file() && entry.file_size() > 0) damage(entry.path().string());
  }
  const auto job = Job::start(visits_topology(), client, config);
  ASSERT_FALSE(job);
  EXPECT_EQ(job.error().code(), ErrorCode::kCorruptLog);
  EXPECT_THAT(job.error().message(), HasSubstr("Remove the folder"));
}

Topology small_topology(std::chrono::milliseconds window) {
  Builder builder;
  builder.stream("visits", text()).group_by_key().window(tumbling(window)).count().as("counts").to("counts");
  return builder.build();
}

TEST(Job, RefusesStateOfAnotherTopologyAndASecondOwner) {
  TemporaryFolder folder;
  FakeClient client;
  client.make("visits", 1);
  client.append("visits", 0, {Timestamp{}, "a", "1", {}});
  const Properties config{{"application.id", "small"}, {"state.dir", folder.path()}};
  auto job = Job::start(small_topology(1min), client, config);
  ASSERT_TRUE(job) << job.error().message();
  const auto second = Job::start(small_topology(1min), client, config);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kInUse);
  ASSERT_TRUE((*job)->wait_until_caught_up(60s));
  ASSERT_TRUE((*job)->stop());
  job->reset();

  const auto other = Job::start(small_topology(2min), client, config);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(other.error().message(), HasSubstr("tumbling 60000 ms"));
}

TEST(Job, EndsWithAnErrorThatNamesTheRecordWhenThePolicyIsFail) {
  FakeClient client;
  client.make("numbers", 1);
  client.append("numbers", 0, {Timestamp{}, std::nullopt, "1", {}});
  client.append("numbers", 0, {Timestamp{}, std::nullopt, "one", {}});
  Builder builder;
  builder.stream("numbers", integer()).to("out");
  auto job = Job::start(builder.build(), client, {});
  ASSERT_TRUE(job) << job.error().message();

  const auto ended = (*job)->wait();

  ASSERT_FALSE(ended);
  EXPECT_THAT(ended.error().message(), HasSubstr("cannot decode the record at offset 1 of numbers-0"));
  EXPECT_THAT(ended.error().message(), HasSubstr("\"one\" is not a whole number"));
}

TEST(Job, EndsWithTheErrorOfItsOutputs) {
  FakeClient client;
  client.make("in", 1);
  client.append("in", 0, {Timestamp{}, "k", "v", {}});
  client.fail_sends(Error{ErrorCode::kNoSpace, "the disk is full"});
  Builder builder;
  builder.stream("in", text()).to("out");
  auto job = Job::start(builder.build(), client, {});
  ASSERT_TRUE(job) << job.error().message();

  const auto ended = (*job)->wait();

  ASSERT_FALSE(ended);
  EXPECT_THAT(ended.error().message(), HasSubstr("cannot send a result to out: the disk is full"));
}

TEST(Job, RefusesMissingInputsAndUnknownKeys) {
  FakeClient client;
  client.make("visits", 1);
  Builder builder;
  builder.stream("nothing", text()).to("out");
  const auto missing = Job::start(builder.build(), client, {});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("cannot read topic nothing"));

  const auto unknown = Job::start(small_topology(1min), client, {{"num.streams.threads", "2"}});
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message(), HasSubstr("Did you mean \"num.stream.threads\"?"));
}

TEST(Job, CountsInOneTaskForEachPartitionAndThroughARepartitionTopic) {
  TemporaryFolder folder;
  FakeClient client{7};
  client.make("words", 3);
  Random random{7};
  std::map<std::string, std::int64_t> expected;
  for (int i = 0; i < 5'000; ++i) {
    const auto word = "w" + std::to_string(random.below(100));
    ++expected[word];
    client.append("words", static_cast<std::int32_t>(random.below(3)),
                  {Timestamp{std::chrono::milliseconds{i}}, std::nullopt, word, {}});
  }
  Builder builder;
  builder.stream("words", text())
      .select_key([](std::string_view word) { return word; })
      .repartition("by-word", 4)
      .group_by_key()
      .count()
      .as("counts")
      .to(topic("counts").partitions(2));
  auto job = Job::start(builder.build(), client,
                        {{"application.id", "words"}, {"state.dir", folder.path()}, {"num.stream.threads", "3"}});
  ASSERT_TRUE(job) << job.error().message();

  ASSERT_TRUE((*job)->wait_until_caught_up(60s));

  std::map<std::string, std::int64_t> counts;
  ASSERT_TRUE((*job)->read("counts", [&](const Store<std::string, std::int64_t>& store) {
    store.for_each([&](const auto& word, auto count) { counts[word] += count; });
  }));
  EXPECT_EQ(counts, expected);
  EXPECT_EQ(client.partitions("words-by-word-repartition"), 4);
  EXPECT_EQ(client.configs("words-by-word-repartition").at("retention.ms"), "-1");
  EXPECT_EQ(client.configs("counts").at("cleanup.policy"), "compact");
}

}  // namespace
}  // namespace millrace::streams
