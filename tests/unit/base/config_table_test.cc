#include "base/config_table.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr ConfigKey kKeys[] = {
    {"tasks.max", ConfigType::kInt, "1", "Tasks at most.", 1, 100},
    {"mode", ConfigType::kString, "fast", "How.", {}, {}, "fast|safe"},
    {"follow", ConfigType::kBool, "true", "Whether to go on."},
};
constexpr ConfigTable kTable{"connector \"orders\"", kKeys};

TEST(ConfigTable, NamesAnUnknownKeyAndTheOneThatWasMeant) {
  const auto checked = kTable.check({{"task.max", "3"}});
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message(), "connector \"orders\": unknown key \"task.max\". Did you mean \"tasks.max\"?");
}

TEST(ConfigTable, RefusesValuesOutsideRangeTypeAndChoices) {
  EXPECT_FALSE(kTable.check({{"tasks.max", "0"}}));
  EXPECT_FALSE(kTable.check({{"tasks.max", "three"}}));
  EXPECT_FALSE(kTable.check({{"mode", "slow"}}));
  EXPECT_FALSE(kTable.check({{"follow", "yes"}}));
  EXPECT_TRUE(kTable.check({{"tasks.max", "100"}, {"mode", "safe"}, {"follow", "false"}}));
}

TEST(ConfigTable, FallsBackToTheDefault) {
  EXPECT_EQ(kTable.get_long({}, "tasks.max"), 1);
  EXPECT_EQ(kTable.get_long({{"tasks.max", "7"}}, "tasks.max"), 7);
  EXPECT_TRUE(kTable.get_bool({}, "follow"));
}

TEST(ParseProperties, ReadsCommentsContinuationsAndBothSeparators) {
  const auto properties = parse_properties("# comment\na=1\n b : 2\nlist=x,\\\n  y\n\n! another\n");
  ASSERT_TRUE(properties);
  EXPECT_EQ(*properties, (Properties{{"a", "1"}, {"b", "2"}, {"list", "x,y"}}));
}

TEST(ParseProperties, NamesTheLineThatIsWrong) {
  const auto properties = parse_properties("a=1\nnonsense\n");
  ASSERT_FALSE(properties);
  EXPECT_EQ(properties.error().message(), "line 2: \"nonsense\" is not of the form key=value");
}

}  // namespace
}  // namespace millrace
