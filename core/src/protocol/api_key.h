#pragma once

#include <cstdint>

namespace millrace::protocol {

/// Kafka's numbers of the APIs that the codec knows.
enum class ApiKey : std::int16_t {
  kProduce = 0,
  kFetch = 1,
  kListOffsets = 2,
  kMetadata = 3,
  kFindCoordinator = 10,
  kApiVersions = 18,
  kCreateTopics = 19,
  kDeleteTopics = 20,
  kDeleteRecords = 21,
  kInitProducerId = 22,
  kDescribeConfigs = 32,
  kAlterConfigs = 33,
  kCreatePartitions = 37,
  kIncrementalAlterConfigs = 44,
  kDescribeCluster = 60,
};

}  // namespace millrace::protocol
