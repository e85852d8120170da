#pragma once

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "base/types.h"
#include "millrace/client.h"

// librdkafka's handles as owners, its errors as ours.

namespace millrace {

template <auto Destroy>
struct RdDestroy {
  template <class T>
  void operator()(T* handle) const {
    Destroy(handle);
  }
};

using RdHandle = std::unique_ptr<rd_kafka_t, RdDestroy<rd_kafka_destroy>>;
using RdConf = std::unique_ptr<rd_kafka_conf_t, RdDestroy<rd_kafka_conf_destroy>>;
using RdTopic = std::unique_ptr<rd_kafka_topic_t, RdDestroy<rd_kafka_topic_destroy>>;
using RdQueue = std::unique_ptr<rd_kafka_queue_t, RdDestroy<rd_kafka_queue_destroy>>;
using RdEvent = std::unique_ptr<rd_kafka_event_t, RdDestroy<rd_kafka_event_destroy>>;
using RdMessage = std::unique_ptr<rd_kafka_message_t, RdDestroy<rd_kafka_message_destroy>>;
using RdHeaders = std::unique_ptr<rd_kafka_headers_t, RdDestroy<rd_kafka_headers_destroy>>;
using RdPartitions = std::unique_ptr<rd_kafka_topic_partition_list_t, RdDestroy<rd_kafka_topic_partition_list_destroy>>;
using RdGroupMetadata =
    std::unique_ptr<rd_kafka_consumer_group_metadata_t, RdDestroy<rd_kafka_consumer_group_metadata_destroy>>;
using RdError = std::unique_ptr<rd_kafka_error_t, RdDestroy<rd_kafka_error_destroy>>;

/// Kafka's own codes stay; librdkafka's, which are negative, become those of ours that say the same.
[[nodiscard]] ErrorCode code_of(rd_kafka_resp_err_t error);
/// "WHAT: librdkafka's words".
[[nodiscard]] std::unexpected<Error> rd_fail(std::string_view what, rd_kafka_resp_err_t error);
/// The same for an error object; none is no error.
[[nodiscard]] Result<void> rd_result(std::string_view what, RdError error);

/// A configuration with these keys, which says nothing on standard error. Errors: `kInvalidConfig`.
[[nodiscard]] Result<RdConf> make_conf(const std::map<std::string, std::string>& settings);

/// A producer or consumer; takes `conf`.
[[nodiscard]] Result<RdHandle> make_handle(rd_kafka_type_t type, RdConf conf);

/// Makes a consumer know who leads these partitions, before it is given them: else it looks once a second, and begins
/// to read up to a second late. The topics are to be kept until then. What cannot be learnt now it learns by itself.
[[nodiscard]] std::vector<RdTopic> learn_topics(rd_kafka_t* consumer, std::span<const PartitionOffset> partitions);

[[nodiscard]] RdGroupMetadata to_rd(const GroupMetadata& metadata);
/// Of a consumer's handle. Errors: `kUnsupported` for a librdkafka that writes it down in another form.
[[nodiscard]] Result<GroupMetadata> group_metadata_of(rd_kafka_t* consumer);

[[nodiscard]] RdPartitions to_list(const std::vector<TopicPartition>& partitions);
[[nodiscard]] RdPartitions to_list(std::span<const PartitionOffset> offsets);
[[nodiscard]] std::vector<TopicPartition> from_list(const rd_kafka_topic_partition_list_t* list);

/// Milliseconds for librdkafka, at most a day.
[[nodiscard]] inline int rd_timeout(Duration duration) {
  using std::chrono::milliseconds;
  const auto rounded = std::chrono::ceil<milliseconds>(std::min<Duration>(duration, std::chrono::hours{24}));
  return static_cast<int>(std::max<std::int64_t>(rounded.count(), 0));
}

}  // namespace millrace
