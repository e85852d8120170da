#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "client/client_config.h"
#include "client/embedded/embedded_client.h"
#include "client/embedded/wait_for.h"
#include "client/group/group_errors.h"
#include "client/transaction_answers.h"
#include "client/transaction_steps.h"
#include "metadata/controller.h"
#include "protocol/consumer_protocol.h"

namespace millrace {
namespace {

constexpr std::chrono::milliseconds kReadyPause{10};

class EmbeddedAdmin final : public Admin {
 public:
  EmbeddedAdmin(std::shared_ptr<EmbeddedContext> context, const Properties& properties)
      : context_(std::move(context)),
        timeout_(std::chrono::milliseconds{admin_config_table().get_long(properties, "request.timeout.ms")}) {}

  Result<TopicId> create_topic(const NewTopic& topic) override {
    using Answers = std::vector<Result<CreatedTopic>>;
    const CreateTopic wanted{.name = topic.name,
                             .partitions = topic.partitions.value_or(-1),
                             .replication_factor = topic.replication_factor,
                             .assignments = {},
                             .configs = topic.configs};
    if (topic.partitions && *topic.partitions < 1) {
      return fail(ErrorCode::kInvalidPartitions,
                  fmt::format("topic \"{}\" needs at least 1 partition, not {}", topic.name, *topic.partitions));
    }
    MILLRACE_TRY(answers, wait_for<Answers>(fmt::format("creating topic \"{}\"", topic.name), timeout_, [&](auto done) {
                   broker().create_topics({wanted}, ValidateOnly::kNo, std::move(done));
                 }));
    MILLRACE_TRY(created, std::move(answers.front()));
    return created.id;
  }

  Result<void> delete_topic(std::string_view name) override {
    using Answers = std::vector<Result<DeletedTopic>>;
    MILLRACE_TRY(answers, wait_for<Answers>(fmt::format("deleting topic \"{}\"", name), timeout_, [&](auto done) {
                   broker().delete_topics({{.name = std::string{name}}}, std::move(done));
                 }));
    if (!answers.front()) return std::unexpected(answers.front().error());
    return {};
  }

  Result<std::vector<std::string>> list_topics() override {
    std::vector<std::string> names;
    for (const auto& [name, topic] : broker().metadata()->topics) names.push_back(name);
    return names;
  }

  Result<TopicDescription> describe_topic(std::string_view name) override {
    MILLRACE_TRY(topic, find_topic(*broker().metadata(), {.name = std::string{name}}));
    TopicDescription description{.name = topic->name, .id = topic->id, .internal = topic->internal, .partitions = {}};
    PartitionIndex index{0};
    for (const auto& partition : topic->partitions) {
      description.partitions.push_back({.index = index,
                                        .leader = partition.leader,
                                        .leader_epoch = partition.leader_epoch,
                                        .replicas = partition.replicas,
                                        .in_sync = partition.in_sync});
      ++index;
    }
    return description;
  }

  Result<Properties> topic_configs(std::string_view name) override {
    MILLRACE_TRY(entries, broker().describe_configs({.type = ResourceType::kTopic, .name = std::string{name}}));
    Properties configs;
    for (auto& entry : entries) configs.emplace(std::move(entry.name), std::move(entry.value));
    return configs;
  }

  Result<void> alter_topic_configs(
      std::string_view name, std::span<const std::pair<std::string, std::optional<std::string>>> changes) override {
    std::vector<ConfigChange> wanted;
    for (const auto& [key, value] : changes) {
      wanted.push_back({.name = key, .op = value ? ConfigOp::kSet : ConfigOp::kDelete, .value = value});
    }
    const ConfigResource resource{.type = ResourceType::kTopic, .name = std::string{name}};
    MILLRACE_TRY(
        answer,
        wait_for<Result<void>>(fmt::format("changing settings of topic \"{}\"", name), timeout_, [&](auto done) {
          broker().alter_configs(resource, wanted, AlterMode::kIncremental, ValidateOnly::kNo, std::move(done));
        }));
    return answer;
  }

