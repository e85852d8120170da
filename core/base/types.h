#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/strong.h"

namespace millrace {

/// The place of a record in its partition: 0, 1, 2, ... `kNoOffset` stands for "none" as on the wire.
using Offset = Strong<struct OffsetTag, std::int64_t>;
inline constexpr Offset kNoOffset{-1};

/// Counts the leaders a partition has had. `kNoLeaderEpoch` stands for "not known" as on the wire.
using LeaderEpoch = Strong<struct LeaderEpochTag, std::int32_t>;
inline constexpr LeaderEpoch kNoLeaderEpoch{-1};

using PartitionIndex = Strong<struct PartitionIndexTag, std::int32_t>;
using BrokerId = Strong<struct BrokerIdTag, std::int32_t>;
using ProducerId = Strong<struct ProducerIdTag, std::int64_t>;
inline constexpr ProducerId kNoProducerId{-1};
using ProducerEpoch = Strong<struct ProducerEpochTag, std::int16_t>;
inline constexpr ProducerEpoch kNoProducerEpoch{-1};

/// A record's timestamp: milliseconds since 1970-01-01 UTC. `kNoTimestamp` (-1) stands for "none".
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;
inline constexpr Timestamp kNoTimestamp{std::chrono::milliseconds{-1}};

/// A point on the monotonic clock, for timers and deadlines. Never compared with a `Timestamp`.
using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// A 128-bit id of a topic or a log directory. Nil means "none". Text form: 22 characters of URL-safe base64, as Kafka
/// prints it.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;
  [[nodiscard]] bool is_nil() const { return *this == Uuid{}; }
  [[nodiscard]] std::string to_string() const;
};
using TopicId = Uuid;

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span{text}); }
inline std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// Bytes that may be absent (a null key, a tombstone's value); absent and empty are different.
///
/// A view: it owns nothing and is valid as long as what it points into.
class NullableBytes {
 public:
  constexpr NullableBytes() = default;
  constexpr NullableBytes(std::nullptr_t) {}
  NullableBytes(Bytes bytes) : data_(bytes.data() ? bytes.data() : kEmpty), size_(bytes.size()) {}
  NullableBytes(std::string_view text) : NullableBytes(as_bytes(text)) {}
  NullableBytes(const std::string& text) : NullableBytes(std::string_view{text}) {}
  NullableBytes(const char* text) : NullableBytes(std::string_view{text}) {}

  [[nodiscard]] constexpr bool is_null() const { return data_ == nullptr; }
  [[nodiscard]] constexpr explicit operator bool() const { return data_ != nullptr; }
  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  /// The bytes; empty when absent.
  [[nodiscard]] Bytes bytes() const { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const { return as_text(bytes()); }

  friend bool operator==(const NullableBytes& a, const NullableBytes& b) {
    return a.is_null() == b.is_null() && a.text() == b.text();
  }

 private:
  static constexpr std::byte kEmpty[1] = {};
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

struct TopicPartition {
  std::string topic;
  PartitionIndex partition;
  auto operator<=>(const TopicPartition&) const = default;
  /// "access-log-0": how logs, folders and messages name it.
  [[nodiscard]] std::string to_string() const { return topic + '-' + std::to_string(partition.value()); }
};

}  // namespace millrace

template <>
struct std::hash<millrace::Uuid> {
  std::size_t operator()(const millrace::Uuid& id) const noexcept {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
  }
};
template <>
struct std::hash<millrace::TopicPartition> {
  std::size_t operator()(const millrace::TopicPartition& tp) const noexcept {
    return std::hash<std::string>{}(tp.topic) * 31 + static_cast<std::size_t>(tp.partition.value());
  }
};
