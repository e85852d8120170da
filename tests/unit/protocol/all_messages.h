#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "protocol/add_offsets_to_txn.h"
#include "protocol/add_partitions_to_txn.h"
#include "protocol/add_raft_voter.h"
#include "protocol/alter_client_quotas.h"
#include "protocol/alter_configs.h"
#include "protocol/alter_partition_reassignments.h"
#include "protocol/alter_replica_log_dirs.h"
#include "protocol/alter_user_scram_credentials.h"
#include "protocol/api_versions.h"
#include "protocol/codec.h"
#include "protocol/consumer_group_describe.h"
#include "protocol/consumer_group_heartbeat.h"
#include "protocol/create_acls.h"
#include "protocol/create_partitions.h"
#include "protocol/create_topics.h"
#include "protocol/delete_acls.h"
#include "protocol/delete_groups.h"
#include "protocol/delete_records.h"
#include "protocol/delete_topics.h"
#include "protocol/describe_acls.h"
#include "protocol/describe_client_quotas.h"
#include "protocol/describe_cluster.h"
#include "protocol/describe_configs.h"
#include "protocol/describe_groups.h"
#include "protocol/describe_log_dirs.h"
#include "protocol/describe_producers.h"
#include "protocol/describe_quorum.h"
#include "protocol/describe_topic_partitions.h"
#include "protocol/describe_transactions.h"
#include "protocol/describe_user_scram_credentials.h"
#include "protocol/elect_leaders.h"
#include "protocol/encoder.h"
#include "protocol/end_txn.h"
#include "protocol/fetch.h"
#include "protocol/find_coordinator.h"
#include "protocol/group_records.h"
#include "protocol/headers.h"
#include "protocol/heartbeat.h"
#include "protocol/incremental_alter_configs.h"
#include "protocol/init_producer_id.h"
#include "protocol/join_group.h"
#include "protocol/leave_group.h"
#include "protocol/list_config_resources.h"
#include "protocol/list_groups.h"
#include "protocol/list_offsets.h"
#include "protocol/list_partition_reassignments.h"
#include "protocol/list_transactions.h"
#include "protocol/metadata.h"
#include "protocol/metadata_records.h"
#include "protocol/offset_commit.h"
#include "protocol/offset_delete.h"
#include "protocol/offset_fetch.h"
#include "protocol/offset_for_leader_epoch.h"
#include "protocol/produce.h"
#include "protocol/remove_raft_voter.h"
#include "protocol/sync_group.h"
#include "protocol/transaction_records.h"
#include "protocol/txn_offset_commit.h"
#include "protocol/unregister_broker.h"
#include "protocol/update_features.h"
#include "protocol/write_txn_markers.h"

namespace millrace::protocol {

/// A message whose type is not known to who holds it.
class AnyMessage {
 public:
  explicit AnyMessage(const StructTable& fields) : fields_(fields), bytes_(std::make_unique<std::byte[]>(fields.size)) {
    fields_.construct(get());
  }
  ~AnyMessage() { fields_.destroy(get()); }
  AnyMessage(const AnyMessage&) = delete;
  AnyMessage& operator=(const AnyMessage&) = delete;

  [[nodiscard]] std::byte* get() const { return bytes_.get(); }

 private:
  const StructTable& fields_;
  std::unique_ptr<std::byte[]> bytes_;
};

struct MessageKind {
  const char* name;
  Versions versions;
  Versions flexible;
  /// Of the API or the record in its schema.
  std::optional<int> number;
  const StructTable* fields;

