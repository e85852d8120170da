#include "client/kafka/rdkafka_handles.h"

#include <fmt/format.h>

#include <cstring>
#include <set>

namespace millrace {
namespace {

struct LocalCode {
  rd_kafka_resp_err_t theirs;
  ErrorCode ours;
};
constexpr LocalCode kLocalCodes[] = {
    {RD_KAFKA_RESP_ERR__TIMED_OUT, ErrorCode::kTimedOut},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, ErrorCode::kRequestTimedOut},
    {RD_KAFKA_RESP_ERR__QUEUE_FULL, ErrorCode::kTimedOut},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, ErrorCode::kUnknownTopicOrPartition},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, ErrorCode::kUnknownTopicOrPartition},
    {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, ErrorCode::kOffsetOutOfRange},
    {RD_KAFKA_RESP_ERR__INVALID_ARG, ErrorCode::kInvalidArgument},
    {RD_KAFKA_RESP_ERR__UNKNOWN_GROUP, ErrorCode::kInvalidGroupId},
    {RD_KAFKA_RESP_ERR__DESTROY, ErrorCode::kClosed},
    {RD_KAFKA_RESP_ERR__PURGE_QUEUE, ErrorCode::kClosed},
    {RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, ErrorCode::kClosed},
    {RD_KAFKA_RESP_ERR__TRANSPORT, ErrorCode::kIo},
    {RD_KAFKA_RESP_ERR__RESOLVE, ErrorCode::kIo},
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, ErrorCode::kIo},
    {RD_KAFKA_RESP_ERR__BAD_MSG, ErrorCode::kCorruptMessage},
    {RD_KAFKA_RESP_ERR__FENCED, ErrorCode::kProducerFenced},
    {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, ErrorCode::kUnsupported},
};

}  // namespace

ErrorCode code_of(rd_kafka_resp_err_t error) {
  if (error >= 0) return static_cast<ErrorCode>(error);
  const auto* const found = std::ranges::find(kLocalCodes, error, &LocalCode::theirs);
  return found == std::end(kLocalCodes) ? ErrorCode::kUnknownServerError : found->ours;
}

std::unexpected<Error> rd_fail(std::string_view what, rd_kafka_resp_err_t error) {
  return fail(code_of(error), fmt::format("{}: {}", what, rd_kafka_err2str(error)));
}

Result<void> rd_result(std::string_view what, RdError error) {
  if (!error) return {};
  return fail(code_of(rd_kafka_error_code(error.get())),
              fmt::format("{}: {}", what, rd_kafka_error_string(error.get())));
}

Result<RdConf> make_conf(const std::map<std::string, std::string>& settings) {
  RdConf conf{rd_kafka_conf_new()};
  // A library does not write to its caller's standard error; what matters is in the results.
  rd_kafka_conf_set_log_cb(conf.get(), [](const rd_kafka_t*, int, const char*, const char*) {});
  for (const auto& [key, value] : settings) {
    char problem[512];
    if (rd_kafka_conf_set(conf.get(), key.c_str(), value.c_str(), problem, sizeof problem) != RD_KAFKA_CONF_OK) {
      return fail(ErrorCode::kInvalidConfig, fmt::format("kafka: {}", problem));
    }
  }
  return conf;
}

Result<RdHandle> make_handle(rd_kafka_type_t type, RdConf conf) {
  char problem[512];
  RdHandle handle{rd_kafka_new(type, conf.get(), problem, sizeof problem)};
  if (!handle) return fail(ErrorCode::kInvalidConfig, fmt::format("kafka: {}", problem));
  (void)conf.release();  // the handle's now
  return handle;
}

std::vector<RdTopic> learn_topics(rd_kafka_t* consumer, std::span<const PartitionOffset> partitions) {
  // As long as it would take by itself.
  constexpr std::chrono::seconds kLearningPatience{1};
  constexpr int kOnlyKnown = 0;
  std::set<std::string> names;
  for (const auto& one : partitions) names.insert(one.partition.topic);
  std::vector<RdTopic> topics;
  topics.reserve(names.size());
  for (const auto& name : names) topics.emplace_back(rd_kafka_topic_new(consumer, name.c_str(), nullptr));
  const rd_kafka_metadata_t* learnt = nullptr;
  const auto error = rd_kafka_metadata(consumer, kOnlyKnown, nullptr, &learnt, rd_timeout(kLearningPatience));
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_metadata_destroy(learnt);
  return topics;
}

RdPartitions to_list(const std::vector<TopicPartition>& partitions) {
  RdPartitions list{rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size()))};
  for (const auto& one : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), one.topic.c_str(), one.partition.value());
  }
  return list;
}

RdPartitions to_list(std::span<const PartitionOffset> offsets) {
  RdPartitions list{rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size()))};
  for (const auto& one : offsets) {
    auto* added =
        rd_kafka_topic_partition_list_add(list.get(), one.partition.topic.c_str(), one.partition.partition.value());
    added->offset = one.offset.value();
    if (one.metadata.empty()) continue;
    // librdkafka frees it with the list.
    added->metadata = ::strdup(one.metadata.c_str());
    added->metadata_size = one.metadata.size();
  }
  return list;
}

std::vector<TopicPartition> from_list(const rd_kafka_topic_partition_list_t* list) {
  std::vector<TopicPartition> partitions;
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    partitions.push_back({list->elems[i].topic, PartitionIndex{list->elems[i].partition}});
  }
  return partitions;
}

}  // namespace millrace
