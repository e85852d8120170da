#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "millrace/streams.h"
#include "millrace/streams/test_driver.h"

namespace millrace::streams {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

struct Hit {
  Timestamp time;
  std::string_view path;
  int status = 0;
  std::int64_t bytes = 0;
};

/// "SECONDS PATH STATUS BYTES"
Result<Hit> parse(std::string_view line) {
  std::int64_t seconds = 0;
  char path[32] = {};
  Hit hit;
  long long bytes = 0;
  long long read_seconds = 0;
  int path_begin = 0;
  int path_end = 0;
  const std::string text{line};
  if (std::sscanf(text.c_str(), "%lld %n%31s%n %d %lld", &read_seconds, &path_begin, path, &path_end, &hit.status,
                  &bytes) != 4) {
    return millrace::fail(ErrorCode::kDecodeFailed, "not a hit");
  }
  seconds = read_seconds;
  hit.bytes = bytes;
  hit.path = line.substr(static_cast<std::size_t>(path_begin), static_cast<std::size_t>(path_end - path_begin));
  hit.time = Timestamp{std::chrono::seconds{seconds}};
  return hit;
}

std::vector<std::string> values(const std::vector<OutputRecord>& records) {
  std::vector<std::string> texts;
  for (const auto& record : records) texts.push_back(record.key.value_or("-") + "=" + record.value.value_or("-"));
  return texts;
}

auto hits_of(Builder& builder) { return builder.stream("hits", &parse).timestamps(&Hit::time); }

TEST(Operators, FilterMapAndSelectKeyAreAppliedInOrder) {
  Builder builder;
  hits_of(builder)
      .filter([](const auto& hit) { return hit.value.status >= 400; })
      .map_values([](const Hit& hit) { return hit.bytes * 2; })
      .select_key([](const auto& record) { return record.value + 1; })
      .filter([](const auto& record) { return record.key != 21; })
      .to("out");
  TopologyTestDriver driver{builder.build()};

  for (const auto* line : {"1 /a 200 1", "2 /b 404 5", "3 /c 500 10", "4 /d 500 20"}) {
    ASSERT_TRUE(driver.pipe("hits", line));
  }

  EXPECT_THAT(values(driver.read("out")), ElementsAre("11=10", "41=40"));
}

TEST(Operators, FlatMapGivesEveryItem) {
  Builder builder;
  builder.stream("lines", text())
      .flat_map([](std::string_view line) {
        std::vector<std::string_view> words;
        while (!line.empty()) {
          const auto space = line.find(' ');
          words.push_back(line.substr(0, space));
          line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
        }
        return words;
      })
      .group_by([](std::string_view word) { return word; })
      .count()
      .to("counts");
  TopologyTestDriver driver{builder.build()};

  ASSERT_TRUE(driver.pipe("lines", "to be or not to be"));

  EXPECT_THAT(values(driver.read("counts")), ElementsAre("to=2", "be=2", "or=1", "not=1"));
}

TEST(Operators, BranchSendsEachRecordOneWayAndMergeBringsThemBackInOrder) {
  Builder builder;
  auto hits = hits_of(builder);
  auto [errors, redirects, others] =
      hits.branch([](const Hit& hit) { return hit.status >= 400; }, [](const Hit& hit) { return hit.status >= 300; });
  errors.map_values(&Hit::path).to("errors");
  redirects.map_values(&Hit::path).to("redirects");
  others.merge(errors).map_values(&Hit::path).to("merged");
  TopologyTestDriver driver{builder.build(), {}, TopologyTestDriver::FlushAt::kFlushPoints};

  for (const auto* line : {"1 /a 404 1", "2 /b 200 1", "3 /c 302 1", "4 /d 500 1"})
    ASSERT_TRUE(driver.pipe("hits", line));

  EXPECT_THAT(values(driver.read("errors")), ElementsAre("-=/a", "-=/d"));
  EXPECT_THAT(values(driver.read("redirects")), ElementsAre("-=/c"));
  EXPECT_THAT(values(driver.read("merged")), ElementsAre("-=/a", "-=/b", "-=/d"));
}

TEST(Operators, OutputsOfTwoStreamsToOneTopicKeepTheOrderOfTheirRecords) {
  Builder builder;
  auto hits = hits_of(builder);
  hits.filter([](const Hit& hit) { return hit.status == 200; }).map_values(&Hit::path).to("out");
  hits.filter([](const Hit& hit) { return hit.status != 200; }).map_values(&Hit::path).to("out");
  TopologyTestDriver driver{builder.build()};

  for (const auto* line : {"1 /a 404 1", "2 /b 200 1", "3 /c 302 1"}) ASSERT_TRUE(driver.pipe("hits", line));

  EXPECT_THAT(values(driver.read("out")), ElementsAre("-=/a", "-=/b", "-=/c"));
}

TEST(Operators, PeekAndForEachSeeEveryRecordInOrder) {
  std::vector<std::string> seen;
  Builder builder;
  hits_of(builder)
      .peek([&](const Hit& hit) { seen.push_back("peek " + std::string{hit.path}); })
      .filter([](const Hit& hit) { return hit.status == 200; })
      .for_each([&](const Hit& hit) { seen.push_back("each " + std::string{hit.path}); });
  TopologyTestDriver driver{builder.build()};

  ASSERT_TRUE(driver.pipe("hits", "1 /a 404 1"));
  ASSERT_TRUE(driver.pipe("hits", "2 /b 200 1"));

  EXPECT_THAT(seen, ElementsAre("peek /a", "peek /b", "each /b"));
}

TEST(Operators, GroupByKeyLeavesOutRecordsWithoutKey) {
  Builder builder;
  builder.stream("in", text()).group_by_key().count().to("counts");
  TopologyTestDriver driver{builder.build()};

  ASSERT_TRUE(driver.pipe("in", "x", "a"));
  ASSERT_TRUE(driver.pipe("in", "y"));
  ASSERT_TRUE(driver.pipe("in", "z", "a"));

  EXPECT_THAT(values(driver.read("counts")), ElementsAre("a=1", "a=2"));
}

TEST(Operators, ReduceKeepsCopiesOfViews) {
  Builder builder;
  builder.stream("in", text())
      .group_by_key()
      .reduce([](std::string_view a, std::string_view b) { return std::string{std::max(a, b)}; })
      .to("latest");
  TopologyTestDriver driver{builder.build()};

  for (const auto* word : {"pear", "apple", "quince"}) ASSERT_TRUE(driver.pipe("in", word, "fruit"));

  EXPECT_THAT(values(driver.read("latest")), ElementsAre("fruit=pear", "fruit=pear", "fruit=quince"));
}

struct Traffic {
  std::int64_t hits = 0;
  std::int64_t bytes = 0;
  void add(const Hit& hit) {
    ++hits;
    bytes += hit.bytes;
  }
  void merge(const Traffic& other) {
    hits += other.hits;
    bytes += other.bytes;
  }
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("hits", self.hits);
    visit("bytes", self.bytes);
  }
};