  [[nodiscard]] WireFormat format(std::int16_t version) const { return {*fields, version, flexible.has(version)}; }
  [[nodiscard]] AnyMessage make() const { return AnyMessage{*fields}; }
};

template <class Message>
[[nodiscard]] MessageKind kind_of() {
  MessageKind kind{Message::kName, Message::kVersions, Message::kFlexible, {}, &fields_of<Message>()};
  if constexpr (requires { Message::kApi; }) kind.number = static_cast<int>(Message::kApi);
  if constexpr (requires { Message::kKey; }) kind.number = static_cast<int>(Message::kKey);
  return kind;
}

template <class... Message>
[[nodiscard]] std::vector<MessageKind> kinds_of() {
  return {kind_of<Message>()...};
}

/// The messages of each API, and the headers.
[[nodiscard]] inline std::vector<MessageKind> api_messages() {
  return kinds_of<
      RequestHeader, ResponseHeader, ApiVersionsRequest, ApiVersionsResponse, MetadataRequest, MetadataResponse,
      ProduceRequest, ProduceResponse, FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse,
      CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest, DeleteTopicsResponse, DeleteRecordsRequest,
      DeleteRecordsResponse, InitProducerIdRequest, InitProducerIdResponse, FindCoordinatorRequest,
      FindCoordinatorResponse, DescribeConfigsRequest, DescribeConfigsResponse, DescribeClusterRequest,
      DescribeClusterResponse, AlterConfigsRequest, AlterConfigsResponse, IncrementalAlterConfigsRequest,
      IncrementalAlterConfigsResponse, CreatePartitionsRequest, CreatePartitionsResponse, JoinGroupRequest,
      JoinGroupResponse, SyncGroupRequest, SyncGroupResponse, HeartbeatRequest, HeartbeatResponse, LeaveGroupRequest,
      LeaveGroupResponse, OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse,
      OffsetDeleteRequest, OffsetDeleteResponse, ListGroupsRequest, ListGroupsResponse, DescribeGroupsRequest,
      DescribeGroupsResponse, DeleteGroupsRequest, DeleteGroupsResponse, OffsetForLeaderEpochRequest,
      OffsetForLeaderEpochResponse, DescribeLogDirsRequest, DescribeLogDirsResponse, AlterReplicaLogDirsRequest,
      AlterReplicaLogDirsResponse, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, ElectLeadersRequest,
      ElectLeadersResponse, AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
      ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, UnregisterBrokerRequest,
      UnregisterBrokerResponse, DescribeClientQuotasRequest, DescribeClientQuotasResponse, AlterClientQuotasRequest,
      AlterClientQuotasResponse, UpdateFeaturesRequest, UpdateFeaturesResponse, DescribeQuorumRequest,
      DescribeQuorumResponse, ListConfigResourcesRequest, ListConfigResourcesResponse, AddRaftVoterRequest,
      AddRaftVoterResponse, RemoveRaftVoterRequest, RemoveRaftVoterResponse, DescribeAclsRequest, DescribeAclsResponse,
      CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse, DescribeUserScramCredentialsRequest,
      DescribeUserScramCredentialsResponse, AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse,
      AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, AddOffsetsToTxnRequest, AddOffsetsToTxnResponse,
      EndTxnRequest, EndTxnResponse, WriteTxnMarkersRequest, WriteTxnMarkersResponse, TxnOffsetCommitRequest,
      TxnOffsetCommitResponse, DescribeProducersRequest, DescribeProducersResponse, DescribeTransactionsRequest,
      DescribeTransactionsResponse, ListTransactionsRequest, ListTransactionsResponse, ConsumerGroupHeartbeatRequest,
      ConsumerGroupHeartbeatResponse, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse>();
}

/// The records of the metadata log.
[[nodiscard]] inline std::vector<MessageKind> metadata_record_kinds() {
  return []<class... Record>(const std::variant<Record...>*) {
    return kinds_of<Record...>();
  }(static_cast<const MetadataRecord*>(nullptr));
}

/// Keys and values of `__consumer_offsets`.
[[nodiscard]] inline std::vector<MessageKind> group_record_kinds() {
  return []<class... Record>(const std::variant<Record...>*) {
    std::vector<MessageKind> kinds;
    (kinds.push_back(kind_of<decltype(Record::key)>()), ...);
    (kinds.push_back(kind_of<typename decltype(Record::value)::value_type>()), ...);
    return kinds;
  }(static_cast<const GroupRecord*>(nullptr));
}

/// Keys and values of `__transaction_state`.
[[nodiscard]] inline std::vector<MessageKind> transaction_record_kinds() {
  return kinds_of<TransactionLogKey, TransactionLogValue>();
}

/// All of them.
[[nodiscard]] inline std::vector<MessageKind> all_messages() {
  auto all = api_messages();
  for (const auto& more : {metadata_record_kinds(), group_record_kinds(), transaction_record_kinds()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace millrace::protocol
