#include "weblog/lines_topic.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "weblog/topology.h"

namespace millrace::weblog {
namespace {

/// Bytes that a segment may have: the log frees whole segments, so the bound holds about eight of them.
std::uint64_t segment_bytes(std::uint64_t bound) {
  constexpr std::uint64_t kSmallest = 1 << 20;
  constexpr std::uint64_t kLargest = 256 << 20;
  return std::clamp(bound / 8, kSmallest, kLargest);
}

const TopicPartition& lines_partition() {
  static const TopicPartition kPartition{std::string{kLinesTopic}, PartitionIndex{0}};
  return kPartition;
}

}  // namespace

Result<std::unique_ptr<LinesTopic>> LinesTopic::open(Client& client, std::uint64_t bound) {
  MILLRACE_TRY(admin, client.admin());
  const auto segment = std::to_string(segment_bytes(bound));
  const NewTopic topic{.name = std::string{kLinesTopic},
                       .partitions = 1,
                       .configs = {{"retention.ms", "-1"}, {"retention.bytes", "-1"}, {"segment.bytes", segment}}};
  const auto created = admin->create_topic(topic);
  if (!created && created.error().code() != ErrorCode::kTopicAlreadyExists) return std::unexpected(created.error());
  if (!created) {
    const std::pair<std::string, std::optional<std::string>> changes[] = {{"segment.bytes", segment}};
    MILLRACE_CHECK(admin->alter_topic_configs(kLinesTopic, changes));
  }
  std::unique_ptr<LinesTopic> lines{new LinesTopic{std::move(admin), bound}};
  MILLRACE_TRY(bytes, lines->admin_->partition_size(lines_partition()));
  lines->bytes_ = bytes;
  return lines;
}

Result<LinesTopic::Trimmed> LinesTopic::trim() {
  MILLRACE_TRY(bytes, admin_->partition_size(lines_partition()));
  bytes_ = bytes;
  if (bound_ == 0 || bytes < bound_ / 4 * 3) return Trimmed::kNo;
  MILLRACE_TRY(earliest, admin_->list_offset(lines_partition(), {.kind = OffsetKind::kEarliest}));
  MILLRACE_TRY(latest, admin_->list_offset(lines_partition(), {.kind = OffsetKind::kLatest}));
  const auto records = latest.offset - earliest.offset;
  if (records <= 0) return Trimmed::kNo;
  // Where half the bound is left, if lines are of equal length: the next round corrects what they are not.
  const auto share = static_cast<double>(bytes - bound_ / 2) / static_cast<double>(bytes);
  const auto wanted = earliest.offset + static_cast<std::int64_t>(share * static_cast<double>(records));
  const auto before = std::min(wanted, Offset{counted_.load(std::memory_order_relaxed)});
  if (before <= earliest.offset) return Trimmed::kNeedsCheckpoint;
  if (auto deleted = admin_->delete_records(lines_partition(), before); !deleted) {
    return std::unexpected(std::move(deleted).error().in("cannot delete counted lines"));
  }
  MILLRACE_TRY(left, admin_->partition_size(lines_partition()));
  bytes_ = left;
  if (left < bytes) return Trimmed::kYes;
  return before < wanted ? Trimmed::kNeedsCheckpoint : Trimmed::kNo;
}

}  // namespace millrace::weblog
