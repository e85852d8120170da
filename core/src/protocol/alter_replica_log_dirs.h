#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct AlterReplicaLogDirTopic {
  std::string name;
  std::vector<PartitionIndex> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const AlterReplicaLogDirTopic&, const AlterReplicaLogDirTopic&) = default;
};

struct AlterReplicaLogDir {
  std::string path;
  std::vector<AlterReplicaLogDirTopic> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("path", self.path);
    visit("topics", self.topics);
  }

  friend bool operator==(const AlterReplicaLogDir&, const AlterReplicaLogDir&) = default;
};

/// Move replicas to another log directory of the same broker. Source: AlterReplicaLogDirsRequest.json of Kafka 3.9 and
/// 4.3.1.
struct AlterReplicaLogDirsRequest {
  static constexpr const char* kName = "AlterReplicaLogDirsRequest";
  static constexpr auto kApi = ApiKey::kAlterReplicaLogDirs;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(2);

  std::vector<AlterReplicaLogDir> dirs;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("dirs", self.dirs);
  }

  friend bool operator==(const AlterReplicaLogDirsRequest&, const AlterReplicaLogDirsRequest&) = default;
};

struct AlterReplicaLogDirPartitionResult {
  PartitionIndex partition_index;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("error_code", self.error_code);
  }

  friend bool operator==(const AlterReplicaLogDirPartitionResult&, const AlterReplicaLogDirPartitionResult&) = default;
};

struct AlterReplicaLogDirTopicResult {
  std::string topic_name;
  std::vector<AlterReplicaLogDirPartitionResult> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic_name", self.topic_name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const AlterReplicaLogDirTopicResult&, const AlterReplicaLogDirTopicResult&) = default;
};

/// Which of them are on their way. Source: AlterReplicaLogDirsResponse.json of Kafka 3.9 and 4.3.1.
struct AlterReplicaLogDirsResponse {
  static constexpr const char* kName = "AlterReplicaLogDirsResponse";
  static constexpr auto kApi = ApiKey::kAlterReplicaLogDirs;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(2);

  std::int32_t throttle_time_ms = 0;
  std::vector<AlterReplicaLogDirTopicResult> results;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("results", self.results);
  }

  friend bool operator==(const AlterReplicaLogDirsResponse&, const AlterReplicaLogDirsResponse&) = default;
};

}  // namespace millrace::protocol
