#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "base/config_table.h"
#include "base/result.h"
#include "coordinator/target_assignment.h"

namespace millrace {

/// Whether a group that has members may change its protocol: to the consumer protocol when a member of that one comes,
/// to the classic one when the last such member has gone.
enum class Migration : std::uint8_t { kDisabled, kUpgrade, kDowngrade, kBidirectional };

/// How long a member of a group of the consumer protocol may be silent, and how often it says that it is alive.
struct ConsumerGroupTimes {
  std::chrono::milliseconds session_timeout{45'000};
  std::chrono::milliseconds heartbeat_interval{5'000};
};

/// The broker's `group.consumer.*` keys.
struct ConsumerGroupConfig {
  ConsumerGroupTimes times;
  /// What a group may have of its own.
  ConsumerGroupTimes least_times{.session_timeout = std::chrono::milliseconds{45'000},
                                 .heartbeat_interval = std::chrono::milliseconds{5'000}};
  ConsumerGroupTimes most_times{.session_timeout = std::chrono::milliseconds{60'000},
                                .heartbeat_interval = std::chrono::milliseconds{15'000}};
  std::size_t max_size = std::numeric_limits<std::int32_t>::max();
  /// Those that members may ask for; the first is taken when nobody asks for one.
  std::vector<ServerAssignor> assignors{ServerAssignor::kUniform, ServerAssignor::kRange};
  Migration migration = Migration::kBidirectional;
};

/// The keys that a group may have of its own, named and with defaults as in Kafka. The broker has the same, with
/// "group." in front, for all groups that have not.
[[nodiscard]] const ConfigTable& group_config_table();

/// A group's own keys checked: unknown ones (with a suggestion), ones known to Kafka but not served here (with the
/// reason), values outside of what the broker allows, a session that is not longer than the time between two
/// heartbeats. Errors: `kInvalidConfig`.
[[nodiscard]] Result<void> check_group_configs(const Properties& own, const ConsumerGroupConfig& broker);

/// What the members of a group keep to that has these keys of its own, which were checked; by a broker that may have
/// allowed more.
[[nodiscard]] ConsumerGroupTimes times_of(const Properties& own, const ConsumerGroupConfig& broker);

}  // namespace millrace
