#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "sim/story.h"
#include "sim/watcher.h"

namespace millrace::test {

/// Topics that are made, written, deleted and made again under the same name.
///
/// Who was told that a topic is there, or gone, finds it so; a topic has the records that were acknowledged in it, and
/// none of those before it.
class TopicStory final : public Story {
 public:
  explicit TopicStory(Machine& machine) : machine_(machine) {}

  void use() override;
  void check() override;

 private:
  struct Topic {
    std::string name;
    /// None while both answers are right.
    std::optional<bool> exists = false;
    std::int64_t next_number = 0;
    /// Acknowledged numbers, of the topic that has this id.
    std::map<TopicId, std::map<Offset, std::int64_t>> told = {};
  };

  void make(Topic& topic);
  void remove(Topic& topic);
  void write(Topic& topic);
  void check_records(const Topic& topic, const TopicId& id);

  Machine& machine_;
  std::array<Topic, 3> topics_{Topic{"extra-0"}, Topic{"extra-1"}, Topic{"extra-2"}};
};

}  // namespace millrace::test
