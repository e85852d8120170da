#include "broker/broker_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <set>

#include "base/suggest.h"
#include "broker/kafka_keys.h"

namespace millrace {
namespace {

constexpr std::int64_t kMaxInt = 2147483647;

// clang-format off
constexpr ConfigKey kBrokerKeys[] = {
    {"node.id", ConfigType::kInt, "1", "This broker's number in its cluster.", 0, kMaxInt},
    {"broker.rack", ConfigType::kString, "", "Where the broker stands: replicas of a partition avoid sharing it."},
    {"log.dirs", ConfigType::kList, "", "The data folders, separated by commas: one a disk. When one fails, only its partitions are offline."},
    {"metadata.log.dir", ConfigType::kString, "", "The folder of the metadata log, one of log.dirs or another; empty: the first of log.dirs."},
    {"listeners", ConfigType::kList, "", "Where clients are answered: NAME://HOST:PORT, separated by commas. Empty: nowhere (embedded)."},
    {"advertised.listeners", ConfigType::kList, "", "What clients are told to connect to, by listener name; absent: the listener's own address."},
    {"num.partitions", ConfigType::kInt, "1", "Partitions of a topic that is created without a number.", 1, kMaxInt},
    {"default.replication.factor", ConfigType::kInt, "1", "Replicas of a topic that is created without a number.", 1, 32767},
    {"auto.create.topics.enable", ConfigType::kBool, "true", "Whether asking for a topic that does not exist creates it."},
    {"delete.topic.enable", ConfigType::kBool, "true", "Whether topics may be deleted."},
    {"min.insync.replicas", ConfigType::kInt, "1", "Default of the topics' key of the same name.", 1, kMaxInt},
    {"message.max.bytes", ConfigType::kInt, "1048588", "Default of max.message.bytes: the largest record batch.", 0, kMaxInt},
    {"compression.type", ConfigType::kString, "producer", "Default of the topics' key of the same name.", {}, {}, "producer|uncompressed|gzip|snappy|lz4|zstd"},
    {"compression.gzip.level", ConfigType::kInt, "-1", "Default of the topics' key of the same name.", -1, 9},
    {"compression.lz4.level", ConfigType::kInt, "9", "Default of the topics' key of the same name.", 1, 17},
    {"compression.zstd.level", ConfigType::kInt, "3", "Default of the topics' key of the same name.", -131072, 22},
    {"log.cleanup.policy", ConfigType::kList, "delete", "Default of cleanup.policy."},
    {"log.cleaner.enable", ConfigType::kBool, "true", "Whether compacted topics are compacted."},
    {"log.cleaner.backoff.ms", ConfigType::kLong, "15000", "How often compaction looks for something to do, in milliseconds.", 0},
    {"log.cleaner.dedupe.buffer.size", ConfigType::kLong, "134217728", "The most memory for the keys of a partition that is compacted, in bytes; taken only meanwhile.", 48},
    {"log.cleaner.delete.retention.ms", ConfigType::kLong, "86400000", "Default of delete.retention.ms.", 0},
    {"log.cleaner.io.buffer.load.factor", ConfigType::kDouble, "0.9", "How full that memory may get: 0 to 1."},
    {"log.cleaner.io.max.bytes.per.second", ConfigType::kDouble, "1.7976931348623157E308", "Compaction reads and writes no faster than this on average."},
    {"log.cleaner.max.compaction.lag.ms", ConfigType::kLong, "9223372036854775807", "Default of max.compaction.lag.ms.", 1},
    {"log.cleaner.min.cleanable.ratio", ConfigType::kDouble, "0.5", "Default of min.cleanable.dirty.ratio."},
    {"log.cleaner.min.compaction.lag.ms", ConfigType::kLong, "0", "Default of min.compaction.lag.ms.", 0},
    {"log.retention.ms", ConfigType::kLong, "604800000", "Default of retention.ms; goes before log.retention.minutes and log.retention.hours.", -1},
    {"log.retention.minutes", ConfigType::kInt, "10080", "The same in minutes.", -1, kMaxInt},
    {"log.retention.hours", ConfigType::kInt, "168", "The same in hours.", -1, kMaxInt},
    {"log.retention.bytes", ConfigType::kLong, "-1", "Default of retention.bytes.", -1},
    {"log.retention.check.interval.ms", ConfigType::kLong, "300000", "How often retention is looked at, in milliseconds.", 1},
    {"log.segment.bytes", ConfigType::kInt, "1073741824", "Default of segment.bytes.", 14, kMaxInt},
    {"log.roll.ms", ConfigType::kLong, "604800000", "Default of segment.ms; goes before log.roll.hours.", 1},
    {"log.roll.hours", ConfigType::kInt, "168", "The same in hours.", 1, kMaxInt},
    {"log.roll.jitter.ms", ConfigType::kLong, "0", "Default of segment.jitter.ms; goes before log.roll.jitter.hours.", 0},
    {"log.roll.jitter.hours", ConfigType::kInt, "0", "The same in hours.", 0, kMaxInt},
    {"log.flush.interval.messages", ConfigType::kLong, "9223372036854775807", "Default of flush.messages.", 1},
    {"log.flush.interval.ms", ConfigType::kLong, "9223372036854775807", "Default of flush.ms.", 0},
    {"log.index.size.max.bytes", ConfigType::kInt, "10485760", "Default of segment.index.bytes.", 4, kMaxInt},
    {"log.index.interval.bytes", ConfigType::kInt, "4096", "Default of index.interval.bytes.", 0, kMaxInt},
    {"log.message.timestamp.type", ConfigType::kString, "CreateTime", "Default of message.timestamp.type.", {}, {}, "CreateTime|LogAppendTime"},
    {"log.message.timestamp.before.max.ms", ConfigType::kLong, "9223372036854775807", "Default of message.timestamp.before.max.ms.", 0},
    {"log.message.timestamp.after.max.ms", ConfigType::kLong, "3600000", "Default of message.timestamp.after.max.ms.", 0},
    {"log.write.caching", ConfigType::kBool, "false", "Default of write.caching."},
    {"metadata.log.max.record.bytes.between.snapshots", ConfigType::kLong, "20971520", "The metadata log is cut and begins with a snapshot once it is so long, in bytes.", 1},
    {"offsets.topic.num.partitions", ConfigType::kInt, "50", "Partitions of __consumer_offsets when it is made; groups are spread over them.", 1, kMaxInt},
    {"offsets.topic.segment.bytes", ConfigType::kInt, "104857600", "segment.bytes of __consumer_offsets when it is made.", 1, kMaxInt},
    {"offset.metadata.max.bytes", ConfigType::kInt, "4096", "The most bytes of metadata with a committed offset.", 0, kMaxInt},
    {"offsets.retention.minutes", ConfigType::kInt, "10080", "How long the offsets of a group without members are kept.", 1, kMaxInt},
    {"offsets.retention.check.interval.ms", ConfigType::kLong, "600000", "How often that is looked at, in milliseconds.", 1},
    {"group.min.session.timeout.ms", ConfigType::kInt, "6000", "The shortest session time-out that a member may ask for.", 1, kMaxInt},
    {"group.max.session.timeout.ms", ConfigType::kInt, "1800000", "The longest.", 1, kMaxInt},
    {"group.max.size", ConfigType::kInt, "2147483647", "The most members of a group.", 1, kMaxInt},
    {"group.initial.rebalance.delay.ms", ConfigType::kInt, "3000", "How long an empty group waits for more members before its first rebalance.", 0, kMaxInt},
    {"group.consumer.assignors", ConfigType::kList, "uniform,range", "How the coordinator may divide partitions among the members of a group of the consumer protocol: uniform, range, or both; the first is taken when no member asks for one."},
    {"group.consumer.heartbeat.interval.ms", ConfigType::kInt, "5000", "How often members of groups of the consumer protocol say that they are alive, in milliseconds.", 1, kMaxInt},
    {"group.consumer.max.heartbeat.interval.ms", ConfigType::kInt, "15000", "The most that a group may have as its own consumer.heartbeat.interval.ms.", 1, kMaxInt},
    {"group.consumer.max.session.timeout.ms", ConfigType::kInt, "60000", "The most that a group may have as its own consumer.session.timeout.ms.", 1, kMaxInt},
    {"group.consumer.max.size", ConfigType::kInt, "2147483647", "The most members of a group of the consumer protocol.", 1, kMaxInt},
    {"group.consumer.migration.policy", ConfigType::kString, "bidirectional", "Whether a group of consumers that has members may change its protocol: upgrade, to the consumer protocol when a member of that one comes; downgrade, to the classic one when the last such member has gone.", {}, {}, "bidirectional|upgrade|downgrade|disabled"},
    {"group.consumer.min.heartbeat.interval.ms", ConfigType::kInt, "5000", "The least that a group may have as its own consumer.heartbeat.interval.ms.", 1, kMaxInt},
    {"group.consumer.min.session.timeout.ms", ConfigType::kInt, "45000", "The least that a group may have as its own consumer.session.timeout.ms.", 1, kMaxInt},
    {"group.consumer.session.timeout.ms", ConfigType::kInt, "45000", "A member of a group of the consumer protocol that is silent for so long is gone.", 1, kMaxInt},
    {"transaction.max.timeout.ms", ConfigType::kInt, "900000", "The longest time-out of transactions that a producer may ask for, in milliseconds.", 1, kMaxInt},
    {"transaction.state.log.num.partitions", ConfigType::kInt, "50", "Partitions of __transaction_state when it is made; transactional ids are spread over them.", 1, kMaxInt},
    {"transaction.state.log.segment.bytes", ConfigType::kInt, "104857600", "segment.bytes of __transaction_state when it is made.", 1, kMaxInt},
    {"transactional.id.expiration.ms", ConfigType::kInt, "604800000", "A transactional id that nobody has used for so long is forgotten.", 1, kMaxInt},
    {"transaction.remove.expired.transaction.cleanup.interval.ms", ConfigType::kInt, "3600000", "How often that is looked at, in milliseconds.", 1, kMaxInt},
    {"fetch.max.bytes", ConfigType::kInt, "57671680", "The most bytes in one answer to a fetch.", 1024, kMaxInt},
    {"max.incremental.fetch.session.cache.slots", ConfigType::kInt, "1000", "The most fetch sessions: readers that are told only what is new. The others name everything in each fetch.", 0, kMaxInt},
    {"max.request.partition.size.limit", ConfigType::kInt, "2000", "The most partitions in one answer to DescribeTopicPartitions.", 1, kMaxInt},
    {"socket.request.max.bytes", ConfigType::kInt, "104857600", "The largest request that is accepted.", 1024, kMaxInt},
    {"connections.max.idle.ms", ConfigType::kLong, "600000", "A connection that is silent for so long is closed.", -1},
    {"metrics.address", ConfigType::kString, "", "HOST:PORT where /metrics is served for Prometheus; without a host: to this machine only. Empty: nowhere. Ours."},
    {"num.network.threads", ConfigType::kInt, "2", "Threads that answer connections.", 1, 1024},
};

constexpr ConfigKey kTopicKeys[] = {
    {"cleanup.policy", ConfigType::kList, "delete", "What happens to old records: delete, compact, or both, separated by a comma."},
    {"compression.gzip.level", ConfigType::kInt, "-1", "How hard gzip tries: 1 to 9; -1 is its own choice.", -1, 9},
    {"compression.lz4.level", ConfigType::kInt, "9", "How hard LZ4 tries.", 1, 17},
    {"compression.type", ConfigType::kString, "producer", "How batches are stored: as the producer compressed them, or always by one codec, which costs the broker time.", {}, {}, "producer|uncompressed|gzip|snappy|lz4|zstd"},
    {"compression.zstd.level", ConfigType::kInt, "3", "How hard Zstandard tries.", -131072, 22},
    {"delete.retention.ms", ConfigType::kLong, "86400000", "How long compaction keeps a tombstone after it met it first, in milliseconds.", 0},
    {"flush.messages", ConfigType::kLong, "9223372036854775807", "With write.caching, no more records than this are acknowledged or shown ahead of stable storage. Without, none are.", 1},
    {"flush.ms", ConfigType::kLong, "9223372036854775807", "Records are on stable storage after this time at the latest; they always are as soon as the disk can.", 0},
    {"index.interval.bytes", ConfigType::kInt, "4096", "Bytes of records between two entries of the offset index.", 0, kMaxInt},
    {"max.compaction.lag.ms", ConfigType::kLong, "9223372036854775807", "A record is compacted after this time, however little there is to compact; in milliseconds.", 1},
    {"max.message.bytes", ConfigType::kInt, "1048588", "The largest record batch, in bytes.", 0, kMaxInt},
    {"message.timestamp.after.max.ms", ConfigType::kLong, "3600000", "How far a record's timestamp may lie ahead of the broker's clock, in milliseconds.", 0},
    {"message.timestamp.before.max.ms", ConfigType::kLong, "9223372036854775807", "How far it may lie behind.", 0},
    {"message.timestamp.type", ConfigType::kString, "CreateTime", "Whether a record keeps its producer's timestamp or gets the time of its append.", {}, {}, "CreateTime|LogAppendTime"},
    {"min.cleanable.dirty.ratio", ConfigType::kDouble, "0.5", "A partition is compacted once more than this part of it (0 to 1) was written since the last time."},
    {"min.compaction.lag.ms", ConfigType::kLong, "0", "No record is compacted before it is so old, in milliseconds.", 0},
    {"min.insync.replicas", ConfigType::kInt, "1", "With acks=all, an append needs so many replicas in sync.", 1, kMaxInt},
    {"retention.bytes", ConfigType::kLong, "-1", "Old segments are deleted while a partition has more bytes than this; -1: never.", -1},
    {"retention.ms", ConfigType::kLong, "604800000", "Segments whose newest record is older than this are deleted; -1: never.", -1},
    {"segment.bytes", ConfigType::kInt, "1073741824", "A segment file is closed at this size.", 14, kMaxInt},
    {"segment.index.bytes", ConfigType::kInt, "10485760", "Largest index file of a segment.", 4, kMaxInt},
    {"segment.jitter.ms", ConfigType::kLong, "0", "Up to this much is taken off segment.ms, by chance, so that not all segments are closed at once.", 0},
    {"segment.ms", ConfigType::kLong, "604800000", "A segment is closed after this time, even if it is not full.", 1},
    {"write.caching", ConfigType::kBool, "false", "Acknowledge and show records before they are on stable storage, as Kafka does. Ours."},
};

// A topic's key and the broker's key that is its default.
constexpr std::pair<std::string_view, std::string_view> kDefaults[] = {
    {"cleanup.policy", "log.cleanup.policy"},
    {"compression.gzip.level", "compression.gzip.level"},
    {"compression.lz4.level", "compression.lz4.level"},
    {"compression.type", "compression.type"},
    {"compression.zstd.level", "compression.zstd.level"},
    {"delete.retention.ms", "log.cleaner.delete.retention.ms"},
    {"flush.messages", "log.flush.interval.messages"},
    {"flush.ms", "log.flush.interval.ms"},
    {"index.interval.bytes", "log.index.interval.bytes"},
    {"max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"},
    {"max.message.bytes", "message.max.bytes"},
    {"message.timestamp.after.max.ms", "log.message.timestamp.after.max.ms"},
    {"message.timestamp.before.max.ms", "log.message.timestamp.before.max.ms"},
    {"message.timestamp.type", "log.message.timestamp.type"},
    {"min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio"},
    {"min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms"},
    {"min.insync.replicas", "min.insync.replicas"},
    {"retention.bytes", "log.retention.bytes"},
    {"retention.ms", "log.retention.ms"},
    {"segment.bytes", "log.segment.bytes"},
    {"segment.index.bytes", "log.index.size.max.bytes"},
    {"segment.jitter.ms", "log.roll.jitter.ms"},
    {"segment.ms", "log.roll.ms"},
    {"write.caching", "log.write.caching"},
};

struct Unserved {
  std::string_view key;
  std::string_view reason;
};

constexpr std::string_view kNoTiering = "remote storage is not served";
constexpr std::string_view kOneNode = "replication is not served yet";
constexpr std::string_view kNoSecurity = "authentication and TLS are not served yet";

// Kafka's keys of topics that change what a topic does, and that we do not serve.
constexpr Unserved kUnservedTopicKeys[] = {
    {"file.delete.delay.ms", "files of deleted segments are removed at once"},
    {"preallocate", "segment files are never preallocated"},
    {"unclean.leader.election.enable", kOneNode},
    {"leader.replication.throttled.replicas", kOneNode},
    {"follower.replication.throttled.replicas", kOneNode},
    {"remote.storage.enable", kNoTiering},
    {"remote.log.copy.disable", kNoTiering},
    {"remote.log.delete.on.disable", kNoTiering},
    {"local.retention.ms", kNoTiering},
    {"local.retention.bytes", kNoTiering},
    {"message.format.version", "Kafka 4 has no such key: records are always stored in format 2"},
    {"message.downconversion.enable", "Kafka 4 has no such key: records are always sent in format 2"},
    {"message.timestamp.difference.max.ms", "say message.timestamp.before.max.ms and message.timestamp.after.max.ms"},
};

constexpr Unserved kUnservedBrokerKeys[] = {
    {"broker.id", "say node.id"},
    {"log.dir", "say log.dirs"},
    {"zookeeper.connect", kOneNode},
    {"log.preallocate", "segment files are never preallocated"},
    {"unclean.leader.election.enable", kOneNode},
    {"remote.log.storage.system.enable", kNoTiering},
    {"authorizer.class.name", kNoSecurity},
    {"sasl.enabled.mechanisms", kNoSecurity},
    {"ssl.keystore.location", kNoSecurity},
    {"security.inter.broker.protocol", kNoSecurity},
};

// Keys of Kafka's shipped server.properties that tune what we do not have. Refusing them would refuse that file; they change
// nothing a user could notice.
constexpr std::string_view kWithoutEffect[] = {
    "process.roles", "controller.quorum.bootstrap.servers", "controller.quorum.voters", "controller.listener.names",
    "inter.broker.listener.name", "listener.security.protocol.map", "num.io.threads", "socket.send.buffer.bytes",
    "socket.receive.buffer.bytes", "num.recovery.threads.per.data.dir", "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor", "transaction.state.log.min.isr",
    "share.coordinator.state.topic.replication.factor", "share.coordinator.state.topic.min.isr",
    "log.cleaner.threads", "log.cleaner.io.buffer.size",
};
// clang-format on

constexpr std::string_view kBroker = "configuration";

constexpr ConfigTable kBrokerTable{kBroker, kBrokerKeys};
constexpr ConfigTable kTopicTable{"topic", kTopicKeys};

Result<void> refuse_unserved(std::string_view component, std::span<const Unserved> unserved,
                             const Properties& properties) {
  for (const auto& [key, reason] : unserved) {
    if (!properties.contains(key)) continue;
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("{}: Kafka's key \"{}\" is not served here: {}", component, key, reason));
  }
  return {};
}

/// Of what is not in the table, Kafka's own keys have a better answer than that they are unknown.
Result<void> refuse_kafkas_other_keys(const Properties& properties) {
  for (const auto& [key, value] : properties) {
    if (kBrokerTable.find(key) != nullptr) continue;
    const auto reason = why_kafkas_key_is_unserved(key);
    if (reason.empty()) continue;
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("{}: Kafka's key \"{}\" is not served here: {}", kBroker, key, reason));
  }
  return {};
}

