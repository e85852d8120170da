#include "weblog/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weblog/printable.h"

namespace millrace::weblog {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

Report example() {
  Report report;
  report.lines = 12;
  report.rejected = 1;
  report.rejected_samples = {{"junk \"\xff\" \x1b[2J", "invalid time", Offset{7}}};
  report.total = {11, 4096, 2};
  report.unique_visitors = 3;
  report.first = Timestamp{1431857103000ms};
  report.last = Timestamp{1431860000000ms};
  report.status = {{200, 9}, {404, 2}};
  report.methods = {{"GET", 11}};
  report.per_hour = {{Timestamp{1431856800000ms}, {11, 4096, 2}}};
  report.per_minute = report.per_hour;
  report.paths = {{{"/", {9, 4000, 0}}}, 4};
  return report;
}

TEST(ReportJson, HasTheDocumentedKeysInTheirOrder) {
  EXPECT_EQ(
      to_json(example()),
      R"({"lines":12,"rejected":1,"rejected_samples":[{"line":"junk \"\\xff\" \u001B[2J","reason":"invalid time","offset":7}],)"
      R"("hits":11,"bytes":4096,"unique_visitors":3,"first":"2015-05-17T10:05:03Z","last":"2015-05-17T10:53:20Z",)"
      R"("status":{"200":9,"404":2},"methods":{"GET":11},)"
      R"("per_hour":[{"start":"2015-05-17T10:00:00Z","hits":11,"bytes":4096,"errors":2}],)"
      R"("per_minute":[{"start":"2015-05-17T10:00:00Z","hits":11,"bytes":4096,"errors":2}],)"
      R"("paths":[{"name":"/","hits":9,"bytes":4000}],"static_files":[],"not_found":[],"hosts":[],"referring_sites":[],)"
      R"("browsers":[],"systems":[],"approximate":false})");
}

TEST(ReportJson, OfNothingHasNullsAndEmptyLists) {
  EXPECT_THAT(to_json(Report{}), HasSubstr(R"("first":null,"last":null,"status":{},"methods":{},"per_hour":[])"));
}

TEST(ReportText, SaysWhatMattersAndWritesNoControlCharacters) {
  const auto text = to_text(example());
  EXPECT_THAT(text, HasSubstr("12 lines, 11 hits, 1 rejected"));
  EXPECT_THAT(text, HasSubstr("2015-05-17T10:05:03Z to 2015-05-17T10:53:20Z"));
  EXPECT_THAT(text, HasSubstr("4.0 KiB sent, 3 unique visitors, 2 errors (18.18 %)"));
  EXPECT_THAT(text, HasSubstr("Paths (4)"));
  EXPECT_THAT(text, HasSubstr("offset 7: invalid time: junk"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\xff")));
}

TEST(ReportText, SaysThatFiguresAreEstimates) {
  auto report = example();
  report.approximate = true;
  EXPECT_THAT(to_text(report), HasSubstr("about 3 unique visitors"));
}

TEST(Printable, KeepsUtf8AndWritesOtherBytesAsHex) {
  EXPECT_EQ(printable("grün €\xf0\x9f\x98\x80", Printable::kUtf8), "grün €\xf0\x9f\x98\x80");
  EXPECT_EQ(printable("\xff|\xc3|\xe2\x82|\xed\xa0\x80|\xc0\xaf|\xf5\x80\x80\x80", Printable::kUtf8),
            R"(\xff|\xc3|\xe2\x82|\xed\xa0\x80|\xc0\xaf|\xf5\x80\x80\x80)");
  EXPECT_EQ(printable("a\tb\x7f\xc2\x9b", Printable::kTerminal), R"(a\x09b\x7f\xc2\x9b)");
  EXPECT_EQ(printable("a\tb", Printable::kUtf8), "a\tb");
}

}  // namespace
}  // namespace millrace::weblog
