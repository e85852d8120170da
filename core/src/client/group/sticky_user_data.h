#pragma once

#include <cstdint>
#include <vector>

#include "client/group/assignor.h"
#include "protocol/consumer_protocol.h"

namespace millrace {

/// What Java's sticky assignor adds to a subscription: what the member had, and in which generation.
struct StickyUserData {
  std::vector<protocol::ConsumerTopic> owned;
  std::int32_t generation = -1;
};

[[nodiscard]] protocol::UserData encode_sticky(const StickyUserData& data);
[[nodiscard]] protocol::UserData encode_generation(std::int32_t generation);

/// Puts into `member` what its user data says beyond its subscription. What cannot be read is left out: it only makes
/// the division less sticky.
void read_user_data(const protocol::UserData& bytes, AssignorUserData kind, AssignorMember& member);

}  // namespace millrace