/// Keys that are parts of something: 0 to 1.
Result<void> check_parts(std::string_view component, const ConfigTable& table, const Properties& properties) {
  for (const std::string_view key :
       {"min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio", "log.cleaner.io.buffer.load.factor"}) {
    const auto found = properties.find(key);
    if (found == properties.end()) continue;
    const auto value = table.get_double(properties, key);
    const bool nothing_fits = value == 0 && key == "log.cleaner.io.buffer.load.factor";
    if (value >= 0 && value <= 1 && !nothing_fits) continue;
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("{}: \"{}\" is {}, but must be between 0 and 1", component, key, found->second));
  }
  return {};
}

/// The words lie in `text`.
std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto comma = text.find(',');
    auto part = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}
std::vector<std::string_view> split_list(std::string&& text) = delete;

bool has_word(std::string_view list, std::string_view word) {
  const auto words = split_list(list);
  return std::find(words.begin(), words.end(), word) != words.end();
}

Result<void> check_cleanup_policy(std::string_view component, std::string_view key, const Properties& properties) {
  const auto found = properties.find(key);
  if (found == properties.end()) return {};
  const auto words = split_list(found->second);
  const bool known =
      std::all_of(words.begin(), words.end(), [](auto word) { return word == "delete" || word == "compact"; });
  if (known && !words.empty()) return {};
  return fail(ErrorCode::kInvalidConfig,
              fmt::format("{}: \"{}\" is \"{}\", but must be delete, compact or both", component, key, found->second));
}

