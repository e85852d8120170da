#include "weblog/live_pipeline.h"

#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <string_view>

#include "weblog/printable.h"
#include "weblog/report_reader.h"

namespace millrace::weblog {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

/// What a page can show of lists and windows: more would cost every browser bandwidth twice a second.
constexpr ReportCut kSnapshotCut{.entries = 100, .windows = 744};
constexpr std::size_t kSeconds = 300;

void put_text(Writer& json, std::string_view value) {
  const auto safe = printable(value, Printable::kUtf8);
  json.String(safe.data(), static_cast<rapidjson::SizeType>(safe.size()));
}

std::int64_t unix_ms(Timestamp time) { return time.time_since_epoch().count(); }

/// An empty report when the stores cannot be read: the page shows figures, errors are told elsewhere.
Report report_of(const Pipeline& pipeline, const ReportCut& cut) {
  return read_report(pipeline.job(), cut).value_or(Report{});
}

}  // namespace

LivePipeline::LivePipeline(const Pipeline& pipeline, const Clock& clock, ReportCut report_cut)
    : pipeline_(pipeline), clock_(clock), report_cut_(report_cut) {}

void LivePipeline::refresh() {
  const auto stats = pipeline_.job().stats();
  const auto capture = pipeline_.capture();
  auto seen = fmt::format("{} {:.0f} {}", stats.records, stats.records_per_second, pipeline_.topic_bytes());
  for (const auto& file : capture.sources) seen += fmt::format(" {}:{}:{}", file.name, file.state, file.position);
  if (seen == last_seen_) return;
  last_seen_ = std::move(seen);
  ++version_;
}

void LivePipeline::set_stopped() {
  stopped_ = true;
  ++version_;
}

std::string LivePipeline::report_json() const { return to_json(report_of(pipeline_, report_cut_)); }

std::string LivePipeline::snapshot_json() const {
  const std::lock_guard lock{mutex_};
  const auto version = this->version();
  if (built_version_ != version) {
    built_ = build_snapshot();
    built_version_ = version;
  }
  return built_;
}

std::string LivePipeline::build_snapshot() const {
  const auto stats = pipeline_.job().stats();
  const auto capture = pipeline_.capture();
  rapidjson::StringBuffer buffer;
  Writer json{buffer};
  json.StartObject();
  json.Key("report");
  const auto report = report_of(pipeline_, kSnapshotCut);
  const auto report_text = to_json(report);
  json.RawValue(report_text.data(), report_text.size(), rapidjson::kObjectType);
  json.Key("live");
  json.StartObject();
  json.Key("now");
  json.Int64(unix_ms(clock_.wall()));
  json.Key("state");
  put_text(json, stopped_ ? "stopped" : report.lines == 0 ? "waiting" : "running");
  json.Key("hits_per_second");
  json.StartArray();
  if (const auto seconds = read_seconds(pipeline_.job(), kSeconds)) {
    for (const auto& second : *seconds) {
      json.StartArray();
      json.Int64(unix_ms(second.start) / 1000);
      json.Uint64(second.tally.hits);
      json.Uint64(second.tally.errors);
      json.EndArray();
    }
  }
  json.EndArray();
  json.Key("lines_per_second");
  json.Double(stats.records_per_second);
  json.Key("latency_ms");
  json.StartObject();
  json.Key("last");
  json.Double(stats.latency_last_ms);
  json.Key("p50");
  json.Double(stats.latency_p50_ms);
  json.Key("p99");
  json.Double(stats.latency_p99_ms);
  json.EndObject();
  json.Key("newest_capture");
  json.Int64(stats.newest_record == kNoTimestamp ? 0 : unix_ms(stats.newest_record));
  json.Key("files");
  json.StartArray();
  for (const auto& file : capture.sources) {
    json.StartObject();
    json.Key("path");
    put_text(json, file.name);
    json.Key("state");
    put_text(json, file.state);
    json.Key("position");
    json.Uint64(file.position);
    json.Key("size");
    json.Uint64(file.size);
    json.EndObject();
  }
  json.EndArray();
  json.Key("topic");
  json.StartObject();
  json.Key("bytes");
  json.Uint64(pipeline_.topic_bytes());
  json.Key("limit");
  json.Uint64(pipeline_.options().topic_bytes);
  json.EndObject();
  json.EndObject();
  json.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace millrace::weblog
