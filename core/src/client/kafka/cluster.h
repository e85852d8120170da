#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "net/frame_caller.h"
#include "net/host_port.h"
#include "protocol/codec.h"
#include "protocol/metadata.h"
#include "protocol/request.h"

namespace millrace {

/// A cluster of Kafka brokers, asked in its own protocol: what librdkafka has no call for. Connections are made when
/// they are needed and kept; each call has the newest version that both sides know.
///
/// Threading: any thread; calls take turns.
class Cluster {
 public:
  /// "HOST:PORT,HOST:PORT". Errors: `kInvalidArgument`.
  static Result<std::unique_ptr<Cluster>> parse(std::string_view brokers, std::string client_id);

  /// Who is asked. `kAny`: whoever answers; else the broker's id.
  static constexpr BrokerId kAny{-1};

  /// One call; not tried again. `last`: the newest version that the request is filled in for. Errors: `kTimedOut`,
  /// `kIo`, `kUnsupportedVersion`, `kMalformed`.
  template <class Response, class Request>
  [[nodiscard]] Result<Response> call(BrokerId broker, const Request& request, TimePoint deadline,
                                      std::int16_t last = Request::kVersions.last) {
    const std::lock_guard lock{mutex_};
    MILLRACE_TRY(link, link_to(broker, deadline));
    MILLRACE_TRY(version, version_for(*link, static_cast<std::int16_t>(Request::kApi), Request::kName,
                                      {Request::kVersions.first, last}));
    const auto frame = protocol::request_frame(request, version, ++correlation_, client_id_).flatten();
    auto answer = link->connection->ask(frame, deadline);
    if (!answer) {
      drop(broker);
      return std::unexpected(std::move(answer).error());
    }
    return read<Response>(*answer, version);
  }

  /// The cluster as any broker sees it; `topics` empty: all of them.
  [[nodiscard]] Result<protocol::MetadataResponse> metadata(const std::optional<std::vector<std::string>>& topics,
                                                            TimePoint deadline);
  /// The same for one topic, which is made when the brokers do that by themselves; waits a little for its leaders.
  [[nodiscard]] Result<protocol::MetadataResponseTopic> topic_to_write(std::string_view name, TimePoint deadline);
  /// Errors: `kUnknownTopicOrPartition`.
  [[nodiscard]] Result<protocol::MetadataResponseTopic> topic(std::string_view name, TimePoint deadline);
  [[nodiscard]] Result<BrokerId> leader_of(const TopicPartition& partition, TimePoint deadline);
  /// What a coordinator coordinates, by the protocol's numbers.
  enum class Coordinates : std::int8_t { kGroup = 0, kTransaction = 1 };
  [[nodiscard]] Result<BrokerId> coordinator_of(std::string_view key, TimePoint deadline,
                                                Coordinates what = Coordinates::kGroup);
  [[nodiscard]] Result<BrokerId> controller(TimePoint deadline);
  [[nodiscard]] Result<std::vector<BrokerId>> brokers(TimePoint deadline);

  /// Calls `attempt` until it does not fail with something that passes by itself: a leader or coordinator that moved,
  /// loads, is not there yet, or still ends the transaction before.
  template <class T>
  [[nodiscard]] static Result<T> retried(TimePoint deadline, const std::function<Result<T>()>& attempt) {
    for (;;) {
      auto result = attempt();
      if (result || !passes(result.error().code()) || !pause_before_retry(deadline)) return result;
    }
  }
  /// Waits a little; false when there is no time left.
  [[nodiscard]] static bool pause_before_retry(TimePoint deadline);
  [[nodiscard]] static bool passes(ErrorCode code);

 private:
  struct Link {
    std::unique_ptr<net::FrameCaller> connection;
    std::map<std::int16_t, protocol::Versions> versions;
  };

  Cluster(std::vector<net::HostPort> bootstrap, std::string client_id)
      : bootstrap_(std::move(bootstrap)), client_id_(std::move(client_id)) {}

  /// Whether the leaders know already that they are. A broker that does not refuses an idempotent producer's first
  /// batch of a partition and may take the second, for it knows nothing of the producer; the first, tried again, is
  /// then taken for a duplicate, and lost. Errors: `kLeaderNotAvailable`.
  [[nodiscard]] Result<void> check_served(const protocol::MetadataResponseTopic& topic, TimePoint deadline);

  // All with the mutex held.
  [[nodiscard]] Result<Link*> link_to(BrokerId broker, TimePoint deadline);
  [[nodiscard]] Result<Link> connect(const net::HostPort& address, TimePoint deadline);
  void drop(BrokerId broker) { links_.erase(broker); }
  [[nodiscard]] static Result<std::int16_t> version_for(const Link& link, std::int16_t api, std::string_view name,
                                                        protocol::Versions ours);
  void note_brokers(const protocol::MetadataResponse& response);

  template <class Response>
  [[nodiscard]] static Result<Response> read(Bytes answer, std::int16_t version) {
    MILLRACE_TRY(header, protocol::decode_prefix<protocol::ResponseHeader>(
                             answer, protocol::response_header_version<Response>(version)));
    MILLRACE_TRY(decoded, protocol::decode_prefix<Response>(answer.subspan(header.used), version));
    return std::move(decoded.message);
  }

  const std::vector<net::HostPort> bootstrap_;
  const std::string client_id_;

  std::mutex mutex_;
  std::int32_t correlation_ = 0;
  std::map<BrokerId, Link> links_;
  std::map<BrokerId, net::HostPort> addresses_;
};

}  // namespace millrace
