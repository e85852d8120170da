#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/field.h"

// How Produce and Fetch tell a client that asked the wrong broker where to go, without another Metadata request.

namespace millrace::protocol {

struct LeaderIdAndEpoch {
  BrokerId leader_id{-1};
  LeaderEpoch leader_epoch = kNoLeaderEpoch;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("leader_id", self.leader_id);
    visit("leader_epoch", self.leader_epoch);
  }

  friend bool operator==(const LeaderIdAndEpoch&, const LeaderIdAndEpoch&) = default;
};

struct NodeEndpoint {
  BrokerId node_id;
  std::string host;
  std::int32_t port = 0;
  std::optional<std::string> rack;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("node_id", self.node_id);
    visit("host", self.host);
    visit("port", self.port);
    visit("rack", self.rack, nullable(from(0)));
  }

  friend bool operator==(const NodeEndpoint&, const NodeEndpoint&) = default;
};

}  // namespace millrace::protocol
