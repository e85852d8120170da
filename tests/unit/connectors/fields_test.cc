#include "millrace/connect/fields.h"

#include <gtest/gtest.h>

#include "file/file_offset.h"
#include "worker/offset_topic.h"

namespace millrace::connect {
namespace {

TEST(Fields, AreWrittenInOneOrderAndReadBack) {
  const Fields fields{{"path", "/a \"b\"\n"}, {"inode", std::int64_t{7}}, {"done", true}};
  EXPECT_EQ(to_json(fields), R"({"done":true,"inode":7,"path":"/a \"b\"\n"})");
  EXPECT_EQ(fields_from_json(to_json(fields)).value(), fields);
}

TEST(Fields, ReplaceBytesThatJsonCannotHold) {
  EXPECT_EQ(to_json({{"path", std::string{"a\xff\xc3\xa4\xed\xa0\x80"}}}),
            "{\"path\":\"a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}");
}

TEST(Fields, RefuseWhatIsNoFlatObject) {
  for (const auto* json : {"", "[]", "{", "{\"a\":null}", "{\"a\":1.5}", "{\"a\":{}}"}) {
    EXPECT_FALSE(fields_from_json(json)) << json;
  }
}

TEST(OffsetKey, IsThatOfKafkaConnect) {
  const SourcePartition partition{{"inode", std::int64_t{7}}};
  EXPECT_EQ(offset_key("logs", partition), R"(["logs",{"inode":7}])");
  const auto parsed = parse_offset_key(offset_key("logs", partition));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->first, "logs");
  EXPECT_EQ(parsed->second, partition);
  for (const auto* key : {"", "{}", "[]", R"(["a"])", R"([1,{}])", R"(["a",{"b":null}])"}) {
    EXPECT_FALSE(parse_offset_key(key)) << key;
  }
}

TEST(FileOffset, IsReadBackAsItWasWritten) {
  const FileId id{2049, 0xffff'ffff'ffff'ff00};
  const FilePosition position{
      .position = 12345, .fingerprint = {0xfedc'ba98'7654'3210, 1024}, .is_unterminated = true, .lines = 99};
  const auto stored = stored_file(partition_of(id), offset_of(position, "/var/log/a.log"));
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->first, id);
  EXPECT_EQ(stored->second.path, "/var/log/a.log");
  EXPECT_EQ(stored->second.position.position, 12345u);
  EXPECT_EQ(stored->second.position.fingerprint, position.fingerprint);
  EXPECT_TRUE(stored->second.position.is_unterminated);
  EXPECT_EQ(stored->second.position.lines, 99u);
  EXPECT_FALSE(stored_file({{"stream", "-"}}, {{"position", std::int64_t{3}}}));
}

}  // namespace
}  // namespace millrace::connect
