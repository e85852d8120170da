#include "worker/offset_topic.h"

#include <fmt/core.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/utf8.h"

namespace millrace::connect {
namespace {

std::string_view text_of(const rapidjson::StringBuffer& buffer) { return {buffer.GetString(), buffer.GetSize()}; }

constexpr std::string_view kTopicEnd = "topic.offset";

/// A stored position, and the topic's end that was stored with it.
using Positions = std::map<SourcePartition, std::pair<SourceOffset, std::optional<std::int64_t>>>;

/// What is left to be read: the end of each partition that has records from `from` on.
Result<std::map<TopicPartition, Offset>> find_ends(Admin& admin, const std::string& topic, std::optional<Offset> from) {
  MILLRACE_TRY(description, admin.describe_topic(topic));
  std::map<TopicPartition, Offset> ends;
  for (const auto& partition : description.partitions) {
    const TopicPartition place{topic, partition.index};
    MILLRACE_TRY(start, admin.list_offset(place, {.kind = OffsetKind::kEarliest}));
    MILLRACE_TRY(end, admin.list_offset(place, {.kind = OffsetKind::kLatest}));
    if (std::max(start.offset, from.value_or(Offset{0})) < end.offset) ends.emplace(place, end.offset);
  }
  return ends;
}

Result<void> assign(Consumer& consumer, const std::map<TopicPartition, Offset>& ends) {
  std::vector<TopicPartition> partitions;
  for (const auto& [partition, end] : ends) partitions.push_back(partition);
  return consumer.assign(std::move(partitions));
}

void take_record(const RecordView& record, std::string_view connector, Positions& positions) {
  auto key = parse_offset_key(record.key.text());
  if (!key || key->first != connector) return;
  if (record.value.is_null()) {
    positions.erase(key->second);
    return;
  }
  auto offset = fields_from_json(record.value.text());
  // A value that is no position is not a position of ours: as if it had not been written.
  if (!offset) return;
  const auto topic_end = int_field(*offset, kTopicEnd);
  offset->erase(std::string{kTopicEnd});
  positions.insert_or_assign(std::move(key->second), std::pair{*std::move(offset), topic_end});
}

StoredState state_of(Positions positions) {
  StoredState state;
  for (auto& [partition, position] : positions) {
    const auto& end = position.second;
    if (!end) state.topic_end = std::nullopt;
    if (state.topic_end && end) state.topic_end = std::max(*state.topic_end, Offset{*end});
    state.offsets.emplace(partition, std::move(position.first));
  }
  return state;
}

}  // namespace

std::string offset_key(std::string_view connector, const SourcePartition& partition) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer writer{buffer};
  const auto name = to_utf8(connector);
  const auto fields = to_json(partition);
  writer.StartArray();
  writer.String(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  writer.RawValue(fields.data(), fields.size(), rapidjson::kObjectType);
  writer.EndArray();
  return std::string{text_of(buffer)};
}

std::optional<std::pair<std::string, SourcePartition>> parse_offset_key(std::string_view key) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(key.data(), key.size());
  if (document.HasParseError() || !document.IsArray() || document.Size() != 2) return std::nullopt;
  if (!document[0].IsString() || !document[1].IsObject()) return std::nullopt;

  rapidjson::StringBuffer buffer;
  rapidjson::Writer writer{buffer};
  document[1].Accept(writer);
  auto partition = fields_from_json(text_of(buffer));
  if (!partition) return std::nullopt;
  return std::pair{std::string{document[0].GetString(), document[0].GetStringLength()}, *std::move(partition)};
}

Result<void> ensure_offset_topic(Admin& admin, const std::string& topic) {
  const auto made = admin.create_topic({.name = topic, .partitions = 1, .configs = {{"cleanup.policy", "compact"}}});
  if (!made && made.error().code() != ErrorCode::kTopicAlreadyExists) return std::unexpected(made.error());
  return {};
}

std::string offset_value(SourceOffset offset, Offset topic_end) {
  if (topic_end != kNoOffset) offset.insert_or_assign(std::string{kTopicEnd}, topic_end.value());
  return to_json(offset);
}

Result<StoredState> read_offsets(Client& client, Admin& admin, const std::string& topic, std::string_view connector,
                                 Duration timeout) {
  Positions positions;
  MILLRACE_CHECK(
      read_to_end(client, admin, topic, std::nullopt, timeout, [&](const PolledBatch& batch) -> Result<void> {
        for (const auto& record : batch.records()) take_record(record, connector, positions);
        return {};
      }));
  return state_of(std::move(positions));
}

Result<void> read_to_end(Client& client, Admin& admin, const std::string& topic, std::optional<Offset> from,
                         Duration timeout, const TakeBatch& take) {
  MILLRACE_TRY(ends, find_ends(admin, topic, from));
  MILLRACE_TRY(consumer, client.consumer({{"auto.offset.reset", "earliest"}}));
  MILLRACE_CHECK(assign(*consumer, ends));
  if (from) {
    for (const auto& [partition, end] : ends) MILLRACE_CHECK(consumer->seek(partition, *from));
  }
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!ends.empty()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= Duration::zero()) return fail(ErrorCode::kTimedOut, fmt::format("cannot read {} to its end", topic));
    MILLRACE_TRY(batches, consumer->poll(std::min<Duration>(left, std::chrono::milliseconds{200})));
    for (const auto& batch : batches) MILLRACE_CHECK(take(batch));
    // By position and not by the last record: offsets have gaps where compaction has been.
    const auto before = ends.size();
    for (auto at = ends.begin(); at != ends.end();) {
      MILLRACE_TRY(position, consumer->position(at->first));
      at = position >= at->second ? ends.erase(at) : std::next(at);
    }
    if (ends.size() != before && !ends.empty()) MILLRACE_CHECK(assign(*consumer, ends));
  }
  return consumer->close(timeout);
}

}  // namespace millrace::connect
