#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "client/client_config.h"
#include "client/group/group_errors.h"
#include "client/kafka/kafka_client.h"
#include "client/kafka/transaction_questions.h"
#include "protocol/consumer_group_describe.h"
#include "protocol/consumer_protocol.h"
#include "protocol/create_partitions.h"
#include "protocol/create_topics.h"
#include "protocol/delete_groups.h"
#include "protocol/delete_records.h"
#include "protocol/delete_topics.h"
#include "protocol/describe_configs.h"
#include "protocol/describe_groups.h"
#include "protocol/describe_log_dirs.h"
#include "protocol/incremental_alter_configs.h"
#include "protocol/list_groups.h"
#include "protocol/offset_commit.h"
#include "protocol/offset_delete.h"

namespace millrace {
namespace {

constexpr std::int8_t kTopicResource = 2;
constexpr std::int8_t kSetConfig = 0;
constexpr std::int8_t kDeleteConfig = 1;
// The newest versions that name topics.
constexpr std::int16_t kDeleteTopicsByName = 5;
constexpr std::int16_t kOffsetCommitByName = 9;

/// The broker's own words where it has any.
std::unexpected<Error> refused(std::string_view what, ErrorCode code, const std::optional<std::string>& message) {
  if (message && !message->empty()) return fail(code, *message);
  return fail(code, fmt::format("{}: {}", what, name_of(code)));
}

TopicDescription described(const protocol::MetadataResponseTopic& topic) {
  TopicDescription description{
      .name = topic.name.value_or(""), .id = topic.topic_id, .internal = topic.is_internal, .partitions = {}};
  for (const auto& partition : topic.partitions) {
    description.partitions.push_back({.index = partition.partition_index,
                                      .leader = partition.leader_id,
                                      .leader_epoch = partition.leader_epoch,
                                      .replicas = partition.replica_nodes,
                                      .in_sync = partition.isr_nodes});
  }
  std::ranges::sort(description.partitions, {}, &PartitionDescription::index);
  return description;
}

class KafkaAdmin final : public Admin {
 public:
  KafkaAdmin(std::shared_ptr<KafkaContext> context, const Properties& properties)
      : context_(std::move(context)),
        timeout_(std::chrono::milliseconds{admin_config_table().get_long(properties, "request.timeout.ms")}) {}

  Result<TopicId> create_topic(const NewTopic& topic) override;
  Result<void> delete_topic(std::string_view name) override;
  Result<std::vector<std::string>> list_topics() override;
  Result<TopicDescription> describe_topic(std::string_view name) override;
  Result<Properties> topic_configs(std::string_view name) override;
  Result<void> alter_topic_configs(
      std::string_view name, std::span<const std::pair<std::string, std::optional<std::string>>> changes) override;
  Result<OffsetAnswer> list_offset(const TopicPartition& partition, OffsetQuery query) override {
    return ask_offset(cluster(), partition, query, ReadIsolation::kUncommitted, deadline());
  }
  Result<Offset> delete_records(const TopicPartition& partition, Offset before) override;
  Result<std::uint64_t> partition_size(const TopicPartition& partition) override;
  Result<void> create_partitions(std::string_view topic, std::int32_t total) override;

  Result<std::vector<GroupListing>> list_groups() override;
  Result<GroupDescription> describe_group(std::string_view group) override;
  Result<std::vector<PartitionOffset>> group_offsets(std::string_view group) override;
  Result<void> alter_group_offsets(std::string_view group, std::span<const PartitionOffset> offsets) override;
  Result<void> delete_group_offsets(std::string_view group, std::span<const TopicPartition> partitions) override;
  Result<void> delete_group(std::string_view group) override;

  Result<std::vector<TransactionListing>> list_transactions() override {
    return ask_transactions(cluster(), deadline());
  }
  Result<TransactionDescription> describe_transaction(std::string_view id) override {
    return ask_transaction(cluster(), id, deadline());
  }
  Result<void> fence_producer(std::string_view id) override { return ask_to_fence(cluster(), id, deadline()); }
  Result<std::vector<PartitionProducer>> partition_producers(const TopicPartition& partition) override {
    return ask_producers(cluster(), partition, deadline());
  }
  Result<void> abort_hanging(const TopicPartition& partition, const PartitionProducer& producer) override {
    return ask_to_abort(cluster(), partition, producer, deadline());
  }