TEST(Operators, AggregatesOfAFieldListAreWrittenAsJsonAndCanBeRead) {
  Builder builder;
  auto paths = hits_of(builder).group_by(&Hit::path).aggregate<Traffic>().as("paths");
  paths.to("paths");
  TopologyTestDriver driver{builder.build()};

  for (const auto* line : {"1 /a 200 10", "2 /b 200 1", "3 /a 200 20"}) ASSERT_TRUE(driver.pipe("hits", line));

  EXPECT_THAT(values(driver.read("paths")), ElementsAre("/a={\"hits\":1,\"bytes\":10}", "/b={\"hits\":1,\"bytes\":1}",
                                                        "/a={\"hits\":2,\"bytes\":30}"));
  std::map<std::string, std::int64_t> bytes;
  ASSERT_TRUE(driver.read_store("paths", [&](const Store<std::string, Traffic>& store) {
    store.for_each([&](const std::string& path, const Traffic& traffic) { bytes[path] = traffic.bytes; });
    EXPECT_EQ(store.find("/a")->hits, 2);
    EXPECT_EQ(store.find("/nothing"), nullptr);
  }));
  EXPECT_EQ(bytes, (std::map<std::string, std::int64_t>{{"/a", 30}, {"/b", 1}}));
  ASSERT_TRUE(driver.read_store(paths.store(), [&](const auto& store) { EXPECT_EQ(store.size(), 2); }));
}

