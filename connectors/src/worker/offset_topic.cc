#include "worker/offset_topic.h"

#include <fmt/core.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <map>
#include <vector>

#include "convert/utf8.h"

namespace millrace::connect {
namespace {

std::string_view text_of(const rapidjson::StringBuffer& buffer) { return {buffer.GetString(), buffer.GetSize()}; }

/// Where each partition has to be read to: those with records only.
Result<std::map<TopicPartition, Offset>> find_ends(Admin& admin, const std::string& topic) {
  MILLRACE_TRY(description, admin.describe_topic(topic));
  std::map<TopicPartition, Offset> ends;
  for (const auto& partition : description.partitions) {
    const TopicPartition place{topic, partition.index};
    MILLRACE_TRY(start, admin.list_offset(place, {.kind = OffsetKind::kEarliest}));
    MILLRACE_TRY(end, admin.list_offset(place, {.kind = OffsetKind::kLatest}));
    if (start.offset < end.offset) ends.emplace(place, end.offset);
  }
  return ends;
}

void take_record(const RecordView& record, std::string_view connector, StoredOffsets& offsets) {
  auto key = parse_offset_key(record.key.text());
  if (!key || key->first != connector) return;
  auto offset = record.value.is_null() ? Result<Fields>{Fields{}} : fields_from_json(record.value.text());
  // A value that is no position is not a position of ours: as if it had not been written.
  if (!offset) return;
  if (record.value.is_null()) {
    offsets.erase(key->second);
  } else {
    offsets.insert_or_assign(std::move(key->second), *std::move(offset));
  }
}

}  // namespace

std::string offset_key(std::string_view connector, const SourcePartition& partition) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer writer{buffer};
  const auto name = to_valid_utf8(connector);
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

Result<StoredOffsets> read_offsets(Client& client, Admin& admin, const std::string& topic, std::string_view connector,
                                   Duration timeout) {
  MILLRACE_TRY(ends, find_ends(admin, topic));
  MILLRACE_TRY(consumer, client.consumer({{"auto.offset.reset", "earliest"}}));
  StoredOffsets offsets;
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const auto assign_rest = [&]() -> Result<void> {
    std::vector<TopicPartition> rest;
    for (const auto& [partition, end] : ends) rest.push_back(partition);
    return consumer->assign(std::move(rest));
  };
  MILLRACE_CHECK(assign_rest());
  while (!ends.empty()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= Duration::zero()) {
      return fail(ErrorCode::kTimedOut, fmt::format("cannot read the stored positions in {} to their end", topic));
    }
    MILLRACE_TRY(batches, consumer->poll(std::min<Duration>(left, std::chrono::milliseconds{200})));
    for (const auto& batch : batches) {
      for (const auto& record : batch.records()) take_record(record, connector, offsets);
    }
    // By position and not by the last record: offsets have gaps where compaction has been.
    const auto before = ends.size();
    for (auto at = ends.begin(); at != ends.end();) {
      MILLRACE_TRY(position, consumer->position(at->first));
      at = position >= at->second ? ends.erase(at) : std::next(at);
    }
    if (ends.size() != before && !ends.empty()) MILLRACE_CHECK(assign_rest());
  }
  consumer->close();
  return offsets;
}

}  // namespace millrace::connect
