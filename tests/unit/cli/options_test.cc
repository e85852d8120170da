#include "cli/options.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace millrace::cli {
namespace {

/// `millrace shelf put [--depth N] BOOK`, and `take`.
struct Shelf {
  Shelf() {
    app.require_subcommand(1);
    put = app.add_subcommand("put", "");
    put->add_option("BOOK", book)->required();
    put->add_option("--depth", depth);
    app.add_subcommand("take", "");
  }
  /// The exit code, -1 when the command is to run; what was said is in `said`.
  int parse(std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    testing::internal::CaptureStderr();
    const auto code = parse_options(app, arguments);
    said = testing::internal::GetCapturedStderr();
    return code.value_or(-1);
  }
  CLI::App app{"", "millrace shelf"};
  CLI::App* put = nullptr;
  std::string book;
  int depth = 0;
  std::string said;
};

TEST(ParseOptions, ReadsASubcommandsOptions) {
  Shelf shelf;
  EXPECT_EQ(shelf.parse({"put", "--depth", "3", "Emma"}), -1) << shelf.said;
  EXPECT_TRUE(shelf.put->parsed());
  EXPECT_EQ(shelf.book, "Emma");
  EXPECT_EQ(shelf.depth, 3);
}

TEST(ParseOptions, SuggestsTheSubcommandThatWasMeant) {
  Shelf shelf;
  EXPECT_EQ(shelf.parse({"tke"}), 2);
  EXPECT_EQ(shelf.said, "millrace shelf: unknown command \"tke\". Did you mean \"take\"? See: millrace shelf --help\n");
}

TEST(ParseOptions, SaysWhichSubcommandsThereAre) {
  Shelf shelf;
  EXPECT_EQ(shelf.parse({}), 2);
  EXPECT_EQ(shelf.said, "millrace shelf: say what to do: put, take. See: millrace shelf --help\n");
}

TEST(ParseOptions, SuggestsTheOptionThatWasMeantAndNamesTheSubcommand) {
  Shelf shelf;
  EXPECT_EQ(shelf.parse({"put", "Emma", "--dept=3"}), 2);
  EXPECT_EQ(
      shelf.said,
      "millrace shelf put: unknown option \"--dept\". Did you mean \"--depth\"? See: millrace shelf put --help\n");
}

TEST(ParseOptions, RefusesAWordTooMany) {
  Shelf shelf;
  EXPECT_EQ(shelf.parse({"put", "Emma", "Persuasion"}), 2);
  EXPECT_EQ(shelf.said, "millrace shelf put: \"Persuasion\" is not expected here. See: millrace shelf put --help\n");
}

}  // namespace
}  // namespace millrace::cli
