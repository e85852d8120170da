#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/config_table.h"
#include "base/types.h"

namespace millrace {

/// Who keeps a partition, as the controller decided it.
struct PartitionImage {
  BrokerId leader;
  LeaderEpoch leader_epoch;
  std::int32_t partition_epoch = 0;
  std::vector<BrokerId> replicas;
  std::vector<BrokerId> in_sync;
  /// The log directory of each replica.
  std::vector<Uuid> directories = {};

  /// That of a broker's replica; nil when there is none, or nobody knows.
  [[nodiscard]] Uuid directory_of(BrokerId broker) const {
    for (std::size_t i = 0; i < replicas.size() && i < directories.size(); ++i) {
      if (replicas[i] == broker) return directories[i];
    }
    return {};
  }
};

struct TopicImage {
  std::string name;
  TopicId id;
  /// Belongs to the broker (`__cluster_metadata`, `__consumer_offsets`): clients may read it, not delete it.
  bool internal = false;
  /// By partition index: 0, 1, 2, ...
  std::vector<PartitionImage> partitions;
  /// The keys that were set for this topic; the others have the broker's defaults.
  Properties configs;
};

/// Where clients reach a broker on one of its listeners.
struct Endpoint {
  std::string listener;
  std::string host;
  std::uint16_t port = 0;
};

struct BrokerImage {
  BrokerId id;
  std::int64_t epoch = 0;
  std::vector<Endpoint> endpoints;
  std::string rack;
  bool fenced = false;
  /// The log directories that were there when it was registered.
  std::vector<Uuid> directories = {};
};

/// Whose quota: a name for each type of entity ("user", "client-id", "ip"); null: all of that type that have none of
/// their own.
using QuotaOwner = std::map<std::string, std::optional<std::string>>;
/// Limits by key: "producer_byte_rate" and its like.
using Quotas = std::map<std::string, double>;

/// The cluster as the metadata log describes it up to `last_offset`. Immutable: a change makes a new one that shares
/// the topics that did not change.
///
/// Threading: immutable; share it freely.
struct MetadataImage {
  using TopicPtr = std::shared_ptr<const TopicImage>;

  std::string cluster_id;
  BrokerId controller{-1};
  std::map<BrokerId, BrokerImage> brokers;
  std::map<std::string, TopicPtr, std::less<>> topics;
  std::unordered_map<TopicId, TopicPtr> topics_by_id;
  /// Finalised levels of "metadata.version" and its like; 0: not finalised, and not by chance.
  std::map<std::string, std::int16_t, std::less<>> features;
  /// Dynamic broker settings: by broker id as text, "" for all brokers.
  std::map<std::string, Properties> broker_configs;
  /// Settings of groups, by group id; a group need not exist.
  std::map<std::string, Properties> group_configs;
  std::map<QuotaOwner, Quotas> client_quotas;
  /// The first producer id that no broker has been given.
  ProducerId next_producer_id{0};
  /// The metadata record this image ends with.
  Offset last_offset = kNoOffset;

  /// Null when there is none.
  [[nodiscard]] TopicPtr topic(std::string_view name) const {
    const auto found = topics.find(name);
    return found == topics.end() ? nullptr : found->second;
  }
  [[nodiscard]] TopicPtr topic(const TopicId& id) const {
    const auto found = topics_by_id.find(id);
    return found == topics_by_id.end() ? nullptr : found->second;
  }
};

}  // namespace millrace
