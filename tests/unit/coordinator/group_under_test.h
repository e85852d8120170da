#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/uuid.h"
#include "coordinator/classic_group.h"

namespace millrace::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline std::vector<std::byte> bytes(std::string_view text) {
  const auto raw = as_bytes(text);
  return {raw.begin(), raw.end()};
}

/// A group with a clock moved by hand. It keeps every answer by its request, and what the group wants to be written.
class GroupUnderTest {
 public:
  explicit GroupUnderTest(GroupConfig config = {.initial_rebalance_delay = milliseconds{0}})
      : group("orders", config, time()) {}

  [[nodiscard]] CoordinatorTime time() const { return {.now = clock.now(), .wall = clock.wall()}; }

  static JoinGroup call(const std::string& id = "", const std::string& metadata = "m") {
    JoinGroup call;
    call.member.id = id;
    call.client_id = "client";
    call.client_host = "/host";
    call.protocol_type = "consumer";
    call.protocols = {{.name = "range", .metadata = bytes(metadata)}};
    call.session_timeout = seconds{10};
    call.rebalance_timeout = seconds{60};
    call.id_first = false;
    return call;
  }

  GroupRequestId join(JoinGroup asked) {
    const GroupRequestId request{++last_request};
    take(group.join(request, std::move(asked), random_uuid(random), time()));
    return request;
  }
  GroupRequestId sync(const std::string& id, std::int32_t generation,
                      std::vector<std::pair<std::string, std::vector<std::byte>>> assignments = {}) {
    const GroupRequestId request{++last_request};
    SyncGroup asked;
    asked.member.id = id;
    asked.generation = generation;
    asked.assignments = std::move(assignments);
    take(group.sync(request, std::move(asked), time()));
    return request;
  }
  std::vector<LeftGroup> leave(const std::vector<MemberName>& members) {
    auto left = group.leave(members, time());
    take(std::move(left.actions));
    return left.members;
  }
  ErrorCode heartbeat(const std::string& id) { return group.heartbeat({.id = id}, group.generation(), time()); }

  /// Moves the clock, and runs the group's timer each time that it is due.
  void advance(milliseconds by) {
    const auto end = clock.now() + by;
    while (group.next_timer() && *group.next_timer() <= end) {
      clock.advance(std::chrono::duration_cast<milliseconds>(std::max(*group.next_timer() - clock.now(), Duration{})));
      take(group.on_timer(time()));
    }
    clock.advance(std::chrono::duration_cast<milliseconds>(end - clock.now()));
  }

  /// What was to be written is durable, or was not written.
  void write_all(ErrorCode error = ErrorCode::kNone) {
    while (!stores.empty()) {
      auto store = std::move(stores.front());
      stores.erase(stores.begin());
      if (error == ErrorCode::kNone) last_written = store.value;
      take(group.stored(store, error, time()));
    }
  }

  const JoinedGroup& joined(GroupRequestId request) {
    EXPECT_TRUE(joins.contains(request)) << "join " << request.value() << " was not answered";
    return joins[request];
  }
  const SyncedGroup& synced(GroupRequestId request) {
    EXPECT_TRUE(syncs.contains(request)) << "sync " << request.value() << " was not answered";
    return syncs[request];
  }

  /// A stable group of `count` members; gives their ids, the leader's first.
  std::vector<std::string> make_stable(std::size_t count) {
    std::vector<GroupRequestId> requests;
    for (std::size_t i = 0; i < count; ++i) requests.push_back(join(call()));
    if (count > 1) {
      // Only the first is in; it joins again, and so lets the others in.
      requests[0] = join(call(joined(requests[0]).member_id));
    }
    return make_stable(requests);
  }
  std::vector<std::string> make_stable(const std::vector<GroupRequestId>& requests) {
    std::vector<std::string> ids;
    std::vector<std::pair<std::string, std::vector<std::byte>>> assignments;
    for (const auto request : requests) {
      const auto& answer = joined(request);
      EXPECT_EQ(answer.error, ErrorCode::kNone) << static_cast<int>(answer.error);
      ids.push_back(answer.member_id);
      assignments.emplace_back(answer.member_id, bytes("work of " + answer.member_id));
      if (answer.leader == answer.member_id) std::swap(ids.front(), ids.back());
    }
    sync(ids[0], group.generation(), assignments);
    write_all();
    for (std::size_t i = 1; i < ids.size(); ++i) sync(ids[i], group.generation());
    EXPECT_EQ(group.state(), GroupState::kStable);
    return ids;
  }

  ManualClock clock;
  Random random{1};
  ClassicGroup group;
  std::uint64_t last_request = 0;
  std::map<GroupRequestId, JoinedGroup> joins;
  std::map<GroupRequestId, SyncedGroup> syncs;
  std::vector<GroupStore> stores;
  protocol::GroupMetadataValue last_written;

  void take(GroupActions actions) {
    for (auto& [request, answer] : actions.joins) {
      EXPECT_FALSE(joins.contains(request)) << "join " << request.value() << " was answered twice";
      joins[request] = std::move(answer);
    }
    for (auto& [request, answer] : actions.syncs) {
      EXPECT_FALSE(syncs.contains(request)) << "sync " << request.value() << " was answered twice";
      syncs[request] = std::move(answer);
    }
    for (auto& store : actions.stores) stores.push_back(std::move(store));
  }
};

}  // namespace millrace::test
