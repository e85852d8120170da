#include "client/client_config.h"

#include <fmt/format.h>

#include <vector>

#include "base/suggest.h"

namespace millrace {
namespace {

constexpr std::int64_t kMaxInt = 2147483647;

// clang-format off
constexpr ConfigKey kProducerKeys[] = {
    {"client.id", ConfigType::kString, "millrace", "Names the program in the broker's messages."},
    {"acks", ConfigType::kString, "all", "What a record has to survive before it is reported: nothing (0), the process (1), a power cut of every in-sync replica (all).", {}, {}, "all|-1|1|0"},
    {"enable.idempotence", ConfigType::kBool, "true", "Whether a batch that is retried is stored once."},
    {"batch.size", ConfigType::kInt, "262144", "A batch goes out at this size, in bytes.", 1, kMaxInt},
    {"linger.ms", ConfigType::kDouble, "5", "A batch that is not full goes out after this time, in milliseconds."},
    {"compression.type", ConfigType::kString, "none", "How batches are packed.", {}, {}, "none|gzip|snappy|lz4|zstd"},
    {"compression.level", ConfigType::kInt, "-1", "The codec's level; -1: its own default.", -1, 22},
    {"buffer.memory", ConfigType::kLong, "33554432", "Bytes of records that may wait; beyond it `send` waits.", 1},
    {"max.block.ms", ConfigType::kLong, "60000", "How long `send` may wait for room, in milliseconds.", 0},
    {"message.max.bytes", ConfigType::kInt, "1000000", "The largest record.", 1, kMaxInt},
    {"max.in.flight.requests.per.connection", ConfigType::kInt, "5", "Batches of a partition that may be on their way at once.", 1, 5},
    {"delivery.timeout.ms", ConfigType::kInt, "120000", "How long an append may wait to become durable, in milliseconds.", 1, kMaxInt},
    {"partitioner", ConfigType::kString, "murmur2_random", "Where a record without a partition goes: murmur2_random: by the key's hash as Kafka's clients do, and without a key to one partition for a batch; round_robin: each to the next.", {}, {}, "murmur2_random|round_robin"},
    {"transactional.id", ConfigType::kString, "", "Makes the producer one of transactions, and names it over restarts: who begins with the same name ends what the one before left open, and fences it. Needs acks=all and enable.idempotence."},
    {"transaction.timeout.ms", ConfigType::kInt, "60000", "A transaction that is open for so long is aborted, and its producer fenced, in milliseconds.", 1000, kMaxInt},
    {"retries", ConfigType::kInt, "2147483647", "For clusters: how often a batch is sent again.", 0, kMaxInt},
};

constexpr ConfigKey kConsumerKeys[] = {
    {"client.id", ConfigType::kString, "millrace", "Names the program in the broker's messages."},
    {"auto.offset.reset", ConfigType::kString, "latest", "Where to begin when there is no position, or the one there is was deleted.", {}, {}, "earliest|latest|none"},
    {"fetch.max.bytes", ConfigType::kInt, "52428800", "Bytes that one poll gives, about.", 1, kMaxInt},
    {"max.partition.fetch.bytes", ConfigType::kInt, "1048576", "Bytes of one partition that one poll gives, about.", 1, kMaxInt},
    {"fetch.min.bytes", ConfigType::kInt, "1", "A poll waits for so many bytes.", 1, kMaxInt},
    {"isolation.level", ConfigType::kString, "read_committed", "Whether records of open and aborted transactions are shown.", {}, {}, "read_committed|read_uncommitted"},
    {"check.crcs", ConfigType::kBool, "false", "Whether each batch's checksum is computed again."},
    {"group.id", ConfigType::kString, "", "The consumer group: needed to subscribe and to commit."},
    {"group.instance.id", ConfigType::kString, "", "A name that the member keeps over restarts: who comes back in time gets its partitions without a rebalance."},
    {"partition.assignment.strategy", ConfigType::kString, "range,roundrobin", "How members divide partitions, the preferred first: range, roundrobin, sticky, cooperative-sticky."},
    {"session.timeout.ms", ConfigType::kInt, "45000", "A member that was not heard of for so long is out, in milliseconds.", 1, 3600000},
    {"heartbeat.interval.ms", ConfigType::kInt, "3000", "How often a member says that it is alive, in milliseconds.", 1, 3600000},
    {"max.poll.interval.ms", ConfigType::kInt, "300000", "A member that does not poll for so long is out, in milliseconds; also how long a rebalance waits for it.", 1, 86400000},
    {"enable.auto.commit", ConfigType::kBool, "true", "Whether polls commit by themselves, with group.id, what the polls before them gave."},
    {"auto.commit.interval.ms", ConfigType::kInt, "5000", "How often they do, in milliseconds.", 0, 86400000},
};

constexpr ConfigKey kAdminKeys[] = {
    {"client.id", ConfigType::kString, "millrace", "Names the program in the broker's messages."},
    {"request.timeout.ms", ConfigType::kInt, "30000", "How long a call may take, in milliseconds.", 1, kMaxInt},
};
// clang-format on

constexpr ConfigTable kProducer{"producer", kProducerKeys};
constexpr ConfigTable kConsumer{"consumer", kConsumerKeys};
constexpr ConfigTable kAdmin{"admin", kAdminKeys};

}  // namespace

const ConfigTable& producer_config_table() { return kProducer; }
const ConfigTable& consumer_config_table() { return kConsumer; }
const ConfigTable& admin_config_table() { return kAdmin; }

Result<void> check_client_configs(const Properties& properties) {
  std::vector<std::string_view> names;
  for (const auto* table : {&kProducer, &kConsumer, &kAdmin}) {
    for (const auto& key : table->keys()) names.push_back(key.name);
  }
  for (const auto& [name, value] : properties) {
    bool known = false;
    for (const auto* table : {&kProducer, &kConsumer, &kAdmin}) {
      if (table->find(name) == nullptr) continue;
      known = true;
      MILLRACE_CHECK(table->check({{name, value}}));
    }
    if (known) continue;
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("client: unknown key \"{}\".{}", name, did_you_mean(name, names)));
  }
  return {};
}

