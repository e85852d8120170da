#include "base/uuid.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Uuid, ReadsBackWhatItPrints) {
  Random random{3};
  for (int i = 0; i < 1000; ++i) {
    const auto id = random_uuid(random);
    const auto text = id.to_string();
    EXPECT_EQ(text.size(), 22U);
    EXPECT_NE(text.front(), '-');
    EXPECT_EQ(parse_uuid(text), id);
  }
}

TEST(Uuid, PrintsTheIdOfKafkasMetadataTopicAsKafkaDoes) {
  const Uuid id{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  EXPECT_EQ(id.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
  EXPECT_EQ(parse_uuid("AAAAAAAAAAAAAAAAAAAAAQ"), id);
}

TEST(Uuid, RefusesTextThatIsNone) {
  EXPECT_FALSE(parse_uuid(""));
  EXPECT_FALSE(parse_uuid("AAAAAAAAAAAAAAAAAAAAA"));
  EXPECT_FALSE(parse_uuid("AAAAAAAAAAAAAAAAAAAA+Q"));
}

}  // namespace
}  // namespace millrace