TEST(Operators, QueriesOfTheWrongTypeOrNameGetAnError) {
  Builder builder;
  auto counts = hits_of(builder).group_by(&Hit::path).count().as("paths");
  TopologyTestDriver driver{builder.build()};

  EXPECT_EQ(driver.read_store("pathz", [](const Store<std::string, std::int64_t>&) {}).error().code(),
            ErrorCode::kNotFound);
  EXPECT_EQ(driver.read_store("paths", [](const Store<std::string, Traffic>&) {}).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_TRUE(driver.read_store("paths", [](const Store<std::string, std::int64_t>&) {}));
}

TEST(Operators, TuplesAndFunctionsWorkAsKeys) {
  Builder builder;
  hits_of(builder)
      .group_by([](const auto& hit) { return std::tuple{hit.value.status / 100, hit.value.path}; })
      .aggregate(std::int64_t{0}, [](std::int64_t& bytes, const Hit& hit) { bytes += hit.bytes; })
      .to("bytes");
  TopologyTestDriver driver{builder.build()};

  for (const auto* line : {"1 /a 200 10", "2 /a 404 1", "3 /a 204 5"}) ASSERT_TRUE(driver.pipe("hits", line));

  EXPECT_THAT(values(driver.read("bytes")), ElementsAre("2\t/a=10", "4\t/a=1", "2\t/a=15"));
}

TEST(Operators, GroupByLeavesOutRecordsWhoseKeyIsAnEmptyOptional) {
  Builder builder;
  const auto digits_only = [](const Hit& hit) {
    return hit.path == "/a" ? std::optional<std::string_view>{} : std::optional{hit.path.substr(1)};
  };
  auto hits = hits_of(builder);
  hits.group_by(digits_only).aggregate<Traffic>().to("out");
  hits.map_values([](const Hit& hit) { return hit; }).group_by(digits_only).count().to("mapped");
  TopologyTestDriver driver{builder.build()};

  for (const auto* line : {"1 /a 200 1", "2 /b 200 7"}) ASSERT_TRUE(driver.pipe("hits", line));

  EXPECT_THAT(values(driver.read("out")), ElementsAre("b={\"hits\":1,\"bytes\":7}"));
  EXPECT_THAT(values(driver.read("mapped")), ElementsAre("b=1"));
}

TEST(Operators, ARecordOnWhichAFunctionThrowsIsLeftOutWhereTheStreamSkipsErrors) {
  Builder builder;
  auto hits = hits_of(builder).on_error(ErrorPolicy::skip());
  const auto check = [](const Hit& hit) {
    if (hit.status == 500) throw std::runtime_error("no such status");
    return hit.path;
  };
  hits.group_by(check).count().to("grouped");
  hits.map_values(check).to("mapped");
  hits.group_by(&Hit::path)
      .aggregate(std::int64_t{0},
                 [check](std::int64_t& count, const Hit& hit) { count += check(hit).size() > 0 ? 1 : 0; })
      .to("aggregated");
  TopologyTestDriver driver{builder.build()};

  for (const auto* line : {"1 /a 200 1", "2 /b 500 1", "3 /c 200 1"}) ASSERT_TRUE(driver.pipe("hits", line));

  EXPECT_THAT(values(driver.read("grouped")), ElementsAre("/a=1", "/c=1"));
  EXPECT_THAT(values(driver.read("mapped")), ElementsAre("-=/a", "-=/c"));
  EXPECT_EQ(driver.stats().skipped, 3U);
}

TEST(Operators, CountDistinctCountsValuesOnce) {
  Builder builder;
  auto distinct = hits_of(builder).group_all().count_distinct(&Hit::path).as("distinct");
  TopologyTestDriver driver{builder.build()};

  for (const auto* line : {"1 /a 200 1", "2 /b 200 1", "3 /a 200 1"}) ASSERT_TRUE(driver.pipe("hits", line));

  ASSERT_TRUE(driver.read_store(distinct.store(), [](const auto& store) { EXPECT_EQ(store.find(All{})->count(), 2); }));
}

TEST(Operators, ResultsOfATableCanBeGroupedAgain) {
  Builder builder;
  hits_of(builder)
      .group_by(&Hit::path)
      .count()
      .to_stream()
      .group_by([](const auto& path) { return path.value; })
      .count()
      .as("paths-by-count")
      .to("out");
  TopologyTestDriver driver{builder.build()};

  for (const auto* line : {"1 /a 200 1", "2 /b 200 1", "3 /a 200 1"}) ASSERT_TRUE(driver.pipe("hits", line));

  EXPECT_THAT(values(driver.read("out")), ElementsAre("1=1", "1=2", "2=1"));
}

TEST(Operators, RepartitionedRecordsArriveWithKeyValueAndTime) {
  Builder builder;
  builder.stream("in", text())
      .map([](std::string_view word) { return std::pair{word.substr(0, 1), static_cast<std::int64_t>(word.size())}; })
      .repartition("by-letter", 4)
      .group_by_key()
      .reduce([](std::int64_t a, std::int64_t b) { return a + b; })
      .to("letters");
  TopologyTestDriver driver{builder.build()};

  for (const auto* word : {"ab", "b", "abc"}) ASSERT_TRUE(driver.pipe("in", word));

  EXPECT_THAT(values(driver.read("letters")), ElementsAre("a=2", "b=1", "a=5"));
}

TEST(Topology, DescribesItselfALineAnOperator) {
  Builder builder;
  hits_of(builder)
      .filter([](const Hit& hit) { return hit.status >= 500; })
      .group_by(&Hit::path)
      .window(tumbling(1min).grace(10s))
      .count()
      .as("errors")
      .emit(on_close)
      .to("errors-by-path");
  EXPECT_EQ(builder.build().describe(),
            "sub-topology 0, one task\n"
            "  0 source hits\n"
            "  1 group <- 0\n"
            "  2 count \"errors\" <- 1 [tumbling 60000 ms, grace 10000 ms, on close]\n"
            "  3 sink errors-by-path <- 2\n");
}

TEST(Topology, RefusesTwoStoresOfOneNameAndTopologiesWithoutInput) {
  Builder builder;
  auto hits = hits_of(builder);
  hits.group_by(&Hit::path).count().as("same");
  hits.group_by(&Hit::status).count().as("same");
  EXPECT_THROW(static_cast<void>(builder.build()), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(Builder{}.build()), std::invalid_argument);
}

}  // namespace
}  // namespace millrace::streams