  Result<OffsetAnswer> list_offset(const TopicPartition& partition, OffsetQuery query) override {
    return broker().list_offset({.name = partition.topic}, partition.partition, query, Isolation::kHighWatermark);
  }

  Result<Offset> delete_records(const TopicPartition& partition, Offset before) override {
    return broker().delete_records({.name = partition.topic}, partition.partition, before);
  }

  Result<std::uint64_t> partition_size(const TopicPartition& partition) override {
    return broker().partition_size({.name = partition.topic}, partition.partition);
  }

  Result<void> create_partitions(std::string_view topic, std::int32_t total) override {
    using Answers = std::vector<Result<void>>;
    const CreatePartitions wanted{.topic = std::string{topic}, .total = total};
    MILLRACE_TRY(answers,
                 wait_for<Answers>(fmt::format("giving topic \"{}\" more partitions", topic), timeout_, [&](auto done) {
                   broker().create_partitions({wanted}, ValidateOnly::kNo, std::move(done));
                 }));
    return std::move(answers.front());
  }

  Result<std::vector<GroupListing>> list_groups() override {
    MILLRACE_TRY(groups, when_ready("listing groups", [&] { return broker().groups().list(); }));
    std::vector<GroupListing> listed;
    listed.reserve(groups.size());
    for (auto& group : groups) {
      listed.push_back(
          {.id = std::move(group.id), .protocol_type = std::move(group.protocol_type), .state = name_of(group.state)});
    }
    return listed;
  }

  Result<GroupDescription> describe_group(std::string_view id) override {
    auto group = when_ready("describing a group", [&] { return broker().groups().describe(std::string{id}); });
    const bool is_classic =
        group ? group->state != GroupState::kDead : group.error().code() != ErrorCode::kNotCoordinator;
    if (!is_classic) {
      if (const auto consumers = broker().groups().describe_consumer_group(std::string{id}))
        return shown_of(*consumers);
      return fail(ErrorCode::kGroupIdNotFound, fmt::format("there is no group \"{}\"", id));
    }
    if (!group) return std::unexpected(std::move(group).error());
    GroupDescription described{.id = std::string{id},
                               .state = name_of(group->state),
                               .protocol_type = std::move(group->protocol_type),
                               .protocol = std::move(group->protocol),
                               .members = {}};
    for (auto& member : group->members) {
      auto& shown = described.members.emplace_back(GroupMemberDescription{.id = std::move(member.id),
                                                                          .instance_id = std::move(member.instance),
                                                                          .client_id = std::move(member.client_id),
                                                                          .client_host = std::move(member.client_host),
                                                                          .assignment = {}});
      // Bytes of a protocol that is not the consumers' show nothing.
      if (described.protocol_type != "consumer") continue;
      if (const auto mine = protocol::decode_assignment(member.assignment)) {
        shown.assignment = protocol::one_by_one(mine->assigned_partitions);
      }
    }
    return described;
  }

  Result<std::vector<PartitionOffset>> group_offsets(std::string_view group) override {
    const auto found = when_ready("fetching the offsets of a group",
                                  [&] { return broker().groups().fetch_all_offsets(std::string{group}); });
    if (!found && found.error().code() == ErrorCode::kNotCoordinator) return std::vector<PartitionOffset>{};
    if (!found) return std::unexpected(found.error());
    std::vector<PartitionOffset> offsets;
    for (const auto& [partition, offset] : *found) {
      offsets.push_back({.partition = partition,
                         .offset = offset.offset,
                         .leader_epoch = offset.leader_epoch,
                         .metadata = offset.metadata});
    }
    return offsets;
  }