 private:
  /// A group of the consumer protocol (KIP-848), of which DescribeGroups knows nothing.
  [[nodiscard]] Result<GroupDescription> describe_consumer_group(std::string_view group, TimePoint until);
  [[nodiscard]] Cluster& cluster() const { return *context_->cluster; }
  [[nodiscard]] TimePoint deadline() const { return std::chrono::steady_clock::now() + timeout_; }
  [[nodiscard]] std::int32_t timeout_ms() const {
    return static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(timeout_).count());
  }
  template <class Response, class Request>
  [[nodiscard]] Result<Response> ask_controller(const Request& request, TimePoint until,
                                                std::int16_t last = Request::kVersions.last) {
    MILLRACE_TRY(controller, cluster().controller(until));
    return cluster().call<Response>(controller, request, until, last);
  }
  template <class Response, class Request>
  [[nodiscard]] Result<Response> ask_coordinator(std::string_view group, const Request& request, TimePoint until,
                                                 std::int16_t last = Request::kVersions.last) {
    MILLRACE_TRY(coordinator, cluster().coordinator_of(group, until));
    return cluster().call<Response>(coordinator, request, until, last);
  }
  /// Brokers hear of a change a moment after it was made: what was done is waited for.
  template <class Holds>
  void await_shown(TimePoint until, Holds holds) {
    while (!holds() && Cluster::pause_before_retry(until)) {
    }
  }

