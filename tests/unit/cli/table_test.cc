#include "cli/table.h"

#include <gtest/gtest.h>

namespace millrace::cli {
namespace {

TEST(Table, LinesUpItsColumns) {
  Table table{{{"TOPIC"}, {"LAG", Table::Align::kRight}, {"MEMBER"}}};
  table.add({"orders", "7", "a"});
  table.add({"größe", "1200", ""});
  EXPECT_EQ(table.text(),
            "TOPIC    LAG  MEMBER\n"
            "orders     7  a\n"
            "größe   1200\n");
}

TEST(Table, DoesNotLetNamesMoveTheCursor) {
  EXPECT_EQ(cell_text("a\x1b[2Jb\n"), "a?[2Jb?");
  EXPECT_EQ(cell_text(""), "-");
}

}  // namespace
}  // namespace millrace::cli
