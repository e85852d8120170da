#include "millrace/client.h"

#include <string>

// What an implementation without groups or transactions answers.

namespace millrace {
namespace {

std::unexpected<Error> unsupported(const char* what) {
  return fail(ErrorCode::kUnsupported, std::string{what} + ": this client does not know that");
}

}  // namespace

Result<void> Producer::init_transactions(Duration /*timeout*/) { return unsupported("init_transactions"); }
Result<void> Producer::begin_transaction() { return unsupported("begin_transaction"); }
Result<void> Producer::send_offsets(std::span<const PartitionOffset> /*offsets*/, const GroupMetadata& /*group*/,
                                    Duration /*timeout*/) {
  return unsupported("send_offsets");
}
Result<void> Producer::commit_transaction(Duration /*timeout*/) { return unsupported("commit_transaction"); }
Result<void> Producer::abort_transaction(Duration /*timeout*/) { return unsupported("abort_transaction"); }
TransactionPhase Producer::transaction_phase() const { return TransactionPhase::kNone; }

// NOLINTBEGIN(performance-unnecessary-value-param): implementations keep what they are given
Result<void> Consumer::subscribe(std::vector<std::string> /*topics*/, RebalanceListener /*listener*/) {
  return unsupported("subscribe");
}
std::vector<TopicPartition> Consumer::assignment() const { return {}; }
Result<void> Consumer::seek_to_time(const TopicPartition& /*partition*/, Timestamp /*time*/) {
  return unsupported("seek_to_time");
}
Result<void> Consumer::commit(Duration /*timeout*/) { return unsupported("commit"); }
Result<void> Consumer::commit(std::span<const PartitionOffset> /*offsets*/, Duration /*timeout*/) {
  return unsupported("commit");
}
Result<void> Consumer::commit_async(CommitListener /*done*/) { return unsupported("commit_async"); }
Result<void> Consumer::commit_async(std::span<const PartitionOffset> /*offsets*/, CommitListener /*done*/) {
  return unsupported("commit_async");
}
// NOLINTEND(performance-unnecessary-value-param)
Result<std::vector<PartitionOffset>> Consumer::committed(std::span<const TopicPartition> /*partitions*/,
                                                         Duration /*timeout*/) {
  return unsupported("committed");
}
Result<GroupMetadata> Consumer::group_metadata() const { return unsupported("group_metadata"); }

Result<void> Admin::create_partitions(std::string_view /*topic*/, std::int32_t /*total*/) {
  return unsupported("create_partitions");
}
Result<std::vector<GroupListing>> Admin::list_groups() { return unsupported("list_groups"); }
Result<GroupDescription> Admin::describe_group(std::string_view /*group*/) { return unsupported("describe_group"); }
Result<std::vector<PartitionOffset>> Admin::group_offsets(std::string_view /*group*/) {
  return unsupported("group_offsets");
}
Result<void> Admin::alter_group_offsets(std::string_view /*group*/, std::span<const PartitionOffset> /*offsets*/) {
  return unsupported("alter_group_offsets");
}
Result<void> Admin::delete_group_offsets(std::string_view /*group*/, std::span<const TopicPartition> /*partitions*/) {
  return unsupported("delete_group_offsets");
}
Result<void> Admin::delete_group(std::string_view /*group*/) { return unsupported("delete_group"); }
Result<std::vector<TransactionListing>> Admin::list_transactions() { return unsupported("list_transactions"); }
Result<TransactionDescription> Admin::describe_transaction(std::string_view /*id*/) {
  return unsupported("describe_transaction");
}
Result<void> Admin::fence_producer(std::string_view /*id*/) { return unsupported("fence_producer"); }
Result<std::vector<PartitionProducer>> Admin::partition_producers(const TopicPartition& /*partition*/) {
  return unsupported("partition_producers");
}
Result<void> Admin::abort_hanging(const TopicPartition& /*partition*/, const PartitionProducer& /*producer*/) {
  return unsupported("abort_hanging");
}

}  // namespace millrace
