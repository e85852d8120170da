#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <string>
#include <vector>

#include "weblog/printable.h"
#include "weblog/report.h"
#include "weblog/time_text.h"

namespace millrace::weblog {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void key(Writer& json, std::string_view name) { json.Key(name.data(), static_cast<rapidjson::SizeType>(name.size())); }
void text(Writer& json, std::string_view value) {
  const auto safe = printable(value, Printable::kUtf8);
  json.String(safe.data(), static_cast<rapidjson::SizeType>(safe.size()));
}
void number(Writer& json, std::string_view name, std::uint64_t value) {
  key(json, name);
  json.Uint64(value);
}
void time(Writer& json, std::string_view name, const std::optional<Timestamp>& value) {
  key(json, name);
  if (value) {
    text(json, iso_text(*value));
  } else {
    json.Null();
  }
}

void windows(Writer& json, std::string_view name, const std::vector<WindowTally>& all) {
  key(json, name);
  json.StartArray();
  for (const auto& window : all) {
    json.StartObject();
    time(json, "start", window.start);
    number(json, "hits", window.tally.hits);
    number(json, "bytes", window.tally.bytes);
    number(json, "errors", window.tally.errors);
    json.EndObject();
  }
  json.EndArray();
}

void entries(Writer& json, std::string_view name, const TopList& list) {
  key(json, name);
  json.StartArray();
  for (const auto& entry : list.entries) {
    json.StartObject();
    key(json, "name");
    text(json, entry.name);
    number(json, "hits", entry.tally.hits);
    number(json, "bytes", entry.tally.bytes);
    json.EndObject();
  }
  json.EndArray();
}

struct NamedList {
  std::string_view name;
  TopList Report::* entries;
};
constexpr NamedList kNamedLists[] = {
    {"paths", &Report::paths},     {"static_files", &Report::static_files},       {"not_found", &Report::not_found},
    {"hosts", &Report::hosts},     {"referring_sites", &Report::referring_sites}, {"browsers", &Report::browsers},
    {"systems", &Report::systems},
};

}  // namespace

std::string to_json(const Report& report) {
  rapidjson::StringBuffer buffer;
  Writer json{buffer};
  json.StartObject();
  number(json, "lines", report.lines);
  number(json, "rejected", report.rejected);
  key(json, "rejected_samples");
  json.StartArray();
  for (const auto& sample : report.rejected_samples) {
    json.StartObject();
    key(json, "line");
    text(json, sample.line);
    key(json, "reason");
    text(json, sample.reason);
    key(json, "offset");
    json.Int64(sample.offset.value());
    json.EndObject();
  }
  json.EndArray();
  number(json, "hits", report.total.hits);
  number(json, "bytes", report.total.bytes);
  number(json, "unique_visitors", report.unique_visitors);
  time(json, "first", report.first);
  time(json, "last", report.last);
  key(json, "status");
  json.StartObject();
  for (const auto& [status, hits] : report.status) number(json, std::to_string(status), hits);
  json.EndObject();
  key(json, "methods");
  json.StartObject();
  for (const auto& [method, hits] : report.methods) number(json, printable(method, Printable::kUtf8), hits);
  json.EndObject();
  windows(json, "per_hour", report.per_hour);
  windows(json, "per_minute", report.per_minute);
  for (const auto& list : kNamedLists) entries(json, list.name, report.*list.entries);
  key(json, "approximate");
  json.Bool(report.approximate);
  json.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace millrace::weblog
