#include "runtime/task_checkpoint.h"

#include <fmt/core.h>

#include <algorithm>

namespace millrace::streams {

void write_task(StateWriter& out, const std::vector<TaskInput::Slot>& slots, const InputPosition& position,
                const TaskCore& core) {
  out.number(slots.size());
  for (const auto& slot : slots) {
    out.text(slot.partition->topic);
    write_state(out, slot.partition->partition);
  }
  write_state(out, position);
  core.write(out);
}

Result<void> read_task(std::string_view content, TaskInput& input, TaskCore& core, const std::string& name) {
  StateReader in{content};
  std::vector<TopicPartition> partitions;
  for (auto left = in.number(); left > 0 && in.ok(); --left) {
    auto topic = std::string{in.text()};
    partitions.push_back({std::move(topic), read_state<PartitionIndex>(in)});
  }
  const auto saved = read_state<InputPosition>(in);
  if (in.ok() && saved.next.size() == partitions.size()) {
    InputPosition position{std::vector<Offset>(input.slots().size(), kNoOffset), saved.records_since_flush,
                           saved.last_flush_ms};
    for (std::size_t i = 0; i < partitions.size(); ++i) {
      const auto slot =
          std::ranges::find_if(input.slots(), [&](const auto& s) { return *s.partition == partitions[i]; });
      if (slot == input.slots().end()) {
        return fail(
            ErrorCode::kUnsupported,
            fmt::format(
                "task {} has read {}, which is not there any more: give the job another application.id to begin "
                "anew",
                name, partitions[i].to_string()));
      }
      position.next[static_cast<std::size_t>(slot - input.slots().begin())] = saved.next[i];
    }
    input.restore(std::move(position));
    core.read(in);
    if (in.ok() && in.left() == 0) return {};
  }
  return fail(ErrorCode::kCorruptLog,
              fmt::format("the checkpoint of task {} has a right checksum, but not the form that this "
                          "program writes",
                          name));
}

}  // namespace millrace::streams
