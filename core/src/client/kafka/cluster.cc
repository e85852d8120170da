#include "client/kafka/cluster.h"

#include <fmt/format.h>
#include <poll.h>

#include "protocol/api_versions.h"
#include "protocol/find_coordinator.h"
#include "protocol/list_offsets.h"

namespace millrace {
namespace {

constexpr std::chrono::milliseconds kClusterBackoff{50};
// One broker that does not answer leaves time for the others.
constexpr std::chrono::seconds kConnectPatience{5};
// What a topic gets that is made because it is written to.
constexpr std::chrono::seconds kCreationPatience{5};
// The newest versions that name topics and groups, not their ids.
constexpr std::int16_t kMetadataByName = 12;
constexpr std::int16_t kOneCoordinator = 3;
// ListOffsets' number for the end.
constexpr std::int64_t kLatestOffset = -1;

std::unexpected<Error> unknown_topic(std::string_view name) {
  return fail(ErrorCode::kUnknownTopicOrPartition, fmt::format("there is no topic \"{}\"", name));
}

}  // namespace

Result<std::unique_ptr<Cluster>> Cluster::parse(std::string_view brokers, std::string client_id) {
  std::vector<net::HostPort> bootstrap;
  while (!brokers.empty()) {
    const auto comma = std::min(brokers.find(','), brokers.size());
    MILLRACE_TRY(address, net::parse_host_port(brokers.substr(0, comma)));
    bootstrap.push_back(std::move(address));
    brokers.remove_prefix(std::min(comma + 1, brokers.size()));
  }
  if (bootstrap.empty()) {
    return fail(ErrorCode::kInvalidArgument, "\"kafka:\" names no broker; write kafka:HOST:PORT");
  }
  return std::unique_ptr<Cluster>{new Cluster{std::move(bootstrap), std::move(client_id)}};
}

bool Cluster::pause_before_retry(TimePoint deadline) {
  if (std::chrono::steady_clock::now() + kClusterBackoff >= deadline) return false;
  ::poll(nullptr, 0, static_cast<int>(kClusterBackoff.count()));
  return true;
}

bool Cluster::passes(ErrorCode code) {
  switch (code) {
    case ErrorCode::kLeaderNotAvailable:
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kNotController:
    case ErrorCode::kNotCoordinator:
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kCoordinatorLoadInProgress:
    case ErrorCode::kUnstableOffsetCommit:
    case ErrorCode::kConcurrentTransactions:
      return true;
    default:
      return false;
  }
}

// --- connections -----------------------------------------------------------------------------------------------------

Result<Cluster::Link*> Cluster::link_to(BrokerId broker, TimePoint deadline) {
  if (const auto known = links_.find(broker); known != links_.end()) return &known->second;
  std::optional<Error> first;
  std::vector<net::HostPort> addresses = bootstrap_;
  if (broker != kAny) {
    const auto address = addresses_.find(broker);
    if (address == addresses_.end()) {
      return fail(ErrorCode::kNotCoordinator,
                  fmt::format("broker {} is not in the cluster's metadata", broker.value()));
    }
    addresses = {address->second};
  }
  for (const auto& address : addresses) {
    auto link = connect(address, std::min(deadline, std::chrono::steady_clock::now() + kConnectPatience));
    if (link) return &links_.insert_or_assign(broker, *std::move(link)).first->second;
    if (!first) first = std::move(link).error();
  }
  return std::unexpected(std::move(*first).in("kafka"));
}

Result<Cluster::Link> Cluster::connect(const net::HostPort& address, TimePoint deadline) {
  Link link;
  MILLRACE_TRY(connection, net::FrameCaller::connect(address.host, address.port, deadline));
  link.connection = std::move(connection);
  protocol::ApiVersionsRequest request;
  request.client_software_name = "millrace";
  request.client_software_version = MILLRACE_VERSION;
  constexpr std::int16_t kAsked = 3;
  const auto frame = protocol::request_frame(request, kAsked, ++correlation_, client_id_).flatten();
  MILLRACE_TRY(answer, link.connection->ask(frame, deadline));
  auto versions = read<protocol::ApiVersionsResponse>(answer, kAsked);
  // A broker that is older than the question answers in the oldest form.
  if (!versions || versions->error_code == ErrorCode::kUnsupportedVersion) {
    versions = read<protocol::ApiVersionsResponse>(answer, 0);
  }
  if (!versions) return std::unexpected(std::move(versions).error());
  for (const auto& row : versions->api_keys) link.versions[row.api_key] = {row.min_version, row.max_version};
  return link;
}

Result<std::int16_t> Cluster::version_for(const Link& link, std::int16_t api, std::string_view name,
                                          protocol::Versions ours) {
  const auto theirs = link.versions.find(api);
  if (theirs == link.versions.end()) {
    return fail(ErrorCode::kUnsupportedVersion, fmt::format("the broker does not know {}", name));
  }
  const auto version = std::min(ours.last, theirs->second.last);
  if (version < ours.first || version < theirs->second.first) {
    return fail(ErrorCode::kUnsupportedVersion,
                fmt::format("the broker speaks {} in versions {} to {}, and this client {} to {}", name,
                            theirs->second.first, theirs->second.last, ours.first, ours.last));
  }
  return version;
}

// --- who is where ----------------------------------------------------------------------------------------------------

void Cluster::note_brokers(const protocol::MetadataResponse& response) {
  const std::lock_guard lock{mutex_};
  for (const auto& broker : response.brokers) {
    const net::HostPort address{broker.host, static_cast<std::uint16_t>(broker.port)};
    auto& known = addresses_[broker.node_id];
    if (known.host != address.host || known.port != address.port) links_.erase(broker.node_id);
    known = address;
  }
}

Result<protocol::MetadataResponse> Cluster::metadata(const std::optional<std::vector<std::string>>& topics,
                                                     TimePoint deadline) {
  protocol::MetadataRequest request;
  request.allow_auto_topic_creation = false;
  if (topics) {
    auto& wanted = request.topics.emplace();
    for (const auto& name : *topics) wanted.emplace_back().name = name;
  }
  auto response = call<protocol::MetadataResponse>(kAny, request, deadline, kMetadataByName);
  // The broker that was asked may be gone, and another one there.
  if (!response) response = call<protocol::MetadataResponse>(kAny, request, deadline, kMetadataByName);
  if (response) note_brokers(*response);
  return response;
}

Result<protocol::MetadataResponseTopic> Cluster::topic(std::string_view name, TimePoint deadline) {
  MILLRACE_TRY(response, metadata(std::vector{std::string{name}}, deadline));
  if (response.topics.empty()) return unknown_topic(name);
  auto& topic = response.topics.front();
  if (topic.error_code == ErrorCode::kUnknownTopicOrPartition || topic.error_code == ErrorCode::kInvalidTopic) {
    return unknown_topic(name);
  }
  if (topic.error_code != ErrorCode::kNone && topic.error_code != ErrorCode::kLeaderNotAvailable) {
    return fail(topic.error_code, fmt::format("cannot look at topic \"{}\": {}", name, name_of(topic.error_code)));
  }
  return std::move(topic);
}

Result<protocol::MetadataResponseTopic> Cluster::topic_to_write(std::string_view name, TimePoint deadline) {
  protocol::MetadataRequest request;
  request.topics.emplace().emplace_back().name = name;
  // A broker that makes the topic says at first that there is none.
  const auto made_by = std::min(deadline, std::chrono::steady_clock::now() + kCreationPatience);
  return retried<protocol::MetadataResponseTopic>(deadline, [&]() -> Result<protocol::MetadataResponseTopic> {
    MILLRACE_TRY(response, call<protocol::MetadataResponse>(kAny, request, deadline, kMetadataByName));
    note_brokers(response);
    if (response.topics.empty()) return unknown_topic(name);
    auto& topic = response.topics.front();
    switch (topic.error_code) {
      case ErrorCode::kNone:
        if (std::chrono::steady_clock::now() < made_by) MILLRACE_CHECK(check_served(topic, deadline));
        return std::move(topic);
      case ErrorCode::kUnknownTopicOrPartition:
        if (std::chrono::steady_clock::now() < made_by) {
          return fail(ErrorCode::kLeaderNotAvailable, fmt::format("topic \"{}\" is not there yet", name));
        }
        [[fallthrough]];
      case ErrorCode::kInvalidTopic:
        return fail(ErrorCode::kUnknownTopicOrPartition,
                    fmt::format("there is no topic \"{}\", and it could not be created by itself", name));
      default:
        return fail(topic.error_code, fmt::format("cannot write to topic \"{}\": {}", name, name_of(topic.error_code)));
    }
  });
}

Result<void> Cluster::check_served(const protocol::MetadataResponseTopic& topic, TimePoint deadline) {
  std::map<BrokerId, protocol::ListOffsetsRequest> questions;
  for (const auto& partition : topic.partitions) {
    if (partition.leader_id.value() < 0) continue;
    auto& request = questions[partition.leader_id];
    request.replica_id = BrokerId{-1};
    if (request.topics.empty()) request.topics.emplace_back().name = topic.name.value_or("");
    auto& asked = request.topics.front().partitions.emplace_back();
    asked.partition_index = partition.partition_index;
    asked.timestamp = kLatestOffset;
  }
  for (const auto& [leader, request] : questions) {
    const auto response = call<protocol::ListOffsetsResponse>(leader, request, deadline);
    // Partitions of the others can be written to.
    if (!response) continue;
    for (const auto& answered : response->topics) {
      for (const auto& partition : answered.partitions) {
        if (partition.error_code != ErrorCode::kNotLeaderOrFollower &&
            partition.error_code != ErrorCode::kUnknownTopicOrPartition) {
          continue;
        }
        return fail(ErrorCode::kLeaderNotAvailable, fmt::format("{}-{} is not served by its leader yet", answered.name,
                                                                partition.partition_index.value()));
      }
    }
  }
  return {};
}

Result<BrokerId> Cluster::leader_of(const TopicPartition& partition, TimePoint deadline) {
  MILLRACE_TRY(found, topic(partition.topic, deadline));
  for (const auto& one : found.partitions) {
    if (one.partition_index != partition.partition) continue;
    if (one.leader_id.value() >= 0) return one.leader_id;
    return fail(ErrorCode::kLeaderNotAvailable, fmt::format("{} has no leader", partition.to_string()));
  }
  return fail(ErrorCode::kUnknownTopicOrPartition,
              fmt::format("topic \"{}\" has {} partitions, and no partition {}", partition.topic,
                          found.partitions.size(), partition.partition.value()));
}

Result<BrokerId> Cluster::coordinator_of(std::string_view key, TimePoint deadline, Coordinates what) {
  protocol::FindCoordinatorRequest request;
  request.key = key;
  request.key_type = static_cast<std::int8_t>(what);
  auto answer = call<protocol::FindCoordinatorResponse>(kAny, request, deadline, kOneCoordinator);
  // The broker that was asked may be gone, and another one there.
  if (!answer) answer = call<protocol::FindCoordinatorResponse>(kAny, request, deadline, kOneCoordinator);
  MILLRACE_TRY(found, std::move(answer));
  if (found.error_code != ErrorCode::kNone) {
    return fail(found.error_code, fmt::format("cannot find the coordinator of {} \"{}\": {}",
                                              what == Coordinates::kGroup ? "group" : "transactional.id", key,
                                              found.error_message.value_or(std::string{name_of(found.error_code)})));
  }
  const std::lock_guard lock{mutex_};
  addresses_[found.node_id] = {found.host, static_cast<std::uint16_t>(found.port)};
  return found.node_id;
}

Result<BrokerId> Cluster::controller(TimePoint deadline) {
  MILLRACE_TRY(response, metadata(std::vector<std::string>{}, deadline));
  const std::lock_guard lock{mutex_};
  // A cluster without ZooKeeper hands the call on, whoever gets it.
  return addresses_.contains(response.controller_id) ? response.controller_id : kAny;
}

Result<std::vector<BrokerId>> Cluster::brokers(TimePoint deadline) {
  MILLRACE_TRY(response, metadata(std::vector<std::string>{}, deadline));
  std::vector<BrokerId> ids;
  ids.reserve(response.brokers.size());
  for (const auto& broker : response.brokers) ids.push_back(broker.node_id);
  return ids;
}

}  // namespace millrace
