#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/config_table.h"
#include "base/result.h"
#include "base/types.h"
#include "coordinator/consumer_group_config.h"
#include "log/partition_log.h"

namespace millrace {

/// One entry of `listeners` or `advertised.listeners`: NAME://HOST:PORT. The host may be empty.
struct ListenerAddress {
  std::string name;
  std::string host;
  std::uint16_t port = 0;
};

/// Reads "HOST:PORT" (the name is then PLAINTEXT) or "NAME://HOST:PORT". Errors: `kInvalidConfig`.
[[nodiscard]] Result<ListenerAddress> parse_listener(std::string_view text);

/// The broker's keys, named and with defaults as in Kafka's server.properties.
[[nodiscard]] const ConfigTable& broker_config_table();

/// The topics' keys, named and with defaults as in Kafka.
[[nodiscard]] const ConfigTable& topic_config_table();

/// The key of the broker that is the default of a topic's key ("log.retention.ms" for "retention.ms"), or "".
[[nodiscard]] std::string_view broker_default_of(std::string_view topic_key);

/// Whether the key of the broker may change while it runs: those that are defaults of topics' keys.
[[nodiscard]] bool is_dynamic_broker_key(std::string_view broker_key);

/// The broker's settings, checked.
///
/// Threading: immutable.
class BrokerConfig {
 public:
  /// Errors: `kInvalidConfig`, naming the key: unknown (with a suggestion), known to Kafka but not served here (with
  /// the reason), or a wrong value.
  static Result<BrokerConfig> parse(const Properties& properties);

  [[nodiscard]] BrokerId broker_id() const;
  /// `log.dirs`: where partitions lie. Empty when that is not set.
  [[nodiscard]] std::vector<std::string> data_folders() const;
  /// `metadata.log.dir`, or the first of `log.dirs`; empty when neither is set.
  [[nodiscard]] std::string metadata_folder() const;
  /// The `group.consumer.*` keys.
  [[nodiscard]] ConsumerGroupConfig consumer_groups() const;
  [[nodiscard]] std::vector<ListenerAddress> listeners() const;
  [[nodiscard]] std::vector<ListenerAddress> advertised_listeners() const;
  [[nodiscard]] bool get_bool(std::string_view key) const { return broker_config_table().get_bool(properties_, key); }
  [[nodiscard]] std::int64_t get_long(std::string_view key) const {
    return broker_config_table().get_long(properties_, key);
  }
  [[nodiscard]] std::string get_string(std::string_view key) const {
    return broker_config_table().get_string(properties_, key);
  }
  /// What was set; the rest has its default.
  [[nodiscard]] const Properties& properties() const { return properties_; }
  /// Kafka's keys that were set and mean nothing here: to be said once, at start.
  [[nodiscard]] const std::vector<std::string>& without_effect() const { return without_effect_; }

 private:
  explicit BrokerConfig(Properties properties) : properties_(std::move(properties)) {}
  [[nodiscard]] std::vector<ListenerAddress> listeners_of(std::string_view key) const;

  Properties properties_;
  std::vector<std::string> without_effect_;
  std::string controller_listeners_;
};

/// A topic's own keys checked: unknown ones (with a suggestion), ones known to Kafka but not served here (with the
/// reason), wrong values. Errors: `kInvalidConfig`.
[[nodiscard]] Result<void> check_topic_configs(const Properties& configs);

/// The same for keys of the broker that are set while it runs. Errors: also `kInvalidRequest` for one that cannot
/// change.
[[nodiscard]] Result<void> check_dynamic_broker_configs(const Properties& configs);

/// What a topic does: its own keys over the broker's, both checked.
///
/// Threading: immutable.
class TopicSettings {
 public:
  TopicSettings(const Properties& topic, const Properties& broker);

  [[nodiscard]] LogConfig log_config() const;
  [[nodiscard]] std::int32_t min_insync_replicas() const;
  /// Every key that has not its table's default, by the topics' names.
  [[nodiscard]] const Properties& properties() const { return properties_; }

 private:
  /// The codec that all batches are stored with; none: their producer's.
  [[nodiscard]] std::optional<Compression> compression() const;
  [[nodiscard]] int compression_level() const;

  Properties properties_;
};

}  // namespace millrace
