// What members of a consumer group tell each other, as Kafka's clients write it.

#include "protocol/consumer_protocol.h"

#include <gmock/gmock.h>

#include "support/must.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::byte> wire(std::string_view text) {
  const auto raw = as_bytes(text);
  return {raw.begin(), raw.end()};
}

TEST(ConsumerProtocol, ReadsASubscriptionOfTheFirstVersion) {
  // Version 0, one topic, no user data.
  const auto read =
      must(protocol::decode_subscription(wire({"\0\0"
                                               "\0\0\0\1"
                                               "\0\6orders"
                                               "\xff\xff\xff\xff",
                                               18})));
  EXPECT_THAT(read.topics, ElementsAre("orders"));
  EXPECT_FALSE(read.user_data);
  EXPECT_EQ(read.generation_id, -1);
}

TEST(ConsumerProtocol, ReadsWhatIsOwnedAndTheGeneration) {
  // Version 2: one topic, empty user data, orders-1 owned, generation 5.
  const auto read =
      must(protocol::decode_subscription(wire({"\0\2"
                                               "\0\0\0\1"
                                               "\0\6orders"
                                               "\0\0\0\0"
                                               "\0\0\0\1"
                                               "\0\6orders"
                                               "\0\0\0\1"
                                               "\0\0\0\1"
                                               "\0\0\0\5",
                                               42})));
  EXPECT_TRUE(read.user_data && read.user_data->empty());
  EXPECT_THAT(protocol::one_by_one(read.owned_partitions), ElementsAre(TopicPartition{"orders", PartitionIndex{1}}));
  EXPECT_EQ(read.generation_id, 5);
}

TEST(ConsumerProtocol, LeavesAloneWhatANewerVersionAdds) {
  const auto read =
      must(protocol::decode_assignment(wire({"\0\x7f"
                                             "\0\0\0\1"
                                             "\0\1t"
                                             "\0\0\0\1"
                                             "\0\0\0\3"
                                             "\xff\xff\xff\xff"
                                             "more",
                                             25})));
  EXPECT_THAT(protocol::one_by_one(read.assigned_partitions), ElementsAre(TopicPartition{"t", PartitionIndex{3}}));
}

TEST(ConsumerProtocol, TakesNoBytesAsNothingAssigned) {
  EXPECT_THAT(must(protocol::decode_assignment({})).assigned_partitions, IsEmpty());
}

TEST(ConsumerProtocol, RefusesWhatEndsTooEarly) {
  EXPECT_FALSE(protocol::decode_subscription(wire({"\0", 1})));
  EXPECT_FALSE(protocol::decode_subscription(wire({"\0\0\0\0\0\1\0\6ord", 11})));
  EXPECT_FALSE(protocol::decode_assignment(wire({"\0\0\x7f\xff\xff\xff", 6})));
}

TEST(ConsumerProtocol, ReadsWhatItWrites) {
  protocol::ConsumerSubscription subscription;
  subscription.topics = {"a", "b"};
  subscription.user_data = protocol::UserData{1, 2};
  subscription.owned_partitions =
      protocol::by_topic({{"a", PartitionIndex{0}}, {"b", PartitionIndex{1}}, {"a", PartitionIndex{2}}});
  subscription.generation_id = 9;
  subscription.rack_id = "r";
  EXPECT_EQ(must(protocol::decode_subscription(protocol::encode_subscription(subscription))), subscription);
  EXPECT_EQ(subscription.owned_partitions.size(), 2U);
}

}  // namespace
}  // namespace millrace::test
