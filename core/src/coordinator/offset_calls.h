#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/committed_offsets.h"
#include "coordinator/group_calls.h"
#include "coordinator/transaction_calls.h"
#include "log/log_calls.h"
#include "metadata/controller.h"

// What is asked of committed offsets, and the answers. A list of answers is as long as the call's and in its order.

namespace millrace {

struct OffsetToCommit {
  TopicRef topic;
  PartitionIndex partition;
  Offset offset = kNoOffset;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::string metadata;
};

/// The transaction whose end decides on the offsets, and the leave to write them.
struct OffsetsTransaction {
  ProducerIdentity producer;
  TransactionGuard guard = kAlreadyOpen;
};

struct CommitOffsets {
  std::string group;
  /// Empty, with generation -1: somebody who commits without being a member.
  MemberName member;
  std::int32_t generation = -1;
  /// The newest protocol of groups that the request's version has words for.
  GroupType speaks = GroupType::kConsumer;
  /// How long the offsets are kept, when the client says; else `offsets.retention.minutes` after the group's end.
  std::optional<std::chrono::milliseconds> retention = std::nullopt;
  std::vector<OffsetToCommit> offsets;
  std::optional<OffsetsTransaction> transaction = std::nullopt;
};

struct PartitionRef {
  TopicRef topic;
  PartitionIndex partition;
};

/// `offset.offset` is `kNoOffset` where nothing was committed.
struct FetchedOffset {
  ErrorCode error = ErrorCode::kNone;
  CommittedOffset offset;
};

using JoinDone = std::move_only_function<void(JoinedGroup)>;
using SyncDone = std::move_only_function<void(SyncedGroup)>;
using LeaveDone = std::move_only_function<void(Result<std::vector<LeftGroup>>)>;
using ErrorCodesDone = std::move_only_function<void(std::vector<ErrorCode>)>;
using DeleteOffsetsDone = std::move_only_function<void(Result<std::vector<ErrorCode>>)>;

}  // namespace millrace