  Result<void> alter_group_offsets(std::string_view group, std::span<const PartitionOffset> offsets) override {
    const auto what = fmt::format("setting the offsets of group \"{}\"", group);
    MILLRACE_TRY(found,
                 wait_for<Result<void>>(what, timeout_, [&](auto done) { broker().groups().ensure(std::move(done)); }));
    MILLRACE_CHECK(found);
    CommitOffsets call;
    call.group = group;
    for (const auto& offset : offsets) {
      call.offsets.push_back({.topic = {.name = offset.partition.topic},
                              .partition = offset.partition.partition,
                              .offset = offset.offset,
                              .leader_epoch = offset.leader_epoch,
                              .metadata = offset.metadata});
    }
    MILLRACE_TRY(codes, answers_when_loaded(what, [&](ErrorCodesDone done) {
                   broker().groups().commit_offsets(call, std::move(done));
                 }));
    for (std::size_t i = 0; i < codes.size(); ++i) {
      if (codes[i] != ErrorCode::kNone) return refused_offset(group, offsets[i], codes[i]);
    }
    return {};
  }

  Result<void> delete_group_offsets(std::string_view group, std::span<const TopicPartition> partitions) override {
    const auto what = fmt::format("deleting offsets of group \"{}\"", group);
    using Deleted = Result<std::vector<ErrorCode>>;
    const std::vector<TopicPartition> wanted{partitions.begin(), partitions.end()};
    const auto codes = when_ready(what, [&]() -> Deleted {
      MILLRACE_TRY(deleted, wait_for<Deleted>(what, timeout_, [&](auto done) {
                     broker().groups().delete_offsets(std::string{group}, wanted, std::move(done));
                   }));
      return deleted;
    });
    if (!codes) return deleted_group(group, codes.error().code());
    for (std::size_t i = 0; i < wanted.size(); ++i) MILLRACE_CHECK(deleted_offset(group, wanted[i], (*codes)[i]));
    return {};
  }

  Result<void> delete_group(std::string_view group) override {
    MILLRACE_TRY(codes, answers_when_loaded(fmt::format("deleting group \"{}\"", group), [&](ErrorCodesDone done) {
                   broker().groups().delete_groups({std::string{group}}, std::move(done));
                 }));
    return deleted_group(group, codes.front());
  }

  Result<std::vector<TransactionListing>> list_transactions() override {
    MILLRACE_TRY(found, when_ready("listing transactions", [&] { return broker().transactions().list({}); }));
    std::vector<TransactionListing> listed;
    listed.reserve(found.size());
    for (auto& one : found) {
      listed.push_back({.id = std::move(one.id), .producer = one.producer, .state = std::string{name_of(one.state)}});
    }
    return listed;
  }

  Result<TransactionDescription> describe_transaction(std::string_view id) override {
    auto found =
        when_ready("describing a transaction", [&] { return broker().transactions().describe(std::string{id}); });
    // Before the first transaction there is no coordinator.
    const bool is_unknown = !found && (found.error().code() == ErrorCode::kTransactionalIdNotFound ||
                                       found.error().code() == ErrorCode::kNotCoordinator);
    if (is_unknown) return unknown_transaction(id);
    if (!found) return std::unexpected(std::move(found).error());
    const auto& data = found->data;
    TransactionDescription described{.id = std::string{id},
                                     .state = std::string{name_of(data.state)},
                                     .producer = data.producer.id,
                                     .epoch = data.producer.epoch,
                                     .timeout = data.timeout,
                                     .started = {},
                                     .partitions = {data.partitions.begin(), data.partitions.end()}};
    if (data.started != kNoTimestamp) described.started = data.started;
    return described;
  }

  Result<void> fence_producer(std::string_view id) override {
    const auto what = fmt::format("fencing the producer of \"{}\"", id);
    MILLRACE_TRY(found, wait_for<Result<void>>(what, timeout_,
                                               [&](auto done) { broker().transactions().ensure(std::move(done)); }));
    MILLRACE_CHECK(found);
    const std::string name{id};
    return when_ready(what, [&]() -> Result<void> {
      MILLRACE_TRY(answer, wait_for<TransactionAnswer>(what, timeout_, [&](auto done) {
                     broker().transactions().init(name, {.timeout = kFencingTimeout}, std::move(done));
                   }));
      if (answer.error == ErrorCode::kNone) return {};
      return std::unexpected(transaction_error("fence the producer", name, answer.error));
    });
  }

