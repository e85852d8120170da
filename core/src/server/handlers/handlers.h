#pragma once

#include <optional>

#include "base/task.h"
#include "protocol/add_offsets_to_txn.h"
#include "protocol/add_partitions_to_txn.h"
#include "protocol/add_raft_voter.h"
#include "protocol/alter_client_quotas.h"
#include "protocol/alter_configs.h"
#include "protocol/alter_partition_reassignments.h"
#include "protocol/alter_replica_log_dirs.h"
#include "protocol/alter_user_scram_credentials.h"
#include "protocol/api_versions.h"
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
#include "protocol/end_txn.h"
#include "protocol/fetch.h"
#include "protocol/find_coordinator.h"
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
#include "protocol/offset_commit.h"
#include "protocol/offset_delete.h"
#include "protocol/offset_fetch.h"
#include "protocol/offset_for_leader_epoch.h"
#include "protocol/produce.h"
#include "protocol/remove_raft_voter.h"
#include "protocol/sync_group.h"
#include "protocol/txn_offset_commit.h"
#include "protocol/unregister_broker.h"
#include "protocol/update_features.h"
#include "protocol/write_txn_markers.h"
#include "server/handler_context.h"

// One handler an API. A plain function answers at once; a `Task` may wait, and its request and context live until then.

