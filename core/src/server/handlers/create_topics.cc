#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::CreatableTopic;
using protocol::CreatableTopicResult;
using Created = std::vector<Result<CreatedTopic>>;

CreateTopic call_of(const CreatableTopic& asked) {
  CreateTopic topic;
  topic.name = asked.name;
  topic.partitions = asked.num_partitions;
  topic.replication_factor = asked.replication_factor;
  for (const auto& assignment : asked.assignments) {
    topic.assignments[assignment.partition_index.value()] = assignment.broker_ids;
  }
  for (const auto& config : asked.configs) {
    if (config.value) topic.configs[config.name] = *config.value;
  }
  return topic;
}

std::vector<protocol::CreatableTopicConfigResult> configs_of(const std::string& topic, HandlerContext& context) {
  std::vector<protocol::CreatableTopicConfigResult> configs;
  const auto entries = context.broker().describe_configs(ConfigResource{ResourceType::kTopic, topic});
  if (!entries) return configs;  // only validated: there is no topic to ask
  for (const auto& entry : *entries) {
    auto& config = configs.emplace_back();
    config.name = entry.name;
    config.value = entry.value;
    config.read_only = entry.read_only;
    config.config_source = static_cast<std::int8_t>(entry.source);
  }
  return configs;
}

CreatableTopicResult result_of(const std::string& name, const Result<CreatedTopic>& created, HandlerContext& context) {
  CreatableTopicResult shown;
  shown.name = name;
  if (!created) {
    shown.error_code = created.error().code();
    shown.error_message = created.error().message();
    return shown;
  }
  shown.topic_id = created->id;
  shown.num_partitions = created->partitions;
  shown.replication_factor = created->replication_factor;
  shown.configs = configs_of(name, context);
  return shown;
}

}  // namespace

Task<protocol::CreateTopicsResponse> handle(const protocol::CreateTopicsRequest& request, HandlerContext& context) {
  std::vector<CreateTopic> topics;
  for (const auto& asked : request.topics) topics.push_back(call_of(asked));
  const auto validate_only = request.validate_only ? ValidateOnly::kYes : ValidateOnly::kNo;
  auto create = [&](auto done) { context.broker().create_topics(std::move(topics), validate_only, done); };
  const Created created = co_await callback_result<Created>(create);
  protocol::CreateTopicsResponse response;
  for (std::size_t i = 0; i < created.size(); ++i) {
    response.topics.push_back(result_of(request.topics[i].name, created[i], context));
  }
  co_return response;
}

Task<protocol::CreatePartitionsResponse> handle(const protocol::CreatePartitionsRequest& request,
                                                HandlerContext& context) {
  using Answers = std::vector<Result<void>>;
  std::vector<CreatePartitions> calls;
  for (const auto& asked : request.topics) {
    auto& call = calls.emplace_back();
    call.topic = asked.name;
    call.total = asked.count;
    if (!asked.assignments) continue;
    for (const auto& assignment : *asked.assignments) call.assignments.push_back(assignment.broker_ids);
  }
  const auto validate_only = request.validate_only ? ValidateOnly::kYes : ValidateOnly::kNo;
  auto create = [&](auto done) { context.broker().create_partitions(std::move(calls), validate_only, done); };
  const Answers answers = co_await callback_result<Answers>(create);
  protocol::CreatePartitionsResponse response;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto& shown = response.results.emplace_back();
    shown.name = request.topics[i].name;
    if (answers[i]) continue;
    shown.error_code = answers[i].error().code();
    shown.error_message = answers[i].error().message();
  }
  co_return response;
}

}  // namespace millrace