  const std::shared_ptr<KafkaContext> context_;
  const Duration timeout_;
};

// --- topics ----------------------------------------------------------------------------------------------------------

Result<TopicId> KafkaAdmin::create_topic(const NewTopic& topic) {
  if (topic.partitions && *topic.partitions < 1) {
    return fail(ErrorCode::kInvalidPartitions,
                fmt::format("topic \"{}\" needs at least 1 partition, not {}", topic.name, *topic.partitions));
  }
  const auto until = deadline();
  protocol::CreateTopicsRequest request;
  request.timeout_ms = timeout_ms();
  auto& wanted = request.topics.emplace_back();
  wanted.name = topic.name;
  wanted.num_partitions = topic.partitions.value_or(-1);
  wanted.replication_factor = topic.replication_factor;
  for (const auto& [key, value] : topic.configs) wanted.configs.push_back({.name = key, .value = value});
  MILLRACE_TRY(response, ask_controller<protocol::CreateTopicsResponse>(request, until));
  if (response.topics.size() != 1) return fail(ErrorCode::kMalformed, "the answer to a new topic is of something else");
  const auto& made = response.topics.front();
  if (made.error_code != ErrorCode::kNone) {
    return refused(fmt::format("cannot create topic \"{}\"", topic.name), made.error_code, made.error_message);
  }
  auto id = made.topic_id;
  await_shown(until, [&] {
    const auto shown = cluster().topic(topic.name, until);
    if (!shown || (!id.is_nil() && shown->topic_id != id)) return false;
    id = shown->topic_id;
    return std::ranges::all_of(shown->partitions, [](const auto& one) { return one.leader_id.value() >= 0; });
  });
  return id;
}

Result<void> KafkaAdmin::delete_topic(std::string_view name) {
  const auto until = deadline();
  protocol::DeleteTopicsRequest request;
  request.timeout_ms = timeout_ms();
  request.topic_names.emplace_back(name);
  MILLRACE_TRY(response, ask_controller<protocol::DeleteTopicsResponse>(request, until, kDeleteTopicsByName));
  if (response.responses.size() != 1) {
    return fail(ErrorCode::kMalformed, "the answer to a deletion is of something else");
  }
  const auto& gone = response.responses.front();
  if (gone.error_code != ErrorCode::kNone) {
    return refused(fmt::format("cannot delete topic \"{}\"", name), gone.error_code, gone.error_message);
  }
  await_shown(until, [&] {
    const auto shown = cluster().topic(name, until);
    return !shown && shown.error().code() == ErrorCode::kUnknownTopicOrPartition;
  });
  return {};
}

Result<std::vector<std::string>> KafkaAdmin::list_topics() {
  MILLRACE_TRY(response, cluster().metadata(std::nullopt, deadline()));
  std::vector<std::string> names;
  names.reserve(response.topics.size());
  for (auto& topic : response.topics) names.push_back(std::move(topic.name).value_or(""));
  std::ranges::sort(names);
  return names;
}

Result<TopicDescription> KafkaAdmin::describe_topic(std::string_view name) {
  MILLRACE_TRY(topic, cluster().topic(name, deadline()));
  return described(topic);
}

Result<void> KafkaAdmin::create_partitions(std::string_view topic, std::int32_t total) {
  const auto until = deadline();
  protocol::CreatePartitionsRequest request;
  request.timeout_ms = timeout_ms();
  auto& wanted = request.topics.emplace_back();
  wanted.name = topic;
  wanted.count = total;
  MILLRACE_TRY(response, ask_controller<protocol::CreatePartitionsResponse>(request, until));
  for (const auto& result : response.results) {
    if (result.error_code == ErrorCode::kNone) continue;
    return refused(fmt::format("cannot give topic \"{}\" more partitions", topic), result.error_code,
                   result.error_message);
  }
  await_shown(until, [&] {
    const auto shown = cluster().topic(topic, until);
    return shown && static_cast<std::int32_t>(shown->partitions.size()) >= total;
  });
  return {};
}

Result<Properties> KafkaAdmin::topic_configs(std::string_view name) {
  protocol::DescribeConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = kTopicResource;
  resource.resource_name = name;
  MILLRACE_TRY(response, cluster().call<protocol::DescribeConfigsResponse>(Cluster::kAny, request, deadline()));
  Properties configs;
  for (auto& result : response.results) {
    if (result.error_code != ErrorCode::kNone) {
      return refused(fmt::format("cannot read the settings of topic \"{}\"", name), result.error_code,
                     result.error_message);
    }
    for (auto& entry : result.configs) configs.emplace(std::move(entry.name), std::move(entry.value).value_or(""));
  }
  return configs;
}

Result<void> KafkaAdmin::alter_topic_configs(
    std::string_view name, std::span<const std::pair<std::string, std::optional<std::string>>> changes) {
  const auto until = deadline();
  protocol::IncrementalAlterConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = kTopicResource;
  resource.resource_name = name;
  for (const auto& [key, value] : changes) {
    resource.configs.push_back({.name = key, .config_operation = value ? kSetConfig : kDeleteConfig, .value = value});
  }
  MILLRACE_TRY(response, cluster().call<protocol::IncrementalAlterConfigsResponse>(Cluster::kAny, request, until));
  for (const auto& result : response.responses) {
    if (result.error_code == ErrorCode::kNone) continue;
    return refused(fmt::format("cannot change the settings of topic \"{}\"", name), result.error_code,
                   result.error_message);
  }
  await_shown(until, [&] {
    const auto shown = topic_configs(name);
    return !shown || std::ranges::all_of(changes, [&](const auto& change) {
      const auto found = shown->find(change.first);
      return !change.second || found == shown->end() || found->second == *change.second;
    });
  });
  return {};
}

Result<Offset> KafkaAdmin::delete_records(const TopicPartition& partition, Offset before) {
  const auto until = deadline();
  protocol::DeleteRecordsRequest request;
  request.timeout_ms = timeout_ms();
  auto& topic = request.topics.emplace_back();
  topic.name = partition.topic;
  topic.partitions.push_back({.partition_index = partition.partition, .offset = before});
  return Cluster::retried<Offset>(until, [&]() -> Result<Offset> {
    MILLRACE_TRY(leader, cluster().leader_of(partition, until));
    MILLRACE_TRY(response, cluster().call<protocol::DeleteRecordsResponse>(leader, request, until));
    if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1) {
      return fail(ErrorCode::kMalformed, "the answer to deleted records is of something else");
    }
    const auto& result = response.topics[0].partitions[0];
    if (result.error_code == ErrorCode::kNone) return result.low_watermark;
    return fail(result.error_code, fmt::format("cannot delete the records of {} before {}: {}", partition.to_string(),
                                               before.value(), name_of(result.error_code)));
  });
}

Result<std::uint64_t> KafkaAdmin::partition_size(const TopicPartition& partition) {
  const auto until = deadline();
  protocol::DescribeLogDirsRequest request;
  auto& topic = request.topics.emplace().emplace_back();
  topic.topic = partition.topic;
  topic.partitions.push_back(partition.partition);
  MILLRACE_TRY(leader, cluster().leader_of(partition, until));
  MILLRACE_TRY(response, cluster().call<protocol::DescribeLogDirsResponse>(leader, request, until));
  for (const auto& folder : response.results) {
    for (const auto& shown : folder.topics) {
      for (const auto& one : shown.partitions) {
        if (shown.name == partition.topic && one.partition_index == partition.partition && !one.is_future_key) {
          return static_cast<std::uint64_t>(one.partition_size);
        }
      }
    }
  }
  return fail(ErrorCode::kUnknownTopicOrPartition,
              fmt::format("the leader of {} shows none of its bytes", partition.to_string()));
}