namespace millrace {

protocol::ApiVersionsResponse handle(const protocol::ApiVersionsRequest& request, HandlerContext& context);
Task<protocol::MetadataResponse> handle(const protocol::MetadataRequest& request, HandlerContext& context);
/// None when the producer wants no answer. Errors then: the connection is all that can tell, so it is closed.
Task<Result<std::optional<protocol::ProduceResponse>>> handle(const protocol::ProduceRequest& request,
                                                              HandlerContext& context);
Task<protocol::FetchResponse> handle(const protocol::FetchRequest& request, HandlerContext& context);
protocol::ListOffsetsResponse handle(const protocol::ListOffsetsRequest& request, HandlerContext& context);
Task<protocol::CreateTopicsResponse> handle(const protocol::CreateTopicsRequest& request, HandlerContext& context);
Task<protocol::DeleteTopicsResponse> handle(const protocol::DeleteTopicsRequest& request, HandlerContext& context);
Task<protocol::CreatePartitionsResponse> handle(const protocol::CreatePartitionsRequest& request,
                                                HandlerContext& context);
protocol::DeleteRecordsResponse handle(const protocol::DeleteRecordsRequest& request, HandlerContext& context);
Task<protocol::InitProducerIdResponse> handle(const protocol::InitProducerIdRequest& request, HandlerContext& context);
protocol::DescribeConfigsResponse handle(const protocol::DescribeConfigsRequest& request, HandlerContext& context);
Task<protocol::AlterConfigsResponse> handle(const protocol::AlterConfigsRequest& request, HandlerContext& context);
Task<protocol::IncrementalAlterConfigsResponse> handle(const protocol::IncrementalAlterConfigsRequest& request,
                                                       HandlerContext& context);
protocol::DescribeClusterResponse handle(const protocol::DescribeClusterRequest& request, HandlerContext& context);

protocol::OffsetForLeaderEpochResponse handle(const protocol::OffsetForLeaderEpochRequest& request,
                                              HandlerContext& context);
protocol::DescribeLogDirsResponse handle(const protocol::DescribeLogDirsRequest& request, HandlerContext& context);
protocol::AlterReplicaLogDirsResponse handle(const protocol::AlterReplicaLogDirsRequest& request,
                                             HandlerContext& context);
protocol::DescribeTopicPartitionsResponse handle(const protocol::DescribeTopicPartitionsRequest& request,
                                                 HandlerContext& context);
protocol::ElectLeadersResponse handle(const protocol::ElectLeadersRequest& request, HandlerContext& context);
protocol::AlterPartitionReassignmentsResponse handle(const protocol::AlterPartitionReassignmentsRequest& request,
                                                     HandlerContext& context);
protocol::ListPartitionReassignmentsResponse handle(const protocol::ListPartitionReassignmentsRequest& request,
                                                    HandlerContext& context);
Task<protocol::UnregisterBrokerResponse> handle(const protocol::UnregisterBrokerRequest& request,
                                                HandlerContext& context);
protocol::DescribeClientQuotasResponse handle(const protocol::DescribeClientQuotasRequest& request,
                                              HandlerContext& context);
Task<protocol::AlterClientQuotasResponse> handle(const protocol::AlterClientQuotasRequest& request,
                                                 HandlerContext& context);
Task<protocol::UpdateFeaturesResponse> handle(const protocol::UpdateFeaturesRequest& request, HandlerContext& context);
protocol::DescribeQuorumResponse handle(const protocol::DescribeQuorumRequest& request, HandlerContext& context);
protocol::AddRaftVoterResponse handle(const protocol::AddRaftVoterRequest& request, HandlerContext& context);
protocol::RemoveRaftVoterResponse handle(const protocol::RemoveRaftVoterRequest& request, HandlerContext& context);
protocol::ListConfigResourcesResponse handle(const protocol::ListConfigResourcesRequest& request,
                                             HandlerContext& context);
protocol::DescribeAclsResponse handle(const protocol::DescribeAclsRequest& request, HandlerContext& context);
protocol::CreateAclsResponse handle(const protocol::CreateAclsRequest& request, HandlerContext& context);
protocol::DeleteAclsResponse handle(const protocol::DeleteAclsRequest& request, HandlerContext& context);
protocol::DescribeUserScramCredentialsResponse handle(const protocol::DescribeUserScramCredentialsRequest& request,
                                                      HandlerContext& context);
protocol::AlterUserScramCredentialsResponse handle(const protocol::AlterUserScramCredentialsRequest& request,
                                                   HandlerContext& context);

Task<protocol::FindCoordinatorResponse> handle(const protocol::FindCoordinatorRequest& request,
                                               HandlerContext& context);
Task<protocol::JoinGroupResponse> handle(const protocol::JoinGroupRequest& request, HandlerContext& context);
Task<protocol::SyncGroupResponse> handle(const protocol::SyncGroupRequest& request, HandlerContext& context);
protocol::HeartbeatResponse handle(const protocol::HeartbeatRequest& request, HandlerContext& context);
Task<protocol::LeaveGroupResponse> handle(const protocol::LeaveGroupRequest& request, HandlerContext& context);
Task<protocol::OffsetCommitResponse> handle(const protocol::OffsetCommitRequest& request, HandlerContext& context);
protocol::OffsetFetchResponse handle(const protocol::OffsetFetchRequest& request, HandlerContext& context);
Task<protocol::OffsetDeleteResponse> handle(const protocol::OffsetDeleteRequest& request, HandlerContext& context);
Task<protocol::ConsumerGroupHeartbeatResponse> handle(const protocol::ConsumerGroupHeartbeatRequest& request,
                                                      HandlerContext& context);
protocol::ConsumerGroupDescribeResponse handle(const protocol::ConsumerGroupDescribeRequest& request,
                                               HandlerContext& context);
protocol::ListGroupsResponse handle(const protocol::ListGroupsRequest& request, HandlerContext& context);
protocol::DescribeGroupsResponse handle(const protocol::DescribeGroupsRequest& request, HandlerContext& context);
Task<protocol::DeleteGroupsResponse> handle(const protocol::DeleteGroupsRequest& request, HandlerContext& context);

Task<protocol::AddPartitionsToTxnResponse> handle(const protocol::AddPartitionsToTxnRequest& request,
                                                  HandlerContext& context);
Task<protocol::AddOffsetsToTxnResponse> handle(const protocol::AddOffsetsToTxnRequest& request,
                                               HandlerContext& context);
Task<protocol::EndTxnResponse> handle(const protocol::EndTxnRequest& request, HandlerContext& context);
Task<protocol::TxnOffsetCommitResponse> handle(const protocol::TxnOffsetCommitRequest& request,
                                               HandlerContext& context);
Task<protocol::WriteTxnMarkersResponse> handle(const protocol::WriteTxnMarkersRequest& request,
                                               HandlerContext& context);
protocol::DescribeProducersResponse handle(const protocol::DescribeProducersRequest& request, HandlerContext& context);
protocol::DescribeTransactionsResponse handle(const protocol::DescribeTransactionsRequest& request,
                                              HandlerContext& context);
protocol::ListTransactionsResponse handle(const protocol::ListTransactionsRequest& request, HandlerContext& context);

/// Clients of old have no word for being fenced: to them it is an epoch that is over.
void adapt(protocol::InitProducerIdResponse& response, std::int16_t version);
void adapt(protocol::AddPartitionsToTxnResponse& response, std::int16_t version);
void adapt(protocol::AddOffsetsToTxnResponse& response, std::int16_t version);
void adapt(protocol::EndTxnResponse& response, std::int16_t version);
/// Before version 4 a feature with 0 among its versions cannot be said.
void adapt(protocol::ApiVersionsResponse& response, std::int16_t version);
/// Before version 2 there is no error for the whole answer: each partition has it.
void adapt(protocol::OffsetFetchResponse& response, std::int16_t version);
/// Before version 6 a group that does not exist is no error.
void adapt(protocol::DescribeGroupsResponse& response, std::int16_t version);
/// Gives clients of versions before record batches (Fetch 0 to 3) the message sets that they can read.
void adapt(protocol::FetchResponse& response, std::int16_t version);

/// The answer to a version that is advertised for the sake of clients that insist on it, and not served.
std::optional<protocol::ProduceResponse> refuse(const protocol::ProduceRequest& request);

}  // namespace millrace
