#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct WritableTxnMarkerTopic {
  std::string name;
  std::vector<PartitionIndex> partition_indexes;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partition_indexes", self.partition_indexes);
  }

  friend bool operator==(const WritableTxnMarkerTopic&, const WritableTxnMarkerTopic&) = default;
};

struct WritableTxnMarker {
  ProducerId producer_id;
  ProducerEpoch producer_epoch;
  /// True: committed.
  bool transaction_result = false;
  std::vector<WritableTxnMarkerTopic> topics;
  std::int32_t coordinator_epoch = 0;
  std::int8_t transaction_version = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("producer_id", self.producer_id);
    visit("producer_epoch", self.producer_epoch);
    visit("transaction_result", self.transaction_result);
    visit("topics", self.topics);
    visit("coordinator_epoch", self.coordinator_epoch);
    visit("transaction_version", self.transaction_version, from(2));
  }

  friend bool operator==(const WritableTxnMarker&, const WritableTxnMarker&) = default;
};

/// Write markers of ended transactions: from coordinator to leader, and from an operator who ends one that hangs.
/// Source: WriteTxnMarkersRequest.json of Kafka 3.9 and 4.3.1.
struct WriteTxnMarkersRequest {
  static constexpr const char* kName = "WriteTxnMarkersRequest";
  static constexpr auto kApi = ApiKey::kWriteTxnMarkers;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(1);

  std::vector<WritableTxnMarker> markers;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("markers", self.markers);
  }

  friend bool operator==(const WriteTxnMarkersRequest&, const WriteTxnMarkersRequest&) = default;
};

struct WritableTxnMarkerPartitionResult {
  PartitionIndex partition_index;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("error_code", self.error_code);
  }

  friend bool operator==(const WritableTxnMarkerPartitionResult&, const WritableTxnMarkerPartitionResult&) = default;
};

struct WritableTxnMarkerTopicResult {
  std::string name;
  std::vector<WritableTxnMarkerPartitionResult> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const WritableTxnMarkerTopicResult&, const WritableTxnMarkerTopicResult&) = default;
};

struct WritableTxnMarkerResult {
  ProducerId producer_id;
  std::vector<WritableTxnMarkerTopicResult> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("producer_id", self.producer_id);
    visit("topics", self.topics);
  }

  friend bool operator==(const WritableTxnMarkerResult&, const WritableTxnMarkerResult&) = default;
};

/// Whether each is written. Source: WriteTxnMarkersResponse.json of Kafka 3.9 and 4.3.1.
struct WriteTxnMarkersResponse {
  static constexpr const char* kName = "WriteTxnMarkersResponse";
  static constexpr auto kApi = ApiKey::kWriteTxnMarkers;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(1);

  std::vector<WritableTxnMarkerResult> markers;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("markers", self.markers);
  }

  friend bool operator==(const WriteTxnMarkersResponse&, const WriteTxnMarkersResponse&) = default;
};

}  // namespace millrace::protocol
