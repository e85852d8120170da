#include <algorithm>

#include "server/handlers/fenced.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::AddPartitionsToTxnRequest;
using protocol::AddPartitionsToTxnResponse;
using protocol::AddPartitionsToTxnTopic;
using protocol::AddPartitionsToTxnTopicResult;
using protocol::AddPartitionsToTxnTransaction;

/// One code for each partition, asked for in this order.
using Codes = std::vector<ErrorCode>;

std::vector<AddPartitionsToTxnTopicResult> results_of(const std::vector<AddPartitionsToTxnTopic>& topics,
                                                      const Codes& codes) {
  std::vector<AddPartitionsToTxnTopicResult> results;
  auto code = codes.begin();
  for (const auto& topic : topics) {
    auto& result = results.emplace_back();
    result.name = topic.name;
    for (const auto partition : topic.partitions) {
      auto& shown = result.results_by_partition.emplace_back();
      shown.partition_index = partition;
      shown.partition_error_code = *code++;
    }
  }
  return results;
}

std::vector<TopicPartition> partitions_of(const std::vector<AddPartitionsToTxnTopic>& topics) {
  std::vector<TopicPartition> partitions;
  for (const auto& topic : topics) {
    for (const auto partition : topic.partitions) partitions.push_back({topic.name, partition});
  }
  return partitions;
}

/// What is wrong with partitions that there are not; then the others are not tried.
Codes check(const std::vector<TopicPartition>& partitions, HandlerContext& context) {
  const auto image = context.broker().metadata();
  Codes codes(partitions.size(), ErrorCode::kNone);
  bool all_there = true;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    const auto topic = image->topic(partitions[i].topic);
    const auto index = partitions[i].partition.value();
    const bool is_there = topic && index >= 0 && static_cast<std::size_t>(index) < topic->partitions.size();
    if (!is_there) codes[i] = ErrorCode::kUnknownTopicOrPartition;
    all_there = all_there && is_there;
  }
  for (auto& code : codes) {
    if (!all_there && code == ErrorCode::kNone) code = ErrorCode::kOperationNotAttempted;
  }
  return codes;
}

bool has_problem(const Codes& codes) {
  return std::ranges::any_of(codes, [](ErrorCode code) { return code != ErrorCode::kNone; });
}

/// The transaction goes on in all of them, or in none.
Task<Codes> add(const std::string& id, ProducerIdentity producer, const std::vector<AddPartitionsToTxnTopic>& topics,
                std::int16_t version, HandlerContext& context) {
  const auto partitions = partitions_of(topics);
  auto codes = check(partitions, context);
  if (has_problem(codes)) co_return codes;
  AddToTransaction call;
  call.producer = producer;
  call.partitions.insert(partitions.begin(), partitions.end());
  call.version = version;
  auto ask = [&](auto done) { context.broker().transactions().add(id, std::move(call), done); };
  const TransactionAnswer answer = co_await callback_result<TransactionAnswer>(ask);
  co_return Codes(partitions.size(), answer.error);
}

Codes verify(const AddPartitionsToTxnTransaction& asked, HandlerContext& context) {
  Codes codes;
  const ProducerIdentity producer{.id = asked.producer_id, .epoch = asked.producer_epoch};
  for (const auto& partition : partitions_of(asked.topics)) {
    codes.push_back(context.broker().transactions().verify(asked.transactional_id, producer, partition));
  }
  return codes;
}

}  // namespace

/// One transaction at the top, as clients ask, or several.
Task<AddPartitionsToTxnResponse> handle(const AddPartitionsToTxnRequest& request, HandlerContext& context) {
  AddPartitionsToTxnResponse response;
  for (const auto& asked : request.transactions) {
    Codes codes;
    if (asked.verify_only) {
      codes = verify(asked, context);
    } else {
      ProducerIdentity producer;
      producer.id = asked.producer_id;
      producer.epoch = asked.producer_epoch;
      codes = co_await add(asked.transactional_id, producer, asked.topics, kEpochPerTransaction, context);
    }
    auto& result = response.results_by_transaction.emplace_back();
    result.transactional_id = asked.transactional_id;
    result.topic_results = results_of(asked.topics, codes);
  }
  if (!request.transactions.empty()) co_return response;
  ProducerIdentity producer;
  producer.id = request.v3_and_below_producer_id;
  producer.epoch = request.v3_and_below_producer_epoch;
  const Codes codes =
      co_await add(request.v3_and_below_transactional_id, producer, request.v3_and_below_topics, kEpochKept, context);
  response.results_by_topic_v3_and_below = results_of(request.v3_and_below_topics, codes);
  co_return response;
}

void adapt(AddPartitionsToTxnResponse& response, std::int16_t version) {
  for (auto& topic : response.results_by_topic_v3_and_below) {
    for (auto& partition : topic.results_by_partition) {
      partition.partition_error_code = fenced_code(partition.partition_error_code, version);
    }
  }
}

}  // namespace millrace