Result<void> check_assignors(const Properties& properties) {
  const auto found = properties.find("group.consumer.assignors");
  if (found == properties.end()) return {};
  const auto words = split_list(found->second);
  const bool known = std::all_of(words.begin(), words.end(), [](auto word) { return assignor_of(word).has_value(); });
  if (known && !words.empty()) return {};
  return fail(ErrorCode::kInvalidConfig, fmt::format("{}: \"{}\" is \"{}\", but must be uniform, range or both",
                                                     kBroker, found->first, found->second));
}

Result<void> check_group_bounds(const Properties& properties) {
  for (const std::string_view key : {"heartbeat.interval.ms", "session.timeout.ms"}) {
    const auto least = kBrokerTable.get_long(properties, fmt::format("group.consumer.min.{}", key));
    const auto most = kBrokerTable.get_long(properties, fmt::format("group.consumer.max.{}", key));
    if (least <= most) continue;
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("{}: \"group.consumer.min.{}\" is {}, but must not be more than \"group.consumer.max.{}\", "
                            "which is {}",
                            kBroker, key, least, key, most));
  }
  return {};
}

Migration migration_of(std::string_view name) {
  constexpr std::pair<std::string_view, Migration> kPolicies[] = {
      {"disabled", Migration::kDisabled}, {"upgrade", Migration::kUpgrade}, {"downgrade", Migration::kDowngrade}};
  for (const auto& [known, policy] : kPolicies) {
    if (known == name) return policy;
  }
  return Migration::kBidirectional;
}

