#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/types.h"
#include "client/group/assignor.h"
#include "coordinator/group_calls.h"
#include "protocol/consumer_protocol.h"

namespace millrace {

/// One member of a classic consumer group, as the member sees it: (event, now) -> calls and notices. No locks, no
/// timers, no I/O: its owner makes the calls that `next_call` gives and tells the answers.
///
///              subscribe                found              joined               synced
///     kOutside ---------> kFinding -------------> kUnjoined ----> kJoining ----> kJoined ----> kSyncing ----> kStable
///                                                    ^                                                          |
///                                                    +----- lost, or the group rebalances, or topics changed ---+
///
/// Eager: everything is given up before joining. Cooperative: what it has is kept and read meanwhile, and what moves
/// is given up after the answer, which leads to another round.
///
/// Threading: one thread at a time.
class GroupMembership {
 public:
  struct Settings {
    std::string group;
    std::optional<std::string> instance;
    std::string client_id;
    std::vector<const Assignor*> assignors;
    std::chrono::milliseconds session_timeout{};
    std::chrono::milliseconds heartbeat_interval{};
    std::chrono::milliseconds max_poll_interval{};
  };

  struct FindCoordinator {};
  using Call = std::variant<FindCoordinator, JoinGroup, SyncGroup>;

  /// What the application is told; `kRevoked` and `kLost` are out of `owned` already.
  struct Notice {
    enum class Kind : std::uint8_t { kAssigned, kRevoked, kLost };
    Kind kind;
    std::vector<TopicPartition> partitions;
  };

  struct Heartbeat {
    MemberName member;
    std::int32_t generation;
  };
  /// The application has not polled for too long: the group is left, so that others go on.
  struct Leave {
    MemberName member;
  };
  using TimerCall = std::variant<std::monostate, Heartbeat, Leave>;

  explicit GroupMembership(Settings settings) : settings_(std::move(settings)) {}

  /// From now on these topics; the next calls join with them.
  void subscribe(std::vector<std::string> topics, TimePoint now);
  /// Out of the group: who has to be told, if anybody, and what it had is revoked by the next notice.
  [[nodiscard]] std::optional<MemberName> leave();

  // What the application does: it polls, is told, and then makes calls.
  void polled(TimePoint now) { last_poll_ = now; }
  [[nodiscard]] std::optional<Notice> next_notice();
  /// The call that is next; it is under way afterwards. `counts`: the partitions of each of the given topics. None
  /// while a call is under way, while there are notices, and before `retry_at`.
  using CountTopics = std::function<PartitionCounts(const std::set<std::string>& topics)>;
  [[nodiscard]] std::optional<Call> next_call(TimePoint now, const CountTopics& counts);
  /// When a call is tried again that failed.
  [[nodiscard]] std::optional<TimePoint> retry_at(TimePoint now) const;
  /// Why it is not a member, once; who was fenced is told again and again.
  [[nodiscard]] std::optional<Error> take_error();
  /// The leader divides again when a topic has got more partitions, is gone, or is there at last.
  void look_at_topics(const CountTopics& counts);

  /// Names the call that is under way.
  using CallNumber = std::uint64_t;
  [[nodiscard]] CallNumber call_number() const { return call_number_; }

  // The answers. Those to a call that means nothing any more are dropped.
  void found(CallNumber call, const Result<void>& result, TimePoint now);
  void joined(CallNumber call, JoinedGroup answer, TimePoint now);
  void synced(CallNumber call, const SyncedGroup& answer, TimePoint now);
  void beat(const Heartbeat& sent, ErrorCode answer);

  [[nodiscard]] TimerCall on_timer(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_timer() const;

  [[nodiscard]] bool is_subscribed() const { return !topics_.empty(); }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  /// As whom to commit; generation -1 outside of the group.
  [[nodiscard]] MemberName name() const { return {.id = member_id_, .instance = settings_.instance}; }
  [[nodiscard]] std::int32_t generation() const { return generation_; }

 private:
  enum class State : std::uint8_t { kOutside, kFinding, kUnjoined, kJoining, kJoined, kSyncing, kStable };
  enum class Keep : std::uint8_t { kMemberId, kNothing };

  [[nodiscard]] bool is_cooperative() const {
    return settings_.assignors.front()->protocol == RebalanceProtocol::kCooperative;
  }
  [[nodiscard]] bool is_member() const {
    return state_ == State::kJoined || state_ == State::kSyncing || state_ == State::kStable;
  }
  [[nodiscard]] bool wants_to_join() const;
  [[nodiscard]] JoinGroup join_call() const;
  [[nodiscard]] protocol::ByteString subscription_for(const Assignor& assignor) const;
  [[nodiscard]] SyncGroup sync_call(const CountTopics& counts);
  void divide(SyncGroup& call, const CountTopics& counts);
  void take_assignment(std::vector<TopicPartition> assigned);
  /// Partitions may be somebody else's already.
  void out_of_group(Keep keep);
  void refused(ErrorCode code, TimePoint now);
  void retry_later(TimePoint now);

  const Settings settings_;
  State state_ = State::kOutside;
  CallNumber call_number_ = 0;
  std::vector<std::string> topics_;
  std::string member_id_;
  std::int32_t generation_ = -1;
  std::optional<JoinedGroup> joined_;
  const Assignor* assignor_ = nullptr;
  std::vector<TopicPartition> owned_;
  /// What it had last, for assignors whose members give up everything, and since when.
  std::vector<TopicPartition> remembered_;
  std::int32_t remembered_generation_ = -1;
  std::deque<Notice> notices_;
  bool rejoin_ = false;
  bool lost_ = false;
  /// Of the leader: the topics of all members, and what they were divided by.
  std::set<std::string> group_topics_;
  PartitionCounts divided_by_;
  std::optional<Error> error_;
  bool fenced_ = false;
  TimePoint retry_at_{};
  TimePoint last_poll_{};
  TimePoint last_beat_{};
};

}  // namespace millrace
