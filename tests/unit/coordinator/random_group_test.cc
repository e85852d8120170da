// A group under clients that do anything at any time. Whatever they do: every request is answered exactly once, a
// generation has one leader, and a member of a generation gets what that generation's leader gave it.

#include <gtest/gtest.h>

#include <set>

#include "unit/coordinator/group_under_test.h"

namespace millrace::test {
namespace {

/// Clients that join, sync, beat, leave, fall silent and come back in random order.
class RandomClients {
 public:
  explicit RandomClients(std::uint64_t seed)
      : random_(seed),
        under_({.initial_rebalance_delay = seconds{random_.below(4)}, .max_size = 2 + random_.below(5)}) {}

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      step();
      look();
    }
  }

  /// Nobody does anything any more: time alone must answer whatever waits.
  void fall_silent() {
    for (int i = 0; i < 200; ++i) {
      if (random_.one_in(2)) under_.write_all();
      under_.advance(seconds{10});
      look();
    }
    under_.write_all();
    look();
    EXPECT_EQ(under_.joins.size() + under_.syncs.size(), under_.last_request) << "a request was never answered";
    EXPECT_EQ(under_.group.size(), 0U);
    EXPECT_EQ(under_.group.state(), GroupState::kEmpty);
    EXPECT_FALSE(under_.group.next_timer());
  }

 private:
  struct Client {
    std::string id;
    std::optional<std::string> instance;
    std::int32_t generation = -1;
    bool leads = false;
    std::vector<GroupMember> members;
    std::optional<GroupRequestId> joins;
    std::optional<GroupRequestId> syncs;
  };

  Client& any() { return clients_[random_.below(clients_.size())]; }

  void step() {
    auto& client = any();
    switch (random_.below(10)) {
      case 0:
      case 1:
      case 2: {
        auto call = GroupUnderTest::call(client.id, std::to_string(random_.below(3)));
        call.member.instance = client.instance;
        call.id_first = random_.one_in(2);
        call.may_skip_assignment = random_.one_in(2);
        call.session_timeout = seconds{6 + random_.below(20)};
        call.rebalance_timeout = seconds{random_.below(60)};
        client.joins = under_.join(call);
        break;
      }
      case 3:
      case 4: {
        std::vector<std::pair<std::string, std::vector<std::byte>>> work;
        if (client.leads) {
          for (const auto& member : client.members) work.emplace_back(member.id, work_of(client.generation, member.id));
        }
        client.syncs = under_.sync(client.id, client.generation, std::move(work));
        break;
      }
      case 5:
        (void)under_.group.heartbeat({.id = client.id, .instance = client.instance}, client.generation, under_.time());
        break;
      case 6:
        if (!random_.one_in(4)) break;
        under_.leave({{.id = client.id, .instance = client.instance}});
        client = Client{.instance = client.instance};
        break;
      case 7:
        // The process died, and a new one knows nothing.
        if (random_.one_in(4)) client = Client{.instance = client.instance};
        break;
      case 8:
        under_.write_all(random_.one_in(8) ? ErrorCode::kCoordinatorNotAvailable : ErrorCode::kNone);
        break;
      default:
        under_.advance(milliseconds{random_.below(4000)});
    }
  }

  /// What has been answered, as clients see it.
  void look() {
    for (auto& client : clients_) {
      if (client.joins && under_.joins.contains(*client.joins)) joined(client, under_.joins[*client.joins]);
      if (client.syncs && under_.syncs.contains(*client.syncs)) {
        const auto& answer = under_.syncs[*client.syncs];
        client.syncs.reset();
        if (answer.error != ErrorCode::kNone || answer.assignment.empty()) continue;
        const auto text = std::string{as_text(answer.assignment)};
        EXPECT_TRUE(text.starts_with(std::to_string(under_.group.generation()) + ":") ||
                    text.starts_with(std::to_string(client.generation) + ":"))
            << text << " in generation " << client.generation;
      }
    }
  }

  void joined(Client& client, const JoinedGroup& answer) {
    client.joins.reset();
    if (answer.error == ErrorCode::kMemberIdRequired) {
      client.id = answer.member_id;
      return;
    }
    if (answer.error != ErrorCode::kNone) {
      if (answer.error != ErrorCode::kRebalanceInProgress) client.id.clear();
      client.leads = false;
      return;
    }
    client.id = answer.member_id;
    client.generation = answer.generation;
    client.leads = answer.leader == answer.member_id && !answer.members.empty();
    client.members = answer.members;
    EXPECT_LE(answer.generation, under_.group.generation());
    if (!client.leads) return;
    std::set<std::string> ids;
    for (const auto& member : answer.members) ids.insert(member.id);
    EXPECT_EQ(ids.size(), answer.members.size());
    EXPECT_TRUE(ids.contains(client.id));
    // Under its instance's name a static leader may come back with another id.
    const auto leader = client.instance.value_or(client.id);
    const auto known = leaders_.emplace(answer.generation, leader).first;
    EXPECT_EQ(known->second, leader) << "two leaders in generation " << answer.generation;
  }

  static std::vector<std::byte> work_of(std::int32_t generation, const std::string& id) {
    return bytes(std::to_string(generation) + ":" + id);
  }

  Random random_;
  GroupUnderTest under_;
  std::vector<Client> clients_ = {{}, {}, {}, {.instance = "s1"}, {.instance = "s2"}, {.instance = "s2"}};
  std::map<std::int32_t, std::string> leaders_;
};

TEST(ClassicGroup, AnswersEveryRequestOnceWhateverItsClientsDo) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    RandomClients clients{seed};
    clients.run(300);
    clients.fall_silent();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace millrace::test
