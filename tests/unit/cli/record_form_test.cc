#include "cli/record_form.h"

#include <gmock/gmock.h>

#include <memory>

#include "cli/time_words.h"
#include "support/must.h"

namespace millrace::cli {
namespace {

using test::must;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

const TopicPartition kOrders{"orders", PartitionIndex{2}};

std::string printed(RecordForm form, const RecordView& record) {
  std::string text;
  print_record(form, "=", kOrders, record, text);
  return text;
}
std::string problem(RecordForm form, std::string_view line) {
  const auto parsed = parse_record(form, "\t", line);
  return parsed ? "" : parsed.error().message();
}
RecordView record_of(NullableBytes key, NullableBytes value) {
  return {.offset = Offset{7},
          .timestamp = Timestamp{std::chrono::milliseconds{1'700'000'000'000}},
          .key = key,
          .value = value,
          .raw_headers = {}};
}

TEST(RecordForm, TakesALineAsTheValue) {
  const auto record = must(parse_record(RecordForm::kRaw, "\t", "a\tb"));
  EXPECT_FALSE(record.key);
  EXPECT_EQ(record.value, "a\tb");
  EXPECT_EQ(printed(RecordForm::kRaw, record_of("k", "v")), "v\n");
}

TEST(RecordForm, ReadsAndWritesHexadecimal) {
  EXPECT_EQ(must(parse_record(RecordForm::kHex, "", "00fFa1")).value, std::string("\x00\xff\xa1", 3));
  EXPECT_EQ(printed(RecordForm::kHex, record_of(nullptr, std::string_view{"\x00\xff", 2})), "00ff\n");
  EXPECT_THAT(problem(RecordForm::kHex, "0g"), HasSubstr("\"0g\" is not hexadecimal"));
  EXPECT_THAT(problem(RecordForm::kHex, "012"), HasSubstr("odd number"));
}

TEST(RecordForm, PartsKeyAndValueAtTheFirstSeparator) {
  const auto record = must(parse_record(RecordForm::kKeyValue, "=", "a=b=c"));
  EXPECT_EQ(record.key, "a");
  EXPECT_EQ(record.value, "b=c");
  const auto alone = must(parse_record(RecordForm::kKeyValue, "=", "abc"));
  EXPECT_FALSE(alone.key);
  EXPECT_EQ(alone.value, "abc");
  EXPECT_EQ(printed(RecordForm::kKeyValue, record_of("a", "b")), "a=b\n");
  EXPECT_EQ(printed(RecordForm::kKeyValue, record_of(nullptr, "b")), "b\n");
}

TEST(RecordForm, ReadsAllOfARecordFromJson) {
  const auto record =
      must(parse_record(RecordForm::kJson, "",
                        R"({"key":"k","value":null,"headers":{"a":"x","b":null,"c":{"hex":"00"}},"partition":3,)"
                        R"("timestamp":1700000000000,"offset":12,"topic":"t"})"));
  EXPECT_EQ(record.key, "k");
  EXPECT_FALSE(record.value);
  EXPECT_THAT(record.headers, ElementsAre(Pair("a", std::optional<std::string>{"x"}), Pair("b", std::nullopt),
                                          Pair("c", std::optional<std::string>{std::string(1, '\0')})));
  EXPECT_EQ(record.partition, PartitionIndex{3});
  EXPECT_EQ(record.timestamp, Timestamp{std::chrono::milliseconds{1'700'000'000'000}});
}

TEST(RecordForm, WritesWhatItReadsInJson) {
  EXPECT_EQ(printed(RecordForm::kJson, record_of("ключ", "v")),
            "{\"topic\":\"orders\",\"partition\":2,\"offset\":7,\"timestamp\":1700000000000,\"key\":\"ключ\","
            "\"value\":\"v\"}\n");
  // Not UTF-8: a lone byte, an overlong form, a surrogate.
  for (const std::string bytes : {"\xff", "\xc0\xaf", "\xed\xa0\x80"}) {
    const auto line = printed(RecordForm::kJson, record_of(nullptr, bytes));
    EXPECT_THAT(line, HasSubstr("\"key\":null,\"value_hex\":\""));
    EXPECT_EQ(must(parse_record(RecordForm::kJson, "", line)).value, bytes);
  }
}

TEST(RecordForm, SaysWhatIsWrongWithALineOfJson) {
  EXPECT_THAT(problem(RecordForm::kJson, "{\"key\":"), HasSubstr("not JSON at byte 7"));
  EXPECT_THAT(problem(RecordForm::kJson, "[]"), HasSubstr("no JSON object"));
  EXPECT_THAT(problem(RecordForm::kJson, "{\"value\":1}"), HasSubstr("\"value\" is no string"));
  EXPECT_THAT(problem(RecordForm::kJson, "{\"partition\":-1}"), HasSubstr("no whole number"));
  EXPECT_THAT(problem(RecordForm::kJson, "{\"headers\":{\"a\":1}}"), HasSubstr("neither a string"));
  EXPECT_THAT(problem(RecordForm::kJson, "{\"valu\":\"v\"}"), HasSubstr("\"valu\". Did you mean \"value\"?"));
  EXPECT_THAT(problem(RecordForm::kJson, "{\"customer\":7}"), HasSubstr("go without --form json"));
}

TEST(TimeWords, AreDatesTimesOrMilliseconds) {
  const auto millis = [](std::string_view text) { return must(parse_time("--from", text)).time_since_epoch().count(); };
  EXPECT_EQ(millis("1700000000000"), 1'700'000'000'000);
  EXPECT_EQ(millis("2023-11-14"), 1'699'920'000'000);
  EXPECT_EQ(millis("2023-11-14T22:13:20Z"), 1'700'000'000'000);
  EXPECT_EQ(millis("2023-11-14T22:13:20.250Z"), 1'700'000'000'250);
  for (const auto* wrong :
       {"", "yesterday", "2023-02-30", "2023-11-14T22:13:20", "2023-11-14T25:00:00Z", "2023-11-14Z"}) {
    EXPECT_FALSE(parse_time("--from", wrong)) << wrong;
  }
  EXPECT_THAT(parse_time("--from", "soon").error().message(), HasSubstr("--from \"soon\""));
}

}  // namespace
}  // namespace millrace::cli
