#pragma once

#include <memory>
#include <optional>
#include <string>

#include "millrace/client.h"
#include "runtime/task_runner.h"
#include "state/checkpoint.h"

namespace millrace::streams {

/// What a checkpoint of a task holds: where its inputs stand and the state after exactly these records.
void write_task(StateWriter& out, const std::vector<TaskInput::Slot>& slots, const InputPosition& position,
                const TaskCore& core);

/// Brings a new task to where the checkpoint was. Partitions that came since begin at their start. Errors:
/// `kCorruptLog`; `kUnsupported` (an input it had is gone).
[[nodiscard]] Result<void> read_task(std::string_view content, TaskInput& input, TaskCore& core,
                                     const std::string& name);

}  // namespace millrace::streams
