#include "weblog/topology.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/streams.h"
#include "millrace/streams/test_driver.h"
#include "weblog/report_reader.h"
#include "weblog/time_text.h"
#include "weblog/traffic.h"

namespace millrace::weblog {
namespace {

using namespace std::chrono_literals;
using streams::TopologyTestDriver;
using testing::ElementsAre;
using testing::Pair;

TopologyTestDriver driver(const TopologyOptions& options = {},
                          TopologyTestDriver::FlushAt flush = TopologyTestDriver::FlushAt::kEachRecord) {
  return TopologyTestDriver{topology(*LineFormat::compile("combined"), options), {}, flush};
}

std::string line(std::string_view client, std::string_view time, std::string_view request, int status, int bytes,
                 std::string_view referer = "-",
                 std::string_view agent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/27.0") {
  return fmt::format(R"({} - - [{} +0000] "{}" {} {} "{}" "{}")", client, time, request, status, bytes, referer, agent);
}

void pipe(TopologyTestDriver& to, const std::string& text) {
  const auto piped = to.pipe(kLinesTopic, text);
  ASSERT_TRUE(piped) << piped.error().message();
}

Report report(const TopologyTestDriver& from, const ReportCut& cut = {}) {
  auto read = read_report(from, cut);
  EXPECT_TRUE(read) << read.error().message();
  return *std::move(read);
}

std::vector<std::pair<std::string, std::uint64_t>> names(const TopList& list) {
  std::vector<std::pair<std::string, std::uint64_t>> all;
  for (const auto& entry : list.entries) all.emplace_back(entry.name, entry.tally.hits);
  return all;
}

/// A morning of a small site: two visitors, a crawler's error, junk.
TopologyTestDriver morning() {
  auto site = driver();
  pipe(site, line("10.0.0.1", "17/May/2015:10:05:03", "GET / HTTP/1.1", 200, 100, "http://example.org/x"));
  pipe(site, line("10.0.0.1", "17/May/2015:10:05:09", "GET /style.css HTTP/1.1", 200, 10, "http://example.org/x"));
  pipe(site, line("10.0.0.2", "17/May/2015:11:59:59", "GET / HTTP/1.1", 200, 100, "-", "curl/8.0"));
  pipe(site, "junk");
  pipe(site, line("10.0.0.3", "17/May/2015:09:00:00", "GET /absent HTTP/1.1", 404, 7, "-", "Googlebot/2.1"));
  pipe(site, line("10.0.0.1", "17/May/2015:10:05:59", "POST / HTTP/1.1", 503, 0));
  pipe(site, line("10.0.0.1", "18/May/2015:00:00:00", "GET /absent HTTP/1.1", 200, 5));
  return site;
}

TEST(Topology, EveryLineIsAHitOrRejectedWithItsReason) {
  const auto got = report(morning());
  EXPECT_EQ(got.lines, 7U);
  EXPECT_EQ(got.total, (Tally{6, 222, 2}));
  EXPECT_EQ(got.rejected, 1U);
  ASSERT_EQ(got.rejected_samples.size(), 1U);
  EXPECT_EQ(got.rejected_samples[0].line, "junk");
  EXPECT_EQ(got.rejected_samples[0].reason, "line ends early");
  EXPECT_EQ(got.rejected_samples[0].offset, Offset{3});
}

TEST(Topology, CountsWhatTheReportSays) {
  const auto got = report(morning());
  EXPECT_EQ(iso_text(*got.first), "2015-05-17T09:00:00Z");
  EXPECT_EQ(iso_text(*got.last), "2015-05-18T00:00:00Z");
  EXPECT_THAT(got.status, ElementsAre(Pair(200, 4), Pair(404, 1), Pair(503, 1)));
  EXPECT_THAT(got.methods, ElementsAre(Pair("GET", 5), Pair("POST", 1)));
  EXPECT_THAT(names(got.paths), ElementsAre(Pair("/", 3), Pair("/absent", 1)));
  EXPECT_THAT(names(got.static_files), ElementsAre(Pair("/style.css", 1)));
  EXPECT_THAT(names(got.not_found), ElementsAre(Pair("/absent", 1)));
  EXPECT_THAT(names(got.hosts), ElementsAre(Pair("10.0.0.1", 4), Pair("10.0.0.2", 1), Pair("10.0.0.3", 1)));
  EXPECT_THAT(names(got.referring_sites), ElementsAre(Pair("example.org", 2)));
  EXPECT_THAT(names(got.browsers), ElementsAre(Pair("Firefox", 4), Pair("Googlebot", 1), Pair("curl", 1)));
  EXPECT_THAT(names(got.systems), ElementsAre(Pair("Linux", 4), Pair("Unknown", 2)));
  EXPECT_FALSE(got.approximate);
}

TEST(Topology, VisitorsAreClientDayAndAgentWithoutClientErrors) {
  EXPECT_EQ(report(morning()).unique_visitors, 3U) << "10.0.0.1 on two days and 10.0.0.2; the 404 is no visit";
}

TEST(Topology, WindowsTakeLinesInAnyOrder) {
  const auto got = report(morning());
  ASSERT_EQ(got.per_hour.size(), 4U);
  EXPECT_EQ(iso_text(got.per_hour[0].start), "2015-05-17T09:00:00Z");
  EXPECT_EQ(got.per_hour[1].tally, (Tally{3, 110, 1}));
  ASSERT_EQ(got.per_minute.size(), 4U);
  EXPECT_EQ(iso_text(got.per_minute[1].start), "2015-05-17T10:05:00Z");
  EXPECT_EQ(got.per_minute[1].tally, (Tally{3, 110, 1}));
}

TEST(Topology, ResultTopicsGetUpsertsInJson) {
  auto site = driver();
  pipe(site, line("10.0.0.1", "17/May/2015:10:05:03", "GET /a HTTP/1.1", 200, 100));
  pipe(site, line("10.0.0.1", "17/May/2015:10:05:04", "GET /a HTTP/1.1", 500, 1));
  const auto last = [&](std::string_view topic) {
    const auto records = site.read(topic);
    EXPECT_FALSE(records.empty()) << topic;
    return records.empty() ? std::pair<std::string, std::string>{}
                           : std::pair{records.back().key.value_or("null"), records.back().value.value_or("null")};
  };
  EXPECT_THAT(last("weblog-minutes-by-path"), Pair("2015-05-17T10:05:00Z /a", R"({"hits":2,"bytes":101,"errors":1})"));
  EXPECT_THAT(last("weblog-hours-by-host"),
              Pair("2015-05-17T10:00:00Z 10.0.0.1", R"({"hits":2,"bytes":101,"errors":1})"));
  EXPECT_THAT(last("weblog-hours-by-status"), Pair("2015-05-17T10:00:00Z 5xx", R"({"hits":1,"bytes":1,"errors":1})"));
  EXPECT_THAT(last("weblog-minutes").second, R"({"hits":2,"bytes":101,"errors":1})");
  EXPECT_THAT(last("weblog-totals").second, testing::HasSubstr(R"("last":"2015-05-17T10:05:04)"));
}

TEST(Topology, ListsAreCutAndSayHowManyNamesThereAre) {
  auto site = driver();
  for (const char* path : {"/c", "/b", "/a", "/b"}) {
    pipe(site, line("10.0.0.1", "17/May/2015:10:05:03", fmt::format("GET {} HTTP/1.1", path), 200, 1));
  }
  const auto got = report(site, {.entries = 2});
  EXPECT_THAT(names(got.paths), ElementsAre(Pair("/b", 2), Pair("/a", 1))) << "equal hits: by name";
  EXPECT_EQ(got.paths.distinct, 3U);
}

TEST(Topology, WindowsOlderThanKeepAreGoneAndTotalsStay) {
  auto site = driver({.keep = 24h});
  pipe(site, line("10.0.0.1", "17/May/2015:10:05:03", "GET /a HTTP/1.1", 200, 1));
  for (const char* day : {"18", "19", "20"}) {
    pipe(site, line("10.0.0.1", fmt::format("{}/May/2015:12:00:00", day), "GET /a HTTP/1.1", 200, 1));
  }
  pipe(site, line("10.0.0.1", "17/May/2015:10:05:04", "GET /late HTTP/1.1", 200, 1));
  const auto got = report(site);
  EXPECT_EQ(got.total.hits, 5U);
  ASSERT_FALSE(got.per_hour.empty());
  EXPECT_GE(iso_text(got.per_hour.front().start), "2015-05-19T11:00:00Z");
}

TEST(Topology, StateOutlivesAnotherKeep) {
  const auto format = *LineFormat::compile("combined");
  const auto kept = topology(format, {.keep = 24h});
  const auto forever = topology(format, {});
  EXPECT_EQ(kept.describe_state(), forever.describe_state());
  EXPECT_NE(kept.describe(), forever.describe());
}

TEST(Topology, MemoryThatIsSpentMakesTheReportApproximateAndKeepsTheFrequentNames) {
  auto site = driver({.memory_bytes = 64 << 10}, TopologyTestDriver::FlushAt::kFlushPoints);
  for (int i = 0; i < 20'000; ++i) {
    const auto path = i % 3 == 0 ? std::string{"/often"} : fmt::format("/rare/{}", i);
    pipe(site, line("10.0.0.1", "17/May/2015:10:05:03", fmt::format("GET {} HTTP/1.1", path), 200, 1));
    if (i % 1000 == 0) {
      ASSERT_TRUE(site.flush());
    }
  }
  ASSERT_TRUE(site.flush());
  const auto got = report(site);
  EXPECT_TRUE(got.approximate);
  EXPECT_EQ(got.total.hits, 20'000U) << "totals are always exact";
  EXPECT_EQ(got.paths.entries.at(0).name, "/often");
}

TEST(Topology, GoesOnFromACheckpointAsIfNothingHadHappened) {
  TrafficGenerator traffic{{.seed = 7, .garbled_share = 0.05}};
  std::vector<std::string> lines;
  for (int i = 0; i < 3000; ++i) {
    auto text = traffic.next_line(Timestamp{1700000000000ms} + i * 700ms);
    text.pop_back();
    lines.push_back(text);
  }
  auto whole = driver({}, TopologyTestDriver::FlushAt::kFlushPoints);
  auto first = driver({}, TopologyTestDriver::FlushAt::kFlushPoints);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    pipe(whole, lines[i]);
    if (i < 1234) pipe(first, lines[i]);
  }
  auto second = driver({}, TopologyTestDriver::FlushAt::kFlushPoints);
  const auto restored = second.restore(first.checkpoint());
  ASSERT_TRUE(restored) << restored.error().message();
  for (std::size_t i = 1234; i < lines.size(); ++i) pipe(second, lines[i]);
  const auto expected = to_json(report(whole));
  EXPECT_GT(report(whole).rejected, 50U);
  EXPECT_EQ(to_json(report(second)), expected);
}

}  // namespace
}  // namespace millrace::weblog