  Result<std::vector<PartitionProducer>> partition_producers(const TopicPartition& partition) override {
    MILLRACE_TRY(active, broker().active_producers({.name = partition.topic}, partition.partition));
    std::vector<PartitionProducer> shown;
    shown.reserve(active.size());
    for (const auto& one : active) {
      shown.push_back({.producer = one.id,
                       .epoch = one.epoch,
                       .last_sequence = one.last_sequence,
                       .last_timestamp = one.last_timestamp,
                       .coordinator_epoch = one.coordinator_epoch,
                       .open_from = one.open_transaction});
    }
    return shown;
  }

  Result<void> abort_hanging(const TopicPartition& partition, const PartitionProducer& producer) override {
    MILLRACE_TRY(now, partition_producers(partition));
    MILLRACE_CHECK(check_open(partition, now, producer));
    const TransactionMarker marker{.producer = producer.producer,
                                   .epoch = producer.epoch,
                                   .end = TransactionEnd::kAbort,
                                   .coordinator_epoch = marker_epoch(producer)};
    MILLRACE_TRY(written, wait_for<Result<void>>(
                              fmt::format("aborting a transaction in {}", partition.to_string()), timeout_,
                              [&](auto done) { broker().write_marker(partition, marker, 0, std::move(done)); }));
    return written;
  }

 private:
  [[nodiscard]] BrokerCore& broker() const { return *context_->broker; }
  /// Asks until the coordinator has read what was written before, which for a moment after a start it has not, and has
  /// ended what it is about to end.
  template <class Ask>
  [[nodiscard]] auto when_ready(std::string_view what, Ask ask) const -> decltype(ask()) {
    struct Passed {};
    const auto until = deadline_in(timeout_);
    for (;;) {
      auto answer = ask();
      const bool passes = !answer && transaction_passes(answer.error().code());
      if (!passes || std::chrono::steady_clock::now() >= until) return answer;
      MILLRACE_CHECK(wait_for<Passed>(what, timeout_, [&](auto done) {
        context_->executor.post_at(context_->clock.now() + kReadyPause,
                                   [done = std::move(done)]() mutable { done(Passed{}); });
      }));
    }
  }
  [[nodiscard]] Result<std::vector<ErrorCode>> answers_when_loaded(
      std::string_view what, const std::function<void(ErrorCodesDone)>& ask) const {
    return when_ready(what, [&]() -> Result<std::vector<ErrorCode>> {
      MILLRACE_TRY(codes, wait_for<std::vector<ErrorCode>>(what, timeout_, ask));
      if (codes.empty() || codes.front() != ErrorCode::kCoordinatorLoadInProgress) return codes;
      return fail(codes.front(), fmt::format("{}: the coordinator still reads what was written before", what));
    });
  }
  /// Topics that are gone have no name to show.
  [[nodiscard]] GroupDescription shown_of(const ConsumerGroupView& group) const {
    const auto image = broker().metadata();
    GroupDescription described{.id = group.id,
                               .state = name_of(group.state),
                               .protocol_type = "consumer",
                               .protocol = group.assignor,
                               .members = {}};
    for (const auto& member : group.members) {
      auto& shown = described.members.emplace_back(GroupMemberDescription{.id = member.id,
                                                                          .instance_id = member.instance,
                                                                          .client_id = member.client_id,
                                                                          .client_host = member.client_host,
                                                                          .assignment = {}});
      for (const auto& [id, partitions] : member.assignment) {
        const auto topic = image->topic(id);
        if (!topic) continue;
        for (const auto partition : partitions) shown.assignment.push_back({topic->name, partition});
      }
      std::ranges::sort(shown.assignment);
    }
    return described;
  }

  const std::shared_ptr<EmbeddedContext> context_;
  const Duration timeout_;
};

}  // namespace

Result<std::unique_ptr<Admin>> make_embedded_admin(std::shared_ptr<EmbeddedContext> context,
                                                   const Properties& properties) {
  return std::make_unique<EmbeddedAdmin>(std::move(context), properties);
}

}  // namespace millrace