Result<std::vector<ListenerAddress>> parse_listeners(std::string_view key, std::string_view list) {
  std::vector<ListenerAddress> listeners;
  std::set<std::string, std::less<>> names;
  for (const auto entry : split_list(list)) {
    auto parsed = parse_listener(entry);
    if (!parsed) return std::unexpected(std::move(parsed).error().in(fmt::format("{}: \"{}\"", kBroker, key)));
    if (!names.insert(parsed->name).second) {
      return fail(ErrorCode::kInvalidConfig,
                  fmt::format("{}: \"{}\" names the listener {} twice", kBroker, key, parsed->name));
    }
    listeners.push_back(*std::move(parsed));
  }
  return listeners;
}

Result<void> check_listeners(const Properties& properties, const Properties& without_effect) {
  const auto controllers = without_effect.find("controller.listener.names");
  for (const std::string_view key : {"listeners", "advertised.listeners"}) {
    const auto found = properties.find(key);
    if (found == properties.end()) continue;
    MILLRACE_TRY(listeners, parse_listeners(key, found->second));
    for (const auto& listener : listeners) {
      const bool controller = controllers != without_effect.end() && has_word(controllers->second, listener.name);
      if (controller || listener.name == "PLAINTEXT" || listener.name.find("SSL") == std::string::npos) continue;
      return fail(ErrorCode::kInvalidConfig,
                  fmt::format("{}: \"{}\" has the listener {}, but {}", kBroker, key, listener.name, kNoSecurity));
    }
  }
  return {};
}

