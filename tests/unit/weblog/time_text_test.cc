#include "weblog/time_text.h"

#include <gtest/gtest.h>

namespace millrace::weblog {
namespace {

std::int64_t millis(const std::optional<TimeText>& time) { return time ? time->time.time_since_epoch().count() : -1; }

TEST(ClfTime, IsReadWithItsZone) {
  EXPECT_EQ(millis(read_clf_time("17/May/2015:10:05:03 +0000")), 1431857103000);
  EXPECT_EQ(millis(read_clf_time("17/May/2015:12:35:03 +0230")), 1431857103000);
  EXPECT_EQ(millis(read_clf_time("17/May/2015:03:05:03 -0700")), 1431857103000);
  EXPECT_EQ(read_clf_time("17/May/2015:10:05:03 +0000] \"GET")->length, 26U);
}

TEST(ClfTime, KnowsEveryMonth) {
  constexpr std::pair<const char*, std::int64_t> kFirsts[] = {
      {"Jan", 1420070400}, {"Feb", 1422748800}, {"Mar", 1425168000}, {"Apr", 1427846400},
      {"May", 1430438400}, {"Jun", 1433116800}, {"Jul", 1435708800}, {"Aug", 1438387200},
      {"Sep", 1441065600}, {"Oct", 1443657600}, {"Nov", 1446336000}, {"Dec", 1448928000}};
  for (const auto& [month, seconds] : kFirsts) {
    EXPECT_EQ(millis(read_clf_time("01/" + std::string{month} + "/2015:00:00:00 +0000")), seconds * 1000) << month;
  }
}

TEST(ClfTime, HasTheTwentyNinthOfFebruaryInLeapYearsOnly) {
  EXPECT_EQ(millis(read_clf_time("29/Feb/2024:00:00:00 +0000")), 1709164800000);
  EXPECT_EQ(millis(read_clf_time("29/Feb/2000:00:00:00 +0000")), 951782400000);
  EXPECT_FALSE(read_clf_time("29/Feb/2023:00:00:00 +0000"));
  EXPECT_FALSE(read_clf_time("29/Feb/2100:00:00:00 +0000"));
}

TEST(ClfTime, RefusesWhatIsNoTime) {
  for (const char* text : {"", "17/May/2015:10:05:03", "17/Mai/2015:10:05:03 +0000", "31/Apr/2015:10:05:03 +0000",
                           "00/May/2015:10:05:03 +0000", "17/May/2015:24:05:03 +0000", "17/May/2015:10:60:03 +0000",
                           "17/May/2015:10:05:61 +0000", "17/May/2015:10:05:03 +0060", "17/May/2015:10:05:03 +1600",
                           "17/May/2015:10:05:03 00000", "17/May/1969:10:05:03 +0000", "1x/May/2015:10:05:03 +0000",
                           "17-May-2015:10:05:03 +0000", "17/may/2015:10:05:03 +0000", "01/Jan/1970:00:00:00 +0100",
                           "17/May/2015:10:05:03 +00:0", "\xff\xff/May/2015:10:05:03 +0000"}) {
    EXPECT_FALSE(read_clf_time(text)) << text;
  }
}

TEST(ClfTime, TakesALeapSecondAsTheNextMinute) {
  EXPECT_EQ(millis(read_clf_time("30/Jun/2015:23:59:60 +0000")), 1435708800000);
}

TEST(IsoTime, IsReadInTheFormsServersWrite) {
  for (const char* text : {"2015-05-17T10:05:03+00:00", "2015-05-17T10:05:03Z", "2015-05-17 10:05:03",
                           "2015-05-17T12:05:03+0200", "2015-05-17 05:05:03 -0500"}) {
    EXPECT_EQ(millis(read_iso_time(text)), 1431857103000) << text;
    EXPECT_EQ(read_iso_time(text)->length, std::string_view{text}.size()) << text;
  }
  EXPECT_EQ(millis(read_iso_time("2015-05-17T10:05:03.123456Z")), 1431857103123);
  EXPECT_FALSE(read_iso_time("2015-02-29T10:05:03Z"));
  EXPECT_FALSE(read_iso_time("2015-05-17"));
}

TEST(EpochTime, IsReadInSecondsAndWhatIsTooLargeForThem) {
  EXPECT_EQ(millis(read_epoch_time("1431857103")), 1431857103000);
  EXPECT_EQ(millis(read_epoch_time("1431857103.123")), 1431857103123);
  EXPECT_EQ(millis(read_epoch_time("1431857103.12345")), 1431857103123);
  EXPECT_EQ(millis(read_epoch_time("1431857103123")), 1431857103123);
  EXPECT_EQ(millis(read_epoch_time("1431857103123456")), 1431857103123);
  EXPECT_EQ(millis(read_epoch_time("1431857103123456789")), 1431857103123);
  EXPECT_FALSE(read_epoch_time("99999999999999999999999"));
  EXPECT_FALSE(read_epoch_time("-5"));
}

TEST(TimePattern, ReadsWhatStrftimeWrote) {
  const auto pattern = TimePattern::compile("%Y-%m-%dT%H:%M:%S%z");
  ASSERT_TRUE(pattern);
  EXPECT_EQ(millis(pattern->read("2015-05-17T10:05:03+0000 rest")), 1431857103000);
  EXPECT_EQ(pattern->read("2015-05-17T10:05:03+0000 rest")->length, 24U);
  const auto compound = TimePattern::compile("%a, %e %B %Y %T");
  ASSERT_TRUE(compound);
  EXPECT_EQ(millis(compound->read("Sun,  7 May 2015 10:05:03")), 1430993103000);
  EXPECT_EQ(millis(TimePattern::compile("%s")->read("1431857103")), 1431857103000);
}

TEST(TimePattern, RefusesPatternsThatTellNoTime) {
  EXPECT_NE(TimePattern::compile("%H:%M").error().message().find("year"), std::string::npos);
  EXPECT_NE(TimePattern::compile("%Q").error().message().find("\"%Q\""), std::string::npos);
  EXPECT_FALSE(TimePattern::compile("%Y-%m-%d %H:%"));
}

TEST(IsoText, IsToTheSecondInUtc) {
  EXPECT_EQ(iso_text(Timestamp{std::chrono::milliseconds{1431857103999}}), "2015-05-17T10:05:03Z");
}

}  // namespace
}  // namespace millrace::weblog