// --- groups ----------------------------------------------------------------------------------------------------------

Result<std::vector<GroupListing>> KafkaAdmin::list_groups() {
  const auto until = deadline();
  // Each broker knows the groups that it coordinates.
  MILLRACE_TRY(brokers, cluster().brokers(until));
  std::vector<GroupListing> listed;
  for (const auto broker : brokers) {
    const auto ask = [&]() -> Result<protocol::ListGroupsResponse> {
      MILLRACE_TRY(answer, cluster().call<protocol::ListGroupsResponse>(broker, protocol::ListGroupsRequest{}, until));
      // One that coordinates nothing yet has no groups.
      if (answer.error_code == ErrorCode::kNone || answer.error_code == ErrorCode::kCoordinatorNotAvailable) {
        return answer;
      }
      return fail(answer.error_code, fmt::format("cannot list groups: {}", name_of(answer.error_code)));
    };
    MILLRACE_TRY(response, Cluster::retried<protocol::ListGroupsResponse>(until, ask));
    for (auto& group : response.groups) {
      listed.push_back({.id = std::move(group.group_id),
                        .protocol_type = std::move(group.protocol_type),
                        .state = std::move(group.group_state)});
    }
  }
  std::ranges::sort(listed, {}, &GroupListing::id);
  return listed;
}

Result<GroupDescription> KafkaAdmin::describe_group(std::string_view group) {
  const auto until = deadline();
  protocol::DescribeGroupsRequest request;
  request.groups.emplace_back(group);
  return Cluster::retried<GroupDescription>(until, [&]() -> Result<GroupDescription> {
    MILLRACE_TRY(response, ask_coordinator<protocol::DescribeGroupsResponse>(group, request, until));
    if (response.groups.size() != 1) return fail(ErrorCode::kMalformed, "the answer about a group is of another");
    auto& found = response.groups.front();
    if (found.error_code == ErrorCode::kGroupIdNotFound || found.group_state == "Dead") {
      return describe_consumer_group(group, until);
    }
    if (found.error_code != ErrorCode::kNone) {
      return refused(fmt::format("cannot look at group \"{}\"", group), found.error_code, found.error_message);
    }
    GroupDescription description{.id = std::string{group},
                                 .state = std::move(found.group_state),
                                 .protocol_type = std::move(found.protocol_type),
                                 .protocol = std::move(found.protocol_data),
                                 .members = {}};
    for (auto& member : found.members) {
      auto& shown =
          description.members.emplace_back(GroupMemberDescription{.id = std::move(member.member_id),
                                                                  .instance_id = std::move(member.group_instance_id),
                                                                  .client_id = std::move(member.client_id),
                                                                  .client_host = std::move(member.client_host),
                                                                  .assignment = {}});
      if (description.protocol_type != "consumer") continue;
      if (const auto mine = protocol::decode_assignment(member.member_assignment)) {
        shown.assignment = protocol::one_by_one(mine->assigned_partitions);
      }
    }
    return description;
  });
}

Result<GroupDescription> KafkaAdmin::describe_consumer_group(std::string_view group, TimePoint until) {
  protocol::ConsumerGroupDescribeRequest request;
  request.group_ids.emplace_back(group);
  auto response = ask_coordinator<protocol::ConsumerGroupDescribeResponse>(group, request, until);
  const bool knows_no_such_groups = !response && response.error().code() == ErrorCode::kUnsupportedVersion;
  if (!response && !knows_no_such_groups) return std::unexpected(std::move(response).error());
  if (knows_no_such_groups || response->groups.size() != 1 ||
      response->groups.front().error_code == ErrorCode::kGroupIdNotFound) {
    return fail(ErrorCode::kGroupIdNotFound, fmt::format("there is no group \"{}\"", group));
  }
  auto& found = response->groups.front();
  if (found.error_code != ErrorCode::kNone) {
    return refused(fmt::format("cannot look at group \"{}\"", group), found.error_code, found.error_message);
  }
  GroupDescription description{.id = std::string{group},
                               .state = std::move(found.group_state),
                               .protocol_type = "consumer",
                               .protocol = std::move(found.assignor_name),
                               .members = {}};
  for (auto& member : found.members) {
    auto& shown = description.members.emplace_back(GroupMemberDescription{.id = std::move(member.member_id),
                                                                          .instance_id = std::move(member.instance_id),
                                                                          .client_id = std::move(member.client_id),
                                                                          .client_host = std::move(member.client_host),
                                                                          .assignment = {}});
    for (const auto& topic : member.assignment.topic_partitions) {
      for (const auto partition : topic.partitions) shown.assignment.push_back({topic.topic_name, partition});
    }
    std::ranges::sort(shown.assignment);
  }
  return description;
}