Result<void> check_metrics_address(const Properties& properties) {
  const auto found = properties.find("metrics.address");
  if (found == properties.end() || found->second.empty()) return {};
  auto parsed = parse_listener(found->second);
  if (!parsed) return std::unexpected(std::move(parsed).error().in(fmt::format("{}: \"metrics.address\"", kBroker)));
  return {};
}

// Hours and minutes become milliseconds, so that one key says it everywhere else.
void fold(Properties& properties, std::string_view key, std::string_view coarser, std::int64_t factor) {
  const auto found = properties.find(coarser);
  if (found == properties.end()) return;
  std::int64_t number = 0;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
  if (!properties.contains(key)) properties.emplace(key, std::to_string(number < 0 ? number : number * factor));
}

}  // namespace

Result<ListenerAddress> parse_listener(std::string_view text) {
  const auto wrong = [&] {
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("\"{}\" is no address; write HOST:PORT or NAME://HOST:PORT, as in 127.0.0.1:9092", text));
  };
  ListenerAddress listener{.name = "PLAINTEXT", .host = {}, .port = 0};
  auto rest = text;
  if (const auto scheme = rest.find("://"); scheme != std::string_view::npos) {
    if (scheme == 0) return wrong();
    listener.name = rest.substr(0, scheme);
    rest.remove_prefix(scheme + 3);
  }
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  auto host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.find_first_of("/ @") != std::string_view::npos) return wrong();
  listener.host = host;
  const auto port = rest.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), listener.port);
  if (error != std::errc{} || end != port.data() + port.size()) return wrong();
  return listener;
}

