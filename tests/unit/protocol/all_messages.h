#pragma once

#include "protocol/add_offsets_to_txn.h"
#include "protocol/add_partitions_to_txn.h"
#include "protocol/add_raft_voter.h"
#include "protocol/alter_client_quotas.h"
#include "protocol/alter_configs.h"
#include "protocol/alter_partition_reassignments.h"
#include "protocol/alter_replica_log_dirs.h"
#include "protocol/alter_user_scram_credentials.h"
#include "protocol/api_versions.h"
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

/// Calls `use.operator()<Message>()` for each message of each API, and for the headers.
template <class Use>
void for_each_api_message(Use use) {
  const auto all = [&use]<class... Message>() { (use.template operator()<Message>(), ...); };
  all.template operator()<
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
      DescribeTransactionsResponse, ListTransactionsRequest, ListTransactionsResponse>();
}

/// The same for each record of the metadata log.
template <class Use>
void for_each_metadata_record(Use use) {
  [&use]<class... Record>(const std::variant<Record...>*) {
    (use.template operator()<Record>(), ...);
  }(static_cast<const MetadataRecord*>(nullptr));
}

/// The same for keys and values of `__consumer_offsets`.
template <class Use>
void for_each_group_record(Use use) {
  use.template operator()<OffsetCommitKey>();
  use.template operator()<OffsetCommitValue>();
  use.template operator()<GroupMetadataKey>();
  use.template operator()<GroupMetadataValue>();
}

/// The same for keys and values of `__transaction_state`.
template <class Use>
void for_each_transaction_record(Use use) {
  use.template operator()<TransactionLogKey>();
  use.template operator()<TransactionLogValue>();
}

}  // namespace millrace::protocol
