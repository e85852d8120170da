#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "fake_client.h"
#include "millrace/streams.h"
#include "millrace/streams/test_driver.h"

namespace millrace::streams {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

struct Event {
  Timestamp time;
  std::string_view name;
};

/// "SECONDS NAME"
Result<Event> parse_event(std::string_view line) {
  std::int64_t seconds = 0;
  const auto end = std::from_chars(line.data(), line.data() + line.size(), seconds).ptr;
  return Event{Timestamp{std::chrono::seconds{seconds}}, line.substr(static_cast<std::size_t>(end - line.data()) + 1)};
}

std::vector<std::string> texts(const std::vector<OutputRecord>& records) {
  std::vector<std::string> all;
  for (const auto& record : records) all.push_back(record.key.value_or("-") + "=" + record.value.value_or("-"));
  return all;
}

void pipe(TopologyTestDriver& driver, std::initializer_list<const char*> lines) {
  for (const auto* line : lines) {
    const auto piped = driver.pipe("events", line);
    ASSERT_TRUE(piped) << piped.error().message();
  }
}

auto grouped(Builder& builder) {
  return builder.stream("events", &parse_event).timestamps(&Event::time).group_by(&Event::name);
}

TEST(Windows, GiveTheNewestCountOfEachWindowOnUpdate) {
  Builder builder;
  grouped(builder).window(tumbling(10s).grace(60s)).count().to("counts");
  TopologyTestDriver driver{builder.build()};

  pipe(driver, {"1 a", "2 a", "10 a", "9 a"});

  EXPECT_THAT(texts(driver.read("counts")), ElementsAre("1970-01-01T00:00:00Z a=1", "1970-01-01T00:00:00Z a=2",
                                                        "1970-01-01T00:00:10Z a=1", "1970-01-01T00:00:00Z a=3"));
}

TEST(Windows, GiveOneFinalCountWhenStreamTimeReachesEndPlusGrace) {
  Builder builder;
  grouped(builder).window(tumbling(10s).grace(5s)).count().emit(on_close).to("counts");
  TopologyTestDriver driver{builder.build()};

  pipe(driver, {"1 a", "14 b", "3 a", "2 c"});
  EXPECT_THAT(driver.read("counts"), IsEmpty());

  pipe(driver, {"15 b"});
  EXPECT_THAT(texts(driver.read("counts")), ElementsAre("1970-01-01T00:00:00Z a=2", "1970-01-01T00:00:00Z c=1"));

  pipe(driver, {"9 a", "100 a"});
  EXPECT_THAT(texts(driver.read("counts")), ElementsAre("1970-01-01T00:00:10Z b=2"));
  EXPECT_EQ(driver.stats().late_records, 1U);
}

TEST(Windows, ThatOverlapEachTakeARecord) {
  Builder builder;
  grouped(builder).window(hopping(10s, 5s)).count().as("counts").emit(on_close).to("counts");
  TopologyTestDriver driver{builder.build()};

  pipe(driver, {"7 a", "12 a", "30 a"});

  EXPECT_THAT(texts(driver.read("counts")),
              ElementsAre("1970-01-01T00:00:00Z a=1", "1970-01-01T00:00:05Z a=2", "1970-01-01T00:00:10Z a=1"));
}

TEST(Windows, AreReadableAsLongAsTheyAreKeptAndNoLonger) {
  Builder builder;
  auto counts = grouped(builder).window(tumbling(10s).grace(0s).keep(30s)).count();
  TopologyTestDriver driver{builder.build()};
  const auto starts = [&] {
    std::vector<std::int64_t> seconds;
    EXPECT_TRUE(driver.read_store(counts.store(), [&](const auto& store) {
      store.for_each([&](const auto&, Window window, auto) {
        seconds.push_back(std::chrono::floor<std::chrono::seconds>(window.start.time_since_epoch()).count());
      });
    }));
    return seconds;
  };

  pipe(driver, {"1 a", "11 a", "39 a"});
  EXPECT_THAT(starts(), ElementsAre(0, 10, 30));

  pipe(driver, {"40 a"});
  EXPECT_THAT(starts(), ElementsAre(10, 30, 40));
}

TEST(Windows, ThatAreDroppedGiveTheirLastCountFirst) {
  Builder builder;
  grouped(builder).window(tumbling(10s).keep(20s)).count().to("counts");
  TopologyTestDriver driver{builder.build(), {}, TopologyTestDriver::FlushAt::kFlushPoints};

  pipe(driver, {"1 a", "2 a", "1000 b"});

  EXPECT_THAT(texts(driver.read("counts")), ElementsAre("1970-01-01T00:00:00Z a=2"));
}

TEST(Windows, ThatAreKeptForeverTakeAnyRecord) {
  Builder builder;
  auto counts = grouped(builder).window(tumbling(10s).keep_forever()).count();
  TopologyTestDriver driver{builder.build()};

  pipe(driver, {"1000000 a", "1 a", "-15 a", "2 a"});

  ASSERT_TRUE(driver.read_store(counts.store(), [](const auto& store) {
    EXPECT_EQ(*store.find("a", Timestamp{0s}), 2);
    EXPECT_EQ(*store.find("a", Timestamp{-20s}), 1);
    EXPECT_EQ(store.size(), 3);
    EXPECT_EQ(store.newest()->start, Timestamp{1'000'000s});
  }));
  EXPECT_EQ(driver.stats().late_records, 0U);
}

TEST(Windows, AreNotClosedByOneDateFarInTheFuture) {
  Builder builder;
  grouped(builder).window(tumbling(10s)).count().emit(on_close).to("counts");
  TopologyTestDriver driver{builder.build()};
  const auto at = [](std::int64_t seconds) { return Timestamp{std::chrono::seconds{seconds}}; };

  ASSERT_TRUE(driver.pipe("events", "1000 a", nullptr, at(1000)));
  ASSERT_TRUE(driver.pipe("events", "9999999999 a", nullptr, at(1001)));
  EXPECT_EQ(driver.stats().late_records, 0U);

  // Stream time has gone on by one day, not by three hundred years.
  ASSERT_TRUE(driver.pipe("events", "90000 a", nullptr, at(90'000)));
  EXPECT_EQ(driver.stats().late_records, 0U);
}

TEST(Windows, CloseByTheClockWhenTheInputStopsAndTheConfigurationSaysSo) {
  Builder builder;
  grouped(builder).window(tumbling(10s)).count().emit(on_close).to("counts");
  const auto topology = builder.build();
  TopologyTestDriver waits{topology};
  TopologyTestDriver closes{topology, {{"window.close.idle.ms", "1000"}}};

  for (auto* driver : {&waits, &closes}) {
    pipe(*driver, {"5 a"});
    ASSERT_TRUE(driver->advance(5s));
  }

  EXPECT_THAT(waits.read("counts"), IsEmpty());
  EXPECT_THAT(texts(closes.read("counts")), ElementsAre("1970-01-01T00:00:00Z a=1"));
}

TEST(Windows, RefuseSizesThatMakeNoSense) {
  EXPECT_THROW(static_cast<void>(tumbling(0ms)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(hopping(10s, 11s)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(tumbling(10s).grace(-1s)), std::invalid_argument);
  Builder builder;
  EXPECT_THROW(static_cast<void>(grouped(builder).count().emit(on_close)), std::invalid_argument);
}

TEST(Windows, CountRightWhenOneChunkJumpsBetweenHundredsOfThem) {
  FakeClient client;
  client.make("events", 1);
  Random random{17};
  std::map<std::pair<std::int64_t, std::string>, std::int64_t> expected;
  for (int i = 0; i < 20'000; ++i) {
    const auto second = static_cast<std::int64_t>(random.below(9'000));
    const auto name = "n" + std::to_string(random.below(3));
    ++expected[{second / 10 * 10, name}];
    client.append("events", 0, {Timestamp{}, std::nullopt, fmt::format("{} {}", second, name), {}});
  }
  Builder builder;
  auto counts = grouped(builder).window(tumbling(10s).keep_forever()).count();
  auto job = Job::start(builder.build(), client, {{"chunk.records", "4096"}});
  ASSERT_TRUE(job) << job.error().message();

  ASSERT_TRUE((*job)->wait_until_caught_up(60s));

  std::map<std::pair<std::int64_t, std::string>, std::int64_t> found;
  ASSERT_TRUE((*job)->read(counts.store(), [&](const auto& store) {
    store.for_each([&](const auto& name, Window window, auto count) {
      found[{window.start.time_since_epoch().count() / 1000, name}] = count;
    });
  }));
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace millrace::streams
