#include <gtest/gtest.h>

#include <map>
#include <string>

#include "millrace/broker.h"
#include "test_job.h"

// The same job on the broker of this process as on the log in memory.

namespace millrace::streams {
namespace {

using namespace std::chrono_literals;

const Properties kConfig{{"application.id", "visits"},
                         {"cache.flush.records", "777"},
                         {"cache.flush.interval.ms", "-1"},
                         {"cache.flush.idle.ms", "-1"}};

std::vector<std::string> read_all(Client& client, const std::string& topic) {
  auto admin = *client.admin();
  const TopicPartition partition{topic, PartitionIndex{0}};
  const auto end = admin->list_offset(partition, {OffsetKind::kLatest})->offset;
  auto consumer = *client.consumer();
  EXPECT_TRUE(consumer->assign({partition}));
  EXPECT_TRUE(consumer->seek(partition, StartAt::kEarliest));
  std::vector<std::string> lines;
  while (*consumer->position(partition) < end) {
    const auto batches = consumer->poll(1s);
    if (!batches) {
      ADD_FAILURE() << batches.error().message();
      break;
    }
    for (const auto& batch : *batches) {
      for (const auto& record : batch.records()) {
        lines.push_back(std::string{record.key.text()} + '=' + std::string{record.value.text()});
      }
    }
  }
  return lines;
}

TEST(EmbeddedJob, GivesTheSameResultsAsOnTheLogInMemoryAndGoesOnAfterARestart) {
  const auto input = visits_input(3, 6'000);
  FakeClient fake;
  fake.make("visits", 1);
  for (const auto& record : input) fake.append("visits", 0, record);
  auto expected_job = Job::start(visits_topology(), fake, kConfig);
  ASSERT_TRUE(expected_job) << expected_job.error().message();
  ASSERT_TRUE((*expected_job)->wait_until_caught_up(60s));

  TemporaryFolder folder;
  auto config = kConfig;
  config["state.dir"] = folder.path() + "/state";
  std::map<std::string, std::vector<std::string>> stores;
  for (const std::size_t until : {2'500, 6'000}) {
    auto broker = Broker::open(folder.path() + "/log");
    ASSERT_TRUE(broker) << broker.error().message();
    auto client = *(*broker)->client();
    auto admin = *client->admin();
    if (until == 2'500) {
      ASSERT_TRUE(admin->create_topic({.name = "visits", .partitions = 1}));
    }
    auto producer = *client->producer();
    for (std::size_t i = until == 2'500 ? 0 : 2'500; i < until; ++i) {
      ASSERT_TRUE(producer->send({.topic = "visits", .value = *input[i].value, .timestamp = input[i].timestamp}));
    }
    ASSERT_TRUE(producer->flush(20s));
    auto job = Job::start(visits_topology(), *client, config);
    ASSERT_TRUE(job) << job.error().message();
    const auto caught_up = (*job)->wait_until_caught_up(60s);
    ASSERT_TRUE(caught_up) << caught_up.error().message();
    stores = dump_stores(**job);
    const auto stopped = (*job)->stop();
    ASSERT_TRUE(stopped) << stopped.error().message();
    if (until == 6'000) {
      std::vector<std::string> closed;
      for (const auto& record : fake.records("closed")) closed.push_back(*record.key + '=' + *record.value);
      EXPECT_EQ(read_all(*client, "closed"), closed);
      EXPECT_EQ(admin->topic_configs("by-path")->at("cleanup.policy"), "compact");
    }
  }
  EXPECT_EQ(stores, dump_stores(**expected_job));
}

TEST(EmbeddedJob, WritesResultsOfAnyEventTimeEvenToTopicsThatRefusedThem) {
  constexpr auto kFarAhead = 24h * 365 * 2;
  TemporaryFolder folder;
  auto broker = Broker::open(folder.path() + "/log");
  ASSERT_TRUE(broker) << broker.error().message();
  auto client = *(*broker)->client();
  auto admin = *client->admin();
  ASSERT_TRUE(admin->create_topic({.name = "visits"}));
  // One result topic is there already, as an earlier version made it: it takes a clock that is an hour ahead.
  ASSERT_TRUE(admin->create_topic({.name = "there-before"}));
  auto producer = *client->producer();
  ASSERT_TRUE(producer->send({.topic = "visits", .key = "a", .value = "x"}));
  ASSERT_TRUE(producer->flush(20s));

  Builder builder;
  const auto late = Timestamp{std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch() + kFarAhead)};
  const auto visits = builder.stream("visits", text()).timestamps([late](const auto&) { return late; });
  const auto counts = visits.group_by_key().count().as("counts");
  counts.to("there-before");
  counts.to("made-now");
  auto config = kConfig;
  config["timestamp.future.max.ms"] = "-1";
  auto job = Job::start(builder.build(), *client, config);
  ASSERT_TRUE(job) << job.error().message();
  const auto caught_up = (*job)->wait_until_caught_up(60s);
  ASSERT_TRUE(caught_up) << caught_up.error().message();
  EXPECT_EQ(read_all(*client, "there-before").size(), 1);
  EXPECT_EQ(read_all(*client, "made-now").size(), 1);
  ASSERT_TRUE((*job)->stop());
}

}  // namespace
}  // namespace millrace::streams
