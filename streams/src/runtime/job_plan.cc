#include "runtime/job_plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace millrace::streams {
namespace {

using Tasks = Topology::SubTopology::Tasks;

std::string internal_topic(const StreamConfig& config, const std::string& name) {
  return fmt::format("{}-{}-repartition", config.application_id, name);
}

/// What a job writes bears the time of events, which may lie anywhere: no topic of its may refuse that.
constexpr std::pair<const char*, const char*> kAnyTime[] = {
    {"message.timestamp.before.max.ms", "9223372036854775807"},
    {"message.timestamp.after.max.ms", "9223372036854775807"},
};

/// A topic that is there already, made by an earlier version or by hand, takes any time from now on as well, but for
/// what the sink itself was told to bound.
Result<void> take_any_time(Admin& admin, const NewTopic& topic) {
  MILLRACE_TRY(configs, admin.topic_configs(topic.name));
  std::vector<std::pair<std::string, std::optional<std::string>>> changes;
  for (const auto& [key, value] : kAnyTime) {
    const auto found = configs.find(key);
    if (!topic.configs.contains(key) && (found == configs.end() || found->second != value)) {
      changes.emplace_back(key, value);
    }
  }
  if (changes.empty()) return {};
  return admin.alter_topic_configs(topic.name, changes);
}

Result<void> make_sink_topic(Admin& admin, const NewTopic& topic) {
  auto complete = topic;
  for (const auto& [key, value] : kAnyTime) complete.configs.try_emplace(key, value);
  auto made = admin.create_topic(complete);
  if (made) return {};
  if (made.error().code() != ErrorCode::kTopicAlreadyExists) {
    return std::unexpected(std::move(made).error().in(fmt::format("cannot make topic {}", topic.name)));
  }
  auto altered = take_any_time(admin, topic);
  if (altered) return {};
  return std::unexpected(std::move(altered).error().in(
      fmt::format("cannot let topic {} take results of any event time. Set its message.timestamp.before.max.ms and "
                  "message.timestamp.after.max.ms to {}",
                  topic.name, kAnyTime[0].second)));
}

/// A repartition topic holds records until they were processed, whatever their time: nothing but the job trims it.
NewTopic repartition_topic(std::string name, const detail::SinkTopic& sink) {
  return {.name = std::move(name),
          .partitions = sink.partitions,
          .configs = {{"cleanup.policy", "delete"},
                      {"retention.ms", "-1"},
                      {"retention.bytes", "-1"},
                      {"message.timestamp.type", "CreateTime"}}};
}

Result<std::vector<std::string>> make_sinks(const Topology& topology, const StreamConfig& config, Admin& admin) {
  std::vector<std::string> names;
  std::set<std::string> dead_letters;
  for (const auto& node : topology.nodes()) {
    if (const auto* source = dynamic_cast<const detail::SourceBase*>(node.get())) {
      if (source->policy.action == ErrorPolicy::Action::kDeadLetter)
        dead_letters.insert(source->policy.dead_letter_topic);
    }
    const auto* sink = node->sink();
    if (sink == nullptr) continue;
    if (names.size() <= node->sink_index) names.resize(node->sink_index + 1);
    auto& name = names[node->sink_index];
    if (!name.empty()) continue;
    if (sink->kind == detail::SinkTopic::Kind::kRepartition) {
      if (config.application_id.empty()) {
        return fail(ErrorCode::kInvalidConfig, "stream job: a topology with .repartition() needs \"application.id\"");
      }
      name = internal_topic(config, sink->name);
      MILLRACE_CHECK(make_sink_topic(admin, repartition_topic(name, *sink)));
    } else {
      name = sink->name;
      MILLRACE_CHECK(make_sink_topic(admin, {.name = name, .partitions = sink->partitions, .configs = sink->configs}));
    }
  }
  for (const auto& name : dead_letters) MILLRACE_CHECK(make_sink_topic(admin, {.name = name}));
  return names;
}

struct SourceTopic {
  detail::NodeId node;
  std::string name;
  std::int32_t partitions;
};

Result<SourceTopic> find_source(const detail::SourceBase& source, const StreamConfig& config, Admin& admin) {
  auto name = source.internal ? internal_topic(config, source.topic) : source.topic;
  auto described = admin.describe_topic(name);
  if (!described) {
    return std::unexpected(std::move(described).error().in(
        fmt::format("the stream job cannot read topic {} (make it first, or start what writes it)", name)));
  }
  return SourceTopic{source.id, std::move(name), static_cast<std::int32_t>(described->partitions.size())};
}

TaskInput::Slot slot_of(const SourceTopic& topic, std::int32_t partition) {
  return {topic.node, std::make_shared<TopicPartition>(TopicPartition{topic.name, PartitionIndex{partition}})};
}

bool has_state(const Topology& topology, const Topology::SubTopology& sub) {
  return std::ranges::any_of(sub.nodes, [&](auto id) { return !topology.node(id).store_name().empty(); });
}

Result<void> plan_tasks(const Topology& topology, const Topology::SubTopology& sub,
                        const std::vector<SourceTopic>& topics, JobPlan& plan) {
  const auto internal = std::ranges::any_of(
      sub.sources, [&](auto id) { return static_cast<const detail::SourceBase&>(topology.node(id)).internal; });
  const auto most = std::ranges::max_element(topics, {}, &SourceTopic::partitions);
  if (sub.tasks == Tasks::kOne) {
    JobPlan::TaskPlan task{fmt::format("{}_all", sub.index), sub.index, {}, internal};
    for (const auto& topic : topics) {
      for (std::int32_t partition = 0; partition < topic.partitions; ++partition) {
        task.slots.push_back(slot_of(topic, partition));
      }
    }
    plan.tasks.push_back(std::move(task));
    return {};
  }
  for (const auto& topic : topics) {
    if (topic.partitions != most->partitions && has_state(topology, sub)) {
      return fail(
          ErrorCode::kInvalidPartitions,
          fmt::format("{} has {} partitions and {} has {}, but they are grouped together by key: give them the same "
                      "number, or use .repartition()",
                      topic.name, topic.partitions, most->name, most->partitions));
    }
  }
  for (std::int32_t partition = 0; partition < most->partitions; ++partition) {
    JobPlan::TaskPlan task{fmt::format("{}_{}", sub.index, partition), sub.index, {}, internal};
    for (const auto& topic : topics) {
      if (partition < topic.partitions) task.slots.push_back(slot_of(topic, partition));
    }
    plan.tasks.push_back(std::move(task));
  }
  return {};
}

}  // namespace

Result<JobPlan> plan_job(const Topology& topology, const StreamConfig& config, Admin& admin) {
  JobPlan plan;
  MILLRACE_TRY(sinks, make_sinks(topology, config, admin));
  plan.sink_topics = std::move(sinks);
  for (const auto& sub : topology.sub_topologies()) {
    std::vector<SourceTopic> topics;
    for (const auto id : sub.sources) {
      MILLRACE_TRY(topic, find_source(static_cast<const detail::SourceBase&>(topology.node(id)), config, admin));
      topics.push_back(std::move(topic));
    }
    MILLRACE_CHECK(plan_tasks(topology, sub, topics, plan));
  }
  return plan;
}

}  // namespace millrace::streams
