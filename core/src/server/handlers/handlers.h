#pragma once

#include <optional>

#include "base/task.h"
#include "protocol/alter_configs.h"
#include "protocol/api_versions.h"
#include "protocol/create_partitions.h"
#include "protocol/create_topics.h"
#include "protocol/delete_records.h"
#include "protocol/delete_topics.h"
#include "protocol/describe_cluster.h"
#include "protocol/describe_configs.h"
#include "protocol/fetch.h"
#include "protocol/incremental_alter_configs.h"
#include "protocol/init_producer_id.h"
#include "protocol/list_offsets.h"
#include "protocol/metadata.h"
#include "protocol/produce.h"
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

/// Gives clients of versions before record batches (Fetch 0 to 3) the message sets that they can read.
void adapt(protocol::FetchResponse& response, std::int16_t version);

/// The answer to a version that is advertised for the sake of clients that insist on it, and not served.
std::optional<protocol::ProduceResponse> refuse(const protocol::ProduceRequest& request);

}  // namespace millrace
