#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct DescribableLogDirTopic {
  std::string topic;
  std::vector<PartitionIndex> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic", self.topic);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const DescribableLogDirTopic&, const DescribableLogDirTopic&) = default;
};

/// How much lies in the log directories? Source: DescribeLogDirsRequest.json of Kafka 3.9 and 4.3.1.
struct DescribeLogDirsRequest {
  static constexpr const char* kName = "DescribeLogDirsRequest";
  static constexpr auto kApi = ApiKey::kDescribeLogDirs;
  static constexpr Versions kVersions{0, 5};
  static constexpr Versions kFlexible = from(2);

  std::optional<std::vector<DescribableLogDirTopic>> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topics", self.topics, nullable(from(0)));
  }

  friend bool operator==(const DescribeLogDirsRequest&, const DescribeLogDirsRequest&) = default;
};

struct DescribeLogDirsPartition {
  PartitionIndex partition_index;
  std::int64_t partition_size = 0;
  std::int64_t offset_lag = 0;
  bool is_future_key = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("partition_size", self.partition_size);
    visit("offset_lag", self.offset_lag);
    visit("is_future_key", self.is_future_key);
  }

  friend bool operator==(const DescribeLogDirsPartition&, const DescribeLogDirsPartition&) = default;
};

struct DescribeLogDirsTopic {
  std::string name;
  std::vector<DescribeLogDirsPartition> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const DescribeLogDirsTopic&, const DescribeLogDirsTopic&) = default;
};

struct DescribeLogDirsResult {
  ErrorCode error_code = ErrorCode::kNone;
  std::string log_dir;
  std::vector<DescribeLogDirsTopic> topics;
  std::int64_t total_bytes = -1;
  std::int64_t usable_bytes = -1;
  bool is_cordoned = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("log_dir", self.log_dir);
    visit("topics", self.topics);
    visit("total_bytes", self.total_bytes, from(4));
    visit("usable_bytes", self.usable_bytes, from(4));
    visit("is_cordoned", self.is_cordoned, from(5));
  }

  friend bool operator==(const DescribeLogDirsResult&, const DescribeLogDirsResult&) = default;
};

/// The log directories with the sizes of their partitions. Source: DescribeLogDirsResponse.json of Kafka 3.9 and 4.3.1.
struct DescribeLogDirsResponse {
  static constexpr const char* kName = "DescribeLogDirsResponse";
  static constexpr auto kApi = ApiKey::kDescribeLogDirs;
  static constexpr Versions kVersions{0, 5};
  static constexpr Versions kFlexible = from(2);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<DescribeLogDirsResult> results;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("error_code", self.error_code, from(3));
    visit("results", self.results);
  }

  friend bool operator==(const DescribeLogDirsResponse&, const DescribeLogDirsResponse&) = default;
};

}  // namespace millrace::protocol
