#include "base/metrics_text.h"

#include <gmock/gmock.h>

namespace millrace {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr MetricInfo kPlain{"fish", MetricType::kGauge, "", "How many there are."};
constexpr MetricInfo kLabelled{"bites_total", MetricType::kCounter, "pond,hook", "Bites."};
constexpr MetricInfo kTimes{"wait_seconds", MetricType::kHistogram, "pond", "Waiting for a bite."};

TEST(MetricsText, NamesAMetricOnceAndThenItsSamples) {
  MetricsText text;
  text.begin(kPlain);
  text.sample({}, std::uint64_t{3});
  text.begin(kLabelled);
  text.sample({"north", "1"}, std::int64_t{-7});
  text.sample({"south", "2"}, 0.25);
  EXPECT_EQ(std::move(text).take(), R"(# HELP fish How many there are.
# TYPE fish gauge
fish 3
# HELP bites_total Bites.
# TYPE bites_total counter
bites_total{pond="north",hook="1"} -7
bites_total{pond="south",hook="2"} 0.25
)");
}

TEST(MetricsText, EscapesWhatWouldEndALabel) {
  MetricsText text;
  text.begin(kLabelled);
  text.sample({"a\"b\\c\nd", ""}, std::uint64_t{1});
  EXPECT_THAT(std::move(text).take(), HasSubstr(R"(bites_total{pond="a\"b\\c\nd",hook=""} 1)"));
}

TEST(MetricsText, AddsUpTheBucketsOfAHistogram) {
  DurationHistogram histogram;
  for (const auto took : {Duration{50us}, Duration{51us}, Duration{1s}, Duration{1h}}) histogram.observe(took);
  MetricsText text;
  text.begin(kTimes);
  text.sample({"north"}, histogram.snapshot());
  const auto written = std::move(text).take();
  EXPECT_THAT(written, HasSubstr("wait_seconds_bucket{pond=\"north\",le=\"5e-05\"} 1\n"));
  EXPECT_THAT(written, HasSubstr("wait_seconds_bucket{pond=\"north\",le=\"0.0001\"} 2\n"));
  EXPECT_THAT(written, HasSubstr("wait_seconds_bucket{pond=\"north\",le=\"0.5\"} 2\n"));
  EXPECT_THAT(written, HasSubstr("wait_seconds_bucket{pond=\"north\",le=\"1\"} 3\n"));
  EXPECT_THAT(written, HasSubstr("wait_seconds_bucket{pond=\"north\",le=\"30\"} 3\n"));
  EXPECT_THAT(written, HasSubstr("wait_seconds_bucket{pond=\"north\",le=\"+Inf\"} 4\n"));
  EXPECT_THAT(written, HasSubstr("wait_seconds_sum{pond=\"north\"} 3601.000101\n"));
  EXPECT_THAT(written, HasSubstr("wait_seconds_count{pond=\"north\"} 4\n"));
}

TEST(MetricsText, TheReferenceNamesEveryLabel) {
  const MetricInfo all[] = {kPlain, kLabelled};
  EXPECT_EQ(metrics_markdown(all), R"(| metric | type | labels | what |
| --- | --- | --- | --- |
| `fish` | gauge |  | How many there are. |
| `bites_total` | counter | `pond`, `hook` | Bites. |
)");
}

}  // namespace
}  // namespace millrace
