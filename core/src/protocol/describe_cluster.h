#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// Which brokers are there? Source: DescribeClusterRequest.json of Kafka 3.9 and 4.3.1.
struct DescribeClusterRequest {
  static constexpr const char* kName = "DescribeClusterRequest";
  static constexpr auto kApi = ApiKey::kDescribeCluster;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(0);

  bool include_cluster_authorized_operations = false;
  std::int8_t endpoint_type = 1;
  bool include_fenced_brokers = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("include_cluster_authorized_operations", self.include_cluster_authorized_operations);
    visit("endpoint_type", self.endpoint_type, from(1));
    visit("include_fenced_brokers", self.include_fenced_brokers, from(2));
  }

  friend bool operator==(const DescribeClusterRequest&, const DescribeClusterRequest&) = default;
};

struct DescribeClusterBroker {
  BrokerId broker_id;
  std::string host;
  std::int32_t port = 0;
  std::optional<std::string> rack;
  bool is_fenced = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("broker_id", self.broker_id);
    visit("host", self.host);
    visit("port", self.port);
    visit("rack", self.rack, nullable(from(0)));
    visit("is_fenced", self.is_fenced, from(2));
  }

  friend bool operator==(const DescribeClusterBroker&, const DescribeClusterBroker&) = default;
};

/// The brokers and the cluster's id. Source: DescribeClusterResponse.json of Kafka 3.9 and 4.3.1.
struct DescribeClusterResponse {
  static constexpr const char* kName = "DescribeClusterResponse";
  static constexpr auto kApi = ApiKey::kDescribeCluster;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(0);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::int8_t endpoint_type = 1;
  std::string cluster_id;
  BrokerId controller_id{-1};
  std::vector<DescribeClusterBroker> brokers;
  std::int32_t cluster_authorized_operations = std::numeric_limits<std::int32_t>::min();

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
    visit("endpoint_type", self.endpoint_type, from(1));
    visit("cluster_id", self.cluster_id);
    visit("controller_id", self.controller_id);
    visit("brokers", self.brokers);
    visit("cluster_authorized_operations", self.cluster_authorized_operations);
  }

  friend bool operator==(const DescribeClusterResponse&, const DescribeClusterResponse&) = default;
};

}  // namespace millrace::protocol
