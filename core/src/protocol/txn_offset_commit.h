#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"
#include "protocol/transaction_support.h"

namespace millrace::protocol {

struct TxnOffsetCommitRequestPartition {
  PartitionIndex partition_index;
  Offset committed_offset;
  LeaderEpoch committed_leader_epoch = kNoLeaderEpoch;
  std::optional<std::string> committed_metadata;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("committed_offset", self.committed_offset);
    visit("committed_leader_epoch", self.committed_leader_epoch, from(2));
    visit("committed_metadata", self.committed_metadata, nullable(from(0)));
  }

  friend bool operator==(const TxnOffsetCommitRequestPartition&, const TxnOffsetCommitRequestPartition&) = default;
};

struct TxnOffsetCommitRequestTopic {
  std::string name;
  std::vector<TxnOffsetCommitRequestPartition> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const TxnOffsetCommitRequestTopic&, const TxnOffsetCommitRequestTopic&) = default;
};

/// Where the group will go on once the transaction is committed. Source: TxnOffsetCommitRequest.json of Kafka 3.9 and
/// 4.3.1.
struct TxnOffsetCommitRequest {
  static constexpr const char* kName = "TxnOffsetCommitRequest";
  static constexpr auto kApi = ApiKey::kTxnOffsetCommit;
  static constexpr Versions kVersions{0, 5};
  static constexpr Versions kFlexible = from(3);

  std::string transactional_id;
  std::string group_id;
  ProducerId producer_id;
  ProducerEpoch producer_epoch;
  std::int32_t generation_id = -1;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::vector<TxnOffsetCommitRequestTopic> topics;
  /// Not on the wire.
  TransactionSupport transactions = TransactionSupport::kVerify;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("transactional_id", self.transactional_id);
    visit("group_id", self.group_id);
    visit("producer_id", self.producer_id);
    visit("producer_epoch", self.producer_epoch);
    visit("generation_id", self.generation_id, from(3));
    visit("member_id", self.member_id, from(3));
    visit("group_instance_id", self.group_instance_id, from(3), nullable(from(3)));
    visit("topics", self.topics);
  }

  friend bool operator==(const TxnOffsetCommitRequest&, const TxnOffsetCommitRequest&) = default;
};

inline void normalize(TxnOffsetCommitRequest& request, std::int16_t version) {
  if (version == 4) request.transactions = TransactionSupport::kVerifyOrAbort;
  if (version >= 5) request.transactions = TransactionSupport::kAdd;
}

struct TxnOffsetCommitResponsePartition {
  PartitionIndex partition_index;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("error_code", self.error_code);
  }

  friend bool operator==(const TxnOffsetCommitResponsePartition&, const TxnOffsetCommitResponsePartition&) = default;
};

struct TxnOffsetCommitResponseTopic {
  std::string name;
  std::vector<TxnOffsetCommitResponsePartition> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const TxnOffsetCommitResponseTopic&, const TxnOffsetCommitResponseTopic&) = default;
};

/// Whether each offset is stored. Source: TxnOffsetCommitResponse.json of Kafka 3.9 and 4.3.1.
struct TxnOffsetCommitResponse {
  static constexpr const char* kName = "TxnOffsetCommitResponse";
  static constexpr auto kApi = ApiKey::kTxnOffsetCommit;
  static constexpr Versions kVersions{0, 5};
  static constexpr Versions kFlexible = from(3);

  std::int32_t throttle_time_ms = 0;
  std::vector<TxnOffsetCommitResponseTopic> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("topics", self.topics);
  }

  friend bool operator==(const TxnOffsetCommitResponse&, const TxnOffsetCommitResponse&) = default;
};

}  // namespace millrace::protocol