const ConfigTable& broker_config_table() { return kBrokerTable; }
const ConfigTable& topic_config_table() { return kTopicTable; }

std::string_view broker_default_of(std::string_view topic_key) {
  for (const auto& [topic, broker] : kDefaults) {
    if (topic == topic_key) return broker;
  }
  return {};
}

namespace {

/// As they are compared: without slashes at the end.
std::vector<std::string> folders_of(const std::string& list) {
  std::vector<std::string> folders;
  for (auto word : split_list(list)) {
    while (word.size() > 1 && word.ends_with('/')) word.remove_suffix(1);
    folders.emplace_back(word);
  }
  return folders;
}

Result<void> check_data_folders(const Properties& properties) {
  const auto folders = folders_of(kBrokerTable.get_string(properties, "log.dirs"));
  for (auto at = folders.begin(); at != folders.end(); ++at) {
    const auto same = [at](const std::string& other) {
      return std::filesystem::path{other}.lexically_normal() == std::filesystem::path{*at}.lexically_normal();
    };
    if (std::find_if(folders.begin(), at, same) == at) continue;
    return fail(ErrorCode::kInvalidConfig, fmt::format("{}: \"log.dirs\" names {} twice", kBroker, *at));
  }
  return {};
}

}  // namespace

Result<BrokerConfig> BrokerConfig::parse(const Properties& given) {
  MILLRACE_CHECK(refuse_unserved(kBroker, kUnservedBrokerKeys, given));
  Properties properties = given;
  Properties without_effect;
  for (const auto key : kWithoutEffect) {
    if (auto found = properties.find(key); found != properties.end()) without_effect.insert(properties.extract(found));
  }
  MILLRACE_CHECK(refuse_kafkas_other_keys(properties));
  MILLRACE_CHECK(kBrokerTable.check(properties));
  MILLRACE_CHECK(check_parts(kBroker, kBrokerTable, properties));
  MILLRACE_CHECK(check_cleanup_policy(kBroker, "log.cleanup.policy", properties));
  MILLRACE_CHECK(check_assignors(properties));
  MILLRACE_CHECK(check_group_bounds(properties));
  MILLRACE_CHECK(check_listeners(properties, without_effect));
  MILLRACE_CHECK(check_metrics_address(properties));
  MILLRACE_CHECK(check_data_folders(properties));
  constexpr std::int64_t kMinute = 60'000;
  fold(properties, "log.retention.ms", "log.retention.minutes", kMinute);
  fold(properties, "log.retention.ms", "log.retention.hours", 60 * kMinute);
  fold(properties, "log.roll.ms", "log.roll.hours", 60 * kMinute);
  fold(properties, "log.roll.jitter.ms", "log.roll.jitter.hours", 60 * kMinute);

  BrokerConfig config{std::move(properties)};
  for (const auto& [key, value] : without_effect) config.without_effect_.push_back(key);
  if (const auto found = without_effect.find("controller.listener.names"); found != without_effect.end()) {
    config.controller_listeners_ = found->second;
  }
  return config;
}