Result<std::vector<PartitionOffset>> KafkaAdmin::group_offsets(std::string_view group) {
  MILLRACE_TRY(offsets, ask_group_offsets(cluster(), group, std::nullopt, deadline()));
  std::ranges::sort(offsets, {}, &PartitionOffset::partition);
  return offsets;
}

Result<void> KafkaAdmin::alter_group_offsets(std::string_view group, std::span<const PartitionOffset> offsets) {
  const auto until = deadline();
  protocol::OffsetCommitRequest request;
  request.group_id = group;
  for (const auto& offset : offsets) {
    auto& topic = request.topics.emplace_back();
    topic.name = offset.partition.topic;
    auto& partition = topic.partitions.emplace_back();
    partition.partition_index = offset.partition.partition;
    partition.committed_offset = offset.offset;
    partition.committed_leader_epoch = offset.leader_epoch;
    partition.committed_metadata = offset.metadata;
  }
  return Cluster::retried<void>(until, [&]() -> Result<void> {
    MILLRACE_TRY(response, ask_coordinator<protocol::OffsetCommitResponse>(group, request, until, kOffsetCommitByName));
    for (const auto& topic : response.topics) {
      for (const auto& partition : topic.partitions) {
        if (partition.error_code == ErrorCode::kNone) continue;
        const PartitionOffset about{.partition = {topic.name, partition.partition_index}};
        return refused_offset(group, about, partition.error_code);
      }
    }
    return {};
  });
}

Result<void> KafkaAdmin::delete_group_offsets(std::string_view group, std::span<const TopicPartition> partitions) {
  const auto until = deadline();
  protocol::OffsetDeleteRequest request;
  request.group_id = group;
  for (const auto& partition : partitions) {
    request.topics.push_back({.name = partition.topic, .partitions = {{.partition_index = partition.partition}}});
  }
  return Cluster::retried<void>(until, [&]() -> Result<void> {
    MILLRACE_TRY(response, ask_coordinator<protocol::OffsetDeleteResponse>(group, request, until));
    if (Cluster::passes(response.error_code)) {
      return fail(response.error_code,
                  fmt::format("cannot delete offsets of group \"{}\": {}", group, name_of(response.error_code)));
    }
    MILLRACE_CHECK(deleted_group(group, response.error_code));
    for (const auto& topic : response.topics) {
      for (const auto& one : topic.partitions) {
        MILLRACE_CHECK(deleted_offset(group, {topic.name, one.partition_index}, one.error_code));
      }
    }
    return {};
  });
}

Result<void> KafkaAdmin::delete_group(std::string_view group) {
  const auto until = deadline();
  protocol::DeleteGroupsRequest request;
  request.groups_names.emplace_back(group);
  return Cluster::retried<void>(until, [&]() -> Result<void> {
    MILLRACE_TRY(response, ask_coordinator<protocol::DeleteGroupsResponse>(group, request, until));
    if (response.results.size() != 1)
      return fail(ErrorCode::kMalformed, "the answer to a deletion is of another group");
    const auto code = response.results.front().error_code;
    // Tried again: this one passes.
    if (Cluster::passes(code)) return fail(code, fmt::format("cannot delete group \"{}\": {}", group, name_of(code)));
    return deleted_group(group, code);
  });
}

}  // namespace

Result<std::unique_ptr<Admin>> make_kafka_admin(std::shared_ptr<KafkaContext> context, const Properties& properties) {
  return std::make_unique<KafkaAdmin>(std::move(context), properties);
}

}  // namespace millrace
