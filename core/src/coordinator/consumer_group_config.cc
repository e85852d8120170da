#include "coordinator/consumer_group_config.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kHeartbeat = "consumer.heartbeat.interval.ms";
constexpr std::string_view kSession = "consumer.session.timeout.ms";
constexpr std::int64_t kMaxInt = std::numeric_limits<std::int32_t>::max();

// clang-format off
constexpr ConfigKey kKeys[] = {
    {kHeartbeat, ConfigType::kInt, "5000", "How often members of the group say that they are alive, in milliseconds, if it is of the consumer protocol; within the broker's group.consumer.min/max.heartbeat.interval.ms.", 1, kMaxInt},
    {kSession, ConfigType::kInt, "45000", "A member that is silent for so long is gone, in milliseconds, if the group is of the consumer protocol; within the broker's group.consumer.min/max.session.timeout.ms.", 1, kMaxInt},
};
// clang-format on
constexpr ConfigTable kTable{"group", kKeys};

struct Unserved {
  std::string_view prefix;
  std::string_view reason;
};
constexpr Unserved kUnserved[] = {
    {"consumer.assignment.interval.ms", "partitions are divided as soon as a group changes"},
    {"share.", "share groups are not served"},
    {"streams.", "streams groups are not served"},
};

Result<void> check_bounds(std::string_view key, milliseconds value, milliseconds least, milliseconds most) {
  if (value >= least && value <= most) return {};
  return fail(ErrorCode::kInvalidConfig,
              fmt::format("group: \"{}\" is {}, but the broker allows {} to {} (group.consumer.min/max.{})", key,
                          value.count(), least.count(), most.count(), key.substr(key.find('.') + 1)));
}

}  // namespace

const ConfigTable& group_config_table() { return kTable; }

Result<void> check_group_configs(const Properties& own, const ConsumerGroupConfig& broker) {
  for (const auto& [key, value] : own) {
    const auto* unserved =
        std::ranges::find_if(kUnserved, [&](const auto& some) { return key.starts_with(some.prefix); });
    if (unserved == std::end(kUnserved)) continue;
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("group: Kafka's key \"{}\" is not served here: {}", key, unserved->reason));
  }
  MILLRACE_CHECK(kTable.check(own));
  const auto& least = broker.least_times;
  const auto& most = broker.most_times;
  if (own.contains(kHeartbeat)) {
    MILLRACE_CHECK(check_bounds(kHeartbeat, milliseconds{kTable.get_long(own, kHeartbeat)}, least.heartbeat_interval,
                                most.heartbeat_interval));
  }
  if (own.contains(kSession)) {
    MILLRACE_CHECK(check_bounds(kSession, milliseconds{kTable.get_long(own, kSession)}, least.session_timeout,
                                most.session_timeout));
  }
  const auto times = times_of(own, broker);
  if (own.empty() || times.session_timeout > times.heartbeat_interval) return {};
  return fail(ErrorCode::kInvalidConfig,
              fmt::format("group: \"{}\" is {}, but must be longer than \"{}\", which is {}", kSession,
                          times.session_timeout.count(), kHeartbeat, times.heartbeat_interval.count()));
}

ConsumerGroupTimes times_of(const Properties& own, const ConsumerGroupConfig& broker) {
  auto times = broker.times;
  if (own.contains(kHeartbeat)) {
    times.heartbeat_interval = std::clamp(milliseconds{kTable.get_long(own, kHeartbeat)},
                                          broker.least_times.heartbeat_interval, broker.most_times.heartbeat_interval);
  }
  if (own.contains(kSession)) {
    times.session_timeout = std::clamp(milliseconds{kTable.get_long(own, kSession)}, broker.least_times.session_timeout,
                                       broker.most_times.session_timeout);
  }
  return times;
}

}  // namespace millrace