std::vector<std::string> BrokerConfig::data_folders() const { return folders_of(get_string("log.dirs")); }

std::string BrokerConfig::metadata_folder() const {
  for (const auto key : {"metadata.log.dir", "log.dirs"}) {
    if (const auto folders = folders_of(get_string(key)); !folders.empty()) return folders.front();
  }
  return {};
}

ConsumerGroupConfig BrokerConfig::consumer_groups() const {
  const auto times = [&](std::string_view which) {
    const auto time_of = [&](std::string_view key) {
      return std::chrono::milliseconds{get_long(fmt::format("group.consumer.{}{}", which, key))};
    };
    return ConsumerGroupTimes{.session_timeout = time_of("session.timeout.ms"),
                              .heartbeat_interval = time_of("heartbeat.interval.ms")};
  };
  ConsumerGroupConfig groups{.times = times(""),
                             .least_times = times("min."),
                             .most_times = times("max."),
                             .max_size = static_cast<std::size_t>(get_long("group.consumer.max.size")),
                             .assignors = {},
                             .migration = migration_of(get_string("group.consumer.migration.policy"))};
  const auto names = get_string("group.consumer.assignors");
  for (const auto name : split_list(names)) groups.assignors.push_back(*assignor_of(name));
  return groups;
}

BrokerId BrokerConfig::broker_id() const { return BrokerId{static_cast<std::int32_t>(get_long("node.id"))}; }

std::vector<ListenerAddress> BrokerConfig::listeners_of(std::string_view key) const {
  auto listeners = parse_listeners(key, get_string(key)).value();  // checked by `parse`
  std::erase_if(listeners, [&](const auto& listener) { return has_word(controller_listeners_, listener.name); });
  return listeners;
}

std::vector<ListenerAddress> BrokerConfig::listeners() const { return listeners_of("listeners"); }
std::vector<ListenerAddress> BrokerConfig::advertised_listeners() const { return listeners_of("advertised.listeners"); }