Result<Properties> handle_configs(const ConfigTable& table, const Properties& client, const Properties& own) {
  MILLRACE_CHECK(table.check(own));
  auto merged = own;
  for (const auto& [name, value] : client) {
    if (table.find(name) != nullptr) merged.emplace(name, value);
  }
  return merged;
}

Result<void> check_transactions(const Properties& producer) {
  if (kProducer.get_string(producer, "transactional.id").empty()) return {};
  const auto acks = kProducer.get_string(producer, "acks");
  if (acks != "all" && acks != "-1") {
    return fail(
        ErrorCode::kInvalidConfig,
        fmt::format("producer: \"transactional.id\" needs acks=all, not acks={}: what is not stored for certain "
                    "cannot be committed",
                    acks));
  }
  if (kProducer.get_bool(producer, "enable.idempotence")) return {};
  return fail(ErrorCode::kInvalidConfig, "producer: \"transactional.id\" needs enable.idempotence=true");
}

std::optional<StartAt> reset_of(const Properties& consumer) {
  const auto word = kConsumer.get_string(consumer, "auto.offset.reset");
  if (word == "none") return std::nullopt;
  return word == "earliest" ? StartAt::kEarliest : StartAt::kLatest;
}

std::optional<Duration> auto_commit_of(const Properties& consumer) {
  const bool commits = kConsumer.get_bool(consumer, "enable.auto.commit");
  if (!commits || kConsumer.get_string(consumer, "group.id").empty()) return std::nullopt;
  return std::chrono::milliseconds{kConsumer.get_long(consumer, "auto.commit.interval.ms")};
}

}  // namespace millrace
