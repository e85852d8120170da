#include "cli/config_file.h"

#include <gtest/gtest.h>

namespace millrace::cli {
namespace {

ConfigFile parsed(std::string_view text) { return ConfigFile::parse("server.properties", text).value(); }

TEST(ConfigFile, SaysInWhichLineTheSettingIsThatIsWrong) {
  const auto file = parsed("# a broker\nnode.id=1\n\nnum.partition=3\n");
  const Error wrong{ErrorCode::kInvalidConfig, "configuration: unknown key \"num.partition\"."};
  EXPECT_EQ(file.at_its_line(wrong).message(), "server.properties:4: unknown key \"num.partition\".");
  EXPECT_EQ(file.at_its_line(wrong).code(), ErrorCode::kInvalidConfig);
}

TEST(ConfigFile, LeavesErrorsThatAreNotOfItsSettings) {
  const auto file = parsed("node.id=1\n");
  const Error elsewhere{ErrorCode::kInvalidConfig, "configuration: unknown key \"from.the.command.line\"."};
  EXPECT_EQ(file.at_its_line(elsewhere).message(), elsewhere.message());
  const Error other{ErrorCode::kInUse, "the folder \"node.id\" is in use"};
  EXPECT_EQ(file.at_its_line(other).message(), other.message());
}

TEST(ConfigFile, SaysWhereItCannotBeRead) {
  EXPECT_EQ(ConfigFile::parse("a.properties", "node.id=1\nnode.id=2\n").error().message(),
            "a.properties:2: \"node.id\" is given twice");
  EXPECT_EQ(ConfigFile::parse("a.properties", "nonsense\n").error().message(),
            "a.properties:1: \"nonsense\" is not of the form key=value");
}

}  // namespace
}  // namespace millrace::cli
