#include "sim/topic_story.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace millrace::test {

void TopicStory::use() {
  auto& topic = topics_.at(machine_.random().below(topics_.size()));
  if (!machine_.random().one_in(3)) {
    write(topic);
  } else if (topic.exists.value_or(false)) {
    remove(topic);
  } else {
    make(topic);
  }
}

void TopicStory::make(Topic& topic) {
  topic.exists = std::nullopt;
  machine_.core().create_topics({{.name = topic.name, .partitions = 1}}, ValidateOnly::kNo,
                                machine_.in_this_life([this, &topic](const std::vector<Result<CreatedTopic>>& answer) {
                                  const auto& made = answer.front();
                                  if (made || made.error().code() == ErrorCode::kTopicAlreadyExists) {
                                    topic.exists = true;
                                  } else {
                                    machine_.expect_failed_power("making " + topic.name, made.error().message());
                                  }
                                }));
  machine_.run();
}

void TopicStory::remove(Topic& topic) {
  topic.exists = std::nullopt;
  machine_.core().delete_topics(
      {{.name = topic.name}}, machine_.in_this_life([this, &topic](const std::vector<Result<DeletedTopic>>& answer) {
        if (answer.front()) {
          topic.exists = false;
        } else {
          machine_.expect_failed_power("deleting " + topic.name, answer.front().error().message());
        }
      }));
  machine_.run();
}

void TopicStory::write(Topic& topic) {
  const auto found = machine_.core().metadata()->topic(topic.name);
  if (!found) return;
  const auto number = topic.next_number++;
  const Sending sending{
      .to = {topic.name, PartitionIndex{0}},
      .records = {{.key = std::nullopt, .value = found->id.to_string() + ' ' + std::to_string(number)}}};
  produce(machine_, sending, [&topic, id = found->id, number](const Result<AppendInfo>& where) {
    // It may be deleted before the answer.
    if (where) topic.told[id].emplace(where->base_offset, number);
  });
}

void TopicStory::check() {
  for (auto& topic : topics_) {
    const auto found = machine_.core().metadata()->topic(topic.name);
    if (topic.exists) {
      EXPECT_EQ(found != nullptr, *topic.exists) << topic.name;
    }
    topic.exists = found != nullptr;
    if (found) check_records(topic, found->id);
  }
}

void TopicStory::check_records(const Topic& topic, const TopicId& id) {
  const auto reading = read_whole(machine_, {topic.name, PartitionIndex{0}}, Isolation::kHighWatermark);
  const auto prefix = id.to_string() + ' ';
  std::int64_t last = -1;
  for (const auto& [offset, value] : reading.values) {
    ASSERT_TRUE(value.starts_with(prefix)) << topic.name << " has a record of a topic that was deleted: " << value;
    const auto number = std::atoll(value.c_str() + prefix.size());
    EXPECT_GT(number, last) << topic.name << " at offset " << offset.value();
    last = number;
  }
  const auto told = topic.told.find(id);
  if (told == topic.told.end()) return;
  for (const auto& [offset, number] : told->second) {
    const auto found = reading.values.find(offset);
    EXPECT_TRUE(found != reading.values.end() && found->second == prefix + std::to_string(number))
        << topic.name << ": record " << number << ", acknowledged at offset " << offset.value() << ", is not there";
  }
}

}  // namespace millrace::test