Result<void> check_topic_configs(const Properties& configs) {
  MILLRACE_CHECK(refuse_unserved("topic", kUnservedTopicKeys, configs));
  MILLRACE_CHECK(kTopicTable.check(configs));
  MILLRACE_CHECK(check_parts("topic", kTopicTable, configs));
  return check_cleanup_policy("topic", "cleanup.policy", configs);
}

Result<void> check_dynamic_broker_configs(const Properties& configs) {
  MILLRACE_CHECK(refuse_unserved(kBroker, kUnservedBrokerKeys, configs));
  MILLRACE_CHECK(refuse_kafkas_other_keys(configs));
  MILLRACE_CHECK(kBrokerTable.check(configs));
  MILLRACE_CHECK(check_parts(kBroker, kBrokerTable, configs));
  for (const auto& [key, value] : configs) {
    if (is_dynamic_broker_key(key)) continue;
    return fail(
        ErrorCode::kInvalidRequest,
        fmt::format("{}: \"{}\" cannot change while the broker runs; set it in its configuration", kBroker, key));
  }
  return check_cleanup_policy(kBroker, "log.cleanup.policy", configs);
}

bool is_dynamic_broker_key(std::string_view broker_key) {
  return std::any_of(std::begin(kDefaults), std::end(kDefaults),
                     [&](const auto& entry) { return entry.second == broker_key; });
}

TopicSettings::TopicSettings(const Properties& topic, const Properties& broker) {
  for (const auto& [topic_key, broker_key] : kDefaults) {
    if (const auto own = topic.find(topic_key); own != topic.end()) {
      properties_.emplace(topic_key, own->second);
    } else if (const auto inherited = broker.find(broker_key); inherited != broker.end()) {
      properties_.emplace(topic_key, inherited->second);
    }
  }
}

std::optional<Compression> TopicSettings::compression() const {
  const auto type = kTopicTable.get_string(properties_, "compression.type");
  return type == "uncompressed" ? Compression::kNone : compression_from(type);
}

int TopicSettings::compression_level() const {
  const auto codec = compression().value_or(Compression::kNone);
  if (codec == Compression::kNone || codec == Compression::kSnappy) return kDefaultLevel;
  const auto level = kTopicTable.get_long(properties_, fmt::format("compression.{}.level", name_of(codec)));
  return codec == Compression::kGzip && level == -1 ? kDefaultLevel : static_cast<int>(level);
}

LogConfig TopicSettings::log_config() const {
  const auto number = [&](std::string_view key) { return kTopicTable.get_long(properties_, key); };
  const auto milliseconds = [&](std::string_view key) { return std::chrono::milliseconds{number(key)}; };
  const auto cleanup = kTopicTable.get_string(properties_, "cleanup.policy");
  return LogConfig{
      .segment_bytes = number("segment.bytes"),
      .segment_ms = milliseconds("segment.ms"),
      .segment_jitter = milliseconds("segment.jitter.ms"),
      .segment_index_bytes = static_cast<std::int32_t>(number("segment.index.bytes")),
      .index_interval_bytes = static_cast<std::int32_t>(number("index.interval.bytes")),
      .retention_bytes = number("retention.bytes"),
      .retention_ms = milliseconds("retention.ms"),
      .cleanup_delete = has_word(cleanup, "delete"),
      .cleanup_compact = has_word(cleanup, "compact"),
      .min_cleanable_dirty_ratio = kTopicTable.get_double(properties_, "min.cleanable.dirty.ratio"),
      .min_compaction_lag = milliseconds("min.compaction.lag.ms"),
      .max_compaction_lag = milliseconds("max.compaction.lag.ms"),
      .delete_retention = milliseconds("delete.retention.ms"),
      .max_message_bytes = static_cast<std::int32_t>(number("max.message.bytes")),
      .timestamp_type = kTopicTable.get_string(properties_, "message.timestamp.type") == "LogAppendTime"
                            ? TimestampType::kLogAppendTime
                            : TimestampType::kCreateTime,
      .timestamp_before_max = milliseconds("message.timestamp.before.max.ms"),
      .timestamp_after_max = milliseconds("message.timestamp.after.max.ms"),
      .compression = compression(),
      .compression_level = compression_level(),
      .write_caching = kTopicTable.get_bool(properties_, "write.caching"),
      .flush_messages = number("flush.messages"),
  };
}

std::int32_t TopicSettings::min_insync_replicas() const {
  return static_cast<std::int32_t>(kTopicTable.get_long(properties_, "min.insync.replicas"));
}

}  // namespace millrace
