#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/config_table.h"
#include "base/result.h"
#include "base/types.h"
#include "coordinator/transaction_calls.h"
#include "log/partition_log.h"
#include "metadata/controller.h"
#include "protocol/transaction_support.h"

// The arguments and answers of `BrokerCore`'s methods. Not wire structs: no versions, no defaults of the protocol.

namespace millrace {

// --- produce -------------------------------------------------------------------------------------------------------

/// How much an append waits for. Other positive numbers: that many replicas (the leader is one of them).
inline constexpr std::int16_t kAcksNone = 0;
inline constexpr std::int16_t kAcksLeader = 1;
inline constexpr std::int16_t kAcksAll = -1;

struct ProducePartition {
  TopicRef topic;
  PartitionIndex partition;
  /// Whole record batches as they came. They are checked, stamped in place and written before `produce` returns; the
  /// memory is the caller's again from then on.
  MutableBytes batches;
};

struct ProduceCall {
  std::vector<ProducePartition> partitions;
  /// The producer's, if it has one: then the memory of the batches is needed until `done`.
  std::string transactional_id = {};
  TransactionSupport transactions = TransactionSupport::kVerify;
  std::int16_t acks = kAcksAll;
  /// How long to wait for the acknowledgement; the records stay written when it passes (`kRequestTimedOut`).
  Duration timeout{};
};

/// One answer for each `ProducePartition`, in the same order.
using ProduceAnswer = std::vector<Result<AppendInfo>>;
using ProduceDone = std::move_only_function<void(ProduceAnswer)>;

// --- fetch ---------------------------------------------------------------------------------------------------------

struct FetchPartition {
  TopicRef topic;
  PartitionIndex partition;
  Offset from;
  /// The epoch the reader believes in; `kNoLeaderEpoch`: does not say.
  LeaderEpoch current_leader_epoch = kNoLeaderEpoch;
  std::size_t max_bytes = 1 << 20;
};

struct FetchCall {
  std::vector<FetchPartition> partitions;
  /// For the whole answer; the first batch is given however large it is.
  std::size_t max_bytes = 50 << 20;
  /// Answer once there are so many bytes, an error, or `max_wait` has passed.
  std::size_t min_bytes = 1;
  Duration max_wait{};
  Isolation isolation = Isolation::kHighWatermark;
};

/// One answer for each `FetchPartition`, in the same order: whole batches (perhaps none) with the log's positions, or
/// why not. The bytes are shared, never copied.
using FetchAnswer = std::vector<Result<LogSlice>>;
using FetchDone = std::move_only_function<void(FetchAnswer)>;

/// Names a fetch that waits.
using FetchId = Strong<struct FetchIdTag, std::uint64_t>;

// --- topics --------------------------------------------------------------------------------------------------------

enum class ValidateOnly : std::uint8_t { kNo, kYes };

/// One answer for each topic, in the same order.
using CreateTopicsDone = std::move_only_function<void(std::vector<Result<CreatedTopic>>)>;

using DeleteTopicsDone = std::move_only_function<void(std::vector<Result<DeletedTopic>>)>;

using CreatePartitionsDone = std::move_only_function<void(std::vector<Result<void>>)>;

// --- configs -------------------------------------------------------------------------------------------------------

/// Where a value comes from. Numbers as on the wire (DescribeConfigs).
enum class ConfigSource : std::int8_t {
  kTopic = 1,
  kDynamicBroker = 2,
  kDynamicDefaultBroker = 3,
  kStaticBroker = 4,
  kDefault = 5,
  kGroup = 8,
};

struct ConfigSynonym {
  std::string name;
  std::string value;
  ConfigSource source;
};

struct ConfigEntry {
  std::string name;
  std::string value;
  ConfigSource source = ConfigSource::kDefault;
  ConfigType type = ConfigType::kString;
  bool read_only = false;
  std::string doc;
  /// What the value would be if it were not set here, nearest first; begins with the value itself.
  std::vector<ConfigSynonym> synonyms;
};

/// Numbers as on the wire (IncrementalAlterConfigs).
enum class ConfigOp : std::int8_t { kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3 };

struct ConfigChange {
  std::string name;
  ConfigOp op = ConfigOp::kSet;
  std::optional<std::string> value;
};

/// Whether keys that are not mentioned keep their value (IncrementalAlterConfigs) or lose it (AlterConfigs).
enum class AlterMode : std::uint8_t { kIncremental, kReplace };

using DoneVoid = std::move_only_function<void(Result<void>)>;

// --- producers -----------------------------------------------------------------------------------------------------

using InitProducerIdDone = std::move_only_function<void(Result<ProducerIdentity>)>;

}  // namespace millrace
