#pragma once

#include <string>
#include <vector>

#include "millrace/client.h"
#include "millrace/streams/topology.h"
#include "runtime/stream_config.h"
#include "runtime/task_input.h"

namespace millrace::streams {

/// Which tasks a topology needs on the topics as they are, and under which names it writes.
struct JobPlan {
  struct TaskPlan {
    std::string name;  ///< "SUBTOPOLOGY_PARTITION", "0_0"; "0_all" for one task of all partitions
    std::uint32_t sub_topology;
    std::vector<TaskInput::Slot> slots;
    bool reads_internal_topics = false;
  };
  std::vector<TaskPlan> tasks;
  std::vector<std::string> sink_topics;  ///< by sink number
};

/// Makes the topics that the topology writes and that are not there, and plans its tasks. Errors:
/// `kUnknownTopicOrPartition` (an input is missing), `kInvalidPartitions` (inputs that are joined by key have different
/// numbers of partitions).
[[nodiscard]] Result<JobPlan> plan_job(const Topology& topology, const StreamConfig& config, Admin& admin);

}  // namespace millrace::streams
