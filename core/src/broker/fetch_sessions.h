#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "broker/broker_calls.h"

namespace millrace {

/// How a fetch names its topics; a session keeps to one way.
enum class TopicNaming : std::uint8_t { kByName, kById };
/// Who reads. Replicas of the cluster keep their sessions when clients want more than there is room for.
enum class FetchReader : std::uint8_t { kClient, kReplica };

inline constexpr std::int32_t kNoFetchSession = 0;
/// Epochs of a request that belongs to no session: begin one with it, or don't.
inline constexpr std::int32_t kFirstFetchEpoch = 0;
inline constexpr std::int32_t kLastFetchEpoch = -1;

/// What a fetch says about its session.
struct FetchSessionAsk {
  std::int32_t session = kNoFetchSession;
  std::int32_t epoch = kLastFetchEpoch;
  FetchReader reader = FetchReader::kClient;
  TopicNaming naming = TopicNaming::kByName;
  /// All, or inside a session those that are new or that go on at another place.
  std::vector<FetchPartition> partitions;
  /// Those that are no longer read.
  std::vector<FetchPartition> forgotten = {};
};

class FetchSession;

/// What is to be read, and for which session.
struct FetchPlan {
  /// Only the caller's: whoever reads may take them.
  std::vector<FetchPartition> partitions;

  enum class Kind : std::uint8_t { kAlone, kBegins, kGoesOn, kEnds } kind = Kind::kAlone;
  /// None: it belongs to no session, or to one that has nothing left to read.
  std::shared_ptr<FetchSession> session = nullptr;
  /// The epoch of the next fetch of the session.
  std::int32_t next_epoch = kLastFetchEpoch;
};

/// A partition that is told, and which of the answers is its.
struct ToldPartition {
  TopicRef topic;
  PartitionIndex partition;
  std::size_t answer;
};

/// What is told of it: the session's id, and those of the plan's partitions that have news. Without a session it is
/// all that was asked for, in the request's order, and nothing is listed.
struct FetchNews {
  std::int32_t session = kNoFetchSession;
  std::optional<std::vector<ToldPartition>> partitions = std::nullopt;
};

/// Fetch sessions (KIP-227): a reader says once what it reads, and is told only what is new.
///
///     epoch 0 --begin--> read --finish--> session, if there is room --epoch 1, 2, ...--> only changes, both ways
///     epoch -1: ends the session that it names; no session
///
/// Bounded: as many sessions as there are slots. One that nobody used for long goes first; then a new one takes the
/// place of a smaller one that is old enough; else the reader stays without and names everything each time.
///
/// Threading: any thread may call any function.
class FetchSessions {
 public:
  struct Options {
    std::size_t slots = 1000;
    /// How long a session is safe from being replaced, since it was made or used.
    Duration safe_for = std::chrono::minutes{2};
  };

  FetchSessions(Options options, const Clock& clock, std::uint64_t seed);

  /// Errors: `kFetchSessionIdNotFound`, `kInvalidFetchSessionEpoch`, `kFetchSessionTopicIdError` (the session names its
  /// topics in the other way).
  [[nodiscard]] Result<FetchPlan> begin(FetchSessionAsk ask);

  /// With the answer to each of the plan's partitions. Errors: `kInvalidFetchSessionEpoch` when the reader did not wait
  /// for it and asked again.
  [[nodiscard]] Result<FetchNews> finish(const FetchPlan& plan, const FetchAnswer& answer);

  /// Sessions and, in all of them, partitions.
  struct Count {
    std::size_t sessions = 0;
    std::size_t partitions = 0;
    std::uint64_t evicted = 0;
  };
  [[nodiscard]] Count count() const;

 private:
  /// How much a session is worth: replicas before clients, then the larger.
  struct Worth;
  /// With the mutex held.
  [[nodiscard]] bool make_room(const Worth& wanted, TimePoint now);
  [[nodiscard]] std::int32_t new_id();

  const Options options_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  Random random_;
  std::unordered_map<std::int32_t, std::shared_ptr<FetchSession>> sessions_;
  std::uint64_t evicted_ = 0;
};

}  // namespace millrace
