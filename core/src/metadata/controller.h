#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/types.h"
#include "metadata/metadata_delta.h"
#include "metadata/metadata_image.h"

namespace millrace {

/// A topic as a caller knows it: by id when the id is not nil, else by name.
struct TopicRef {
  std::string name;
  TopicId id = {};
};

struct CreateTopic {
  std::string name;
  /// -1: the broker's `num.partitions`, or the number of `assignments`.
  std::int32_t partitions = -1;
  /// -1: the broker's `default.replication.factor`.
  std::int16_t replication_factor = -1;
  /// Replicas by partition, when the caller wants to say.
  std::map<std::int32_t, std::vector<BrokerId>> assignments = {};
  /// Checked by whoever calls the controller.
  Properties configs = {};
};

struct CreatedTopic {
  TopicId id;
  std::int32_t partitions = 0;
  std::int16_t replication_factor = 0;
};

struct DeletedTopic {
  std::string name;
  TopicId id;
};

struct CreatePartitions {
  std::string topic;
  /// How many the topic has afterwards.
  std::int32_t total = 0;
  /// Replicas of the new partitions, in order; empty: the controller decides.
  std::vector<std::vector<BrokerId>> assignments = {};
};

/// Numbers as on the wire and in the metadata log.
enum class ResourceType : std::int8_t { kTopic = 2, kBroker = 4, kGroup = 32 };

struct ConfigResource {
  ResourceType type;
  /// A topic's name; a broker's id as text, "" for the default of all brokers; a group's id.
  std::string name;
};

/// The topic's image. Errors: `kUnknownTopicOrPartition`, `kUnknownTopicId`.
[[nodiscard]] Result<MetadataImage::TopicPtr> find_topic(const MetadataImage& image, const TopicRef& topic);

/// Whether Kafka allows the name. Errors: `kInvalidTopic` with what is wrong.
[[nodiscard]] Result<void> check_topic_name(std::string_view name);

/// The decisions of the controller: what has to be written to the metadata log so that a request is done. Pure: it
/// looks at an image and gives records; somebody else writes them.
///
/// Threading: one thread at a time.
class Controller {
 public:
  struct Defaults {
    std::int32_t partitions = 1;
    std::int16_t replication_factor = 1;
  };

  Controller(Defaults defaults, Random random) : defaults_(defaults), random_(random) {}

  /// The log directories that new partitions may be put into: each goes to the one that has the fewest.
  void use_directories(std::vector<Uuid> usable) { directories_ = std::move(usable); }

  /// Appends to `records` what creates the topic. Errors: `kTopicAlreadyExists`, `kInvalidTopic`, `kInvalidPartitions`,
  /// `kPolicyViolation` (too many of them at once), `kInvalidReplicationFactor`, `kInvalidReplicaAssignment`,
  /// `kInvalidRequest`, `kStorageError` (no directory can be used).
  [[nodiscard]] Result<CreatedTopic> create_topic(const MetadataImage& image, const CreateTopic& topic,
                                                  MetadataRecords& records);
  /// Errors: `kUnknownTopicOrPartition`, `kUnknownTopicId`, `kInvalidTopic` (internal).
  [[nodiscard]] Result<DeletedTopic> delete_topic(const MetadataImage& image, const TopicRef& topic,
                                                  MetadataRecords& records) const;
  /// Errors: `kUnknownTopicOrPartition`, `kInvalidPartitions`, `kPolicyViolation`, `kInvalidReplicaAssignment`,
  /// `kStorageError`.
  [[nodiscard]] Result<void> create_partitions(const MetadataImage& image, const CreatePartitions& call,
                                               MetadataRecords& records) const;
  /// Makes `resource` have exactly the settings `wanted`.
  static void set_configs(const ConfigResource& resource, const Properties& current, const Properties& wanted,
                          MetadataRecords& records);
  /// A broker joins, and leads again what it led; after an unclean stop with the next leader epoch.
  enum class Bump : std::uint8_t { kNo, kYes };
  void register_broker(const MetadataImage& image, const BrokerImage& broker, Bump leader_epochs,
                       MetadataRecords& records);
  /// A broker has found its replica in `directory`: if the metadata says otherwise, it will not any more.
  static void note_directory(const MetadataImage& image, BrokerId broker, const TopicPartition& name,
                             const TopicId& topic, const Uuid& directory, MetadataRecords& records);

 private:
  [[nodiscard]] Result<std::vector<std::vector<BrokerId>>> place(const MetadataImage& image, std::int32_t first,
                                                                 std::int32_t count, std::int16_t replicas) const;

  Defaults defaults_;
  std::vector<Uuid> directories_;
  Random random_;
};

}  // namespace millrace
