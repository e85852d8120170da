#include "broker/topic_page.h"

#include <gmock/gmock.h>

#include "support/must.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;

/// Topics "a" with 3 partitions, "b" with 2 and "c" with 1.
class TopicPages : public ::testing::Test {
 protected:
  TopicPages() {
    std::size_t partitions = 3;
    for (const auto* name : {"a", "b", "c"}) {
      auto topic = std::make_shared<TopicImage>();
      topic->name = name;
      topic->partitions.resize(partitions--);
      image_.topics.emplace(name, std::move(topic));
    }
  }

  /// Each slice as "topic:first+count", or "topic:error"; then where the next page begins.
  std::vector<std::string> page(std::vector<std::string> names, std::optional<TopicCursor> from, std::size_t most) {
    std::vector<std::string> text;
    const auto page = must(topic_page(image_, names, from, most));
    for (const auto& slice : page.topics) {
      const auto what = slice.topic ? std::to_string(slice.first) + "+" + std::to_string(slice.count)
                                    : std::string{name_of(slice.topic.error().code())};
      text.push_back(slice.name + ":" + what);
    }
    if (page.next) text.push_back("then " + page.next->topic + "-" + std::to_string(page.next->partition.value()));
    return text;
  }

  MetadataImage image_;
};

TEST_F(TopicPages, HoldEverythingWhenItFits) {
  EXPECT_THAT(page({}, {}, 6), ElementsAre("a:0+3", "b:0+2", "c:0+1"));
  EXPECT_THAT(page({"c", "a", "c"}, {}, 6), ElementsAre("a:0+3", "c:0+1"));
}

TEST_F(TopicPages, BreakInsideATopicAndGoOnThere) {
  EXPECT_THAT(page({}, {}, 2), ElementsAre("a:0+2", "then a-2"));
  EXPECT_THAT(page({}, TopicCursor{"a", PartitionIndex{2}}, 2), ElementsAre("a:2+1", "b:0+1", "then b-1"));
  EXPECT_THAT(page({}, TopicCursor{"b", PartitionIndex{1}}, 2), ElementsAre("b:1+1", "c:0+1"));
}

TEST_F(TopicPages, BreakBetweenTopics) {
  EXPECT_THAT(page({}, {}, 3), ElementsAre("a:0+3", "then b-0"));
  EXPECT_THAT(page({"a", "c"}, {}, 3), ElementsAre("a:0+3", "then c-0"));
}

TEST_F(TopicPages, GoOnBehindATopicThatIsGone) {
  EXPECT_THAT(page({}, TopicCursor{"aa", PartitionIndex{7}}, 6), ElementsAre("b:0+2", "c:0+1"));
  EXPECT_THAT(page({}, TopicCursor{"a", PartitionIndex{9}}, 6), ElementsAre("a:3+0", "b:0+2", "c:0+1"));
}

TEST_F(TopicPages, SayWhichNamesAreNoTopics) {
  EXPECT_THAT(page({"b", "none", "no/name"}, {}, 6),
              ElementsAre("b:0+2", "no/name:INVALID_TOPIC_EXCEPTION", "none:UNKNOWN_TOPIC_OR_PARTITION"));
}

TEST_F(TopicPages, HaveAtLeastOnePartitionAndNoNegativeOne) {
  EXPECT_THAT(page({}, {}, 0), ElementsAre("a:0+1", "then a-1"));
  EXPECT_EQ(topic_page(image_, {}, TopicCursor{"a", PartitionIndex{-1}}, 1).error().code(), ErrorCode::kInvalidRequest);
}

}  // namespace
}  // namespace millrace::test
