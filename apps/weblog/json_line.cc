#include "weblog/json_line.h"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include "weblog/field.h"
#include "weblog/header_name.h"

namespace millrace::weblog {
namespace {

struct KeyMeaning {
  std::string_view key;
  FieldKind kind;
};
/// Keys are compared as header names are: "User-Agent" is "user_agent".
constexpr KeyMeaning kKeys[] = {
    {"time", FieldKind::kTime},
    {"ts", FieldKind::kTime},
    {"timestamp", FieldKind::kTime},
    {"@timestamp", FieldKind::kTime},
    {"time_local", FieldKind::kTime},
    {"time_iso8601", FieldKind::kTime},
    {"msec", FieldKind::kTime},
    {"datetime", FieldKind::kTime},
    {"remote_addr", FieldKind::kClient},
    {"remote_ip", FieldKind::kClient},
    {"client_ip", FieldKind::kClient},
    {"clientip", FieldKind::kClient},
    {"client", FieldKind::kClient},
    {"ip", FieldKind::kClient},
    {"remote_host", FieldKind::kClient},
    {"remote", FieldKind::kClient},
    {"user", FieldKind::kUser},
    {"remote_user", FieldKind::kUser},
    {"user_id", FieldKind::kUser},
    {"request", FieldKind::kRequest},
    {"method", FieldKind::kMethod},
    {"request_method", FieldKind::kMethod},
    {"verb", FieldKind::kMethod},
    {"uri", FieldKind::kTarget},
    {"request_uri", FieldKind::kTarget},
    {"target", FieldKind::kTarget},
    {"path", FieldKind::kTarget},
    {"url", FieldKind::kTarget},
    {"proto", FieldKind::kProtocol},
    {"protocol", FieldKind::kProtocol},
    {"server_protocol", FieldKind::kProtocol},
    {"status", FieldKind::kStatus},
    {"status_code", FieldKind::kStatus},
    {"response", FieldKind::kStatus},
    {"code", FieldKind::kStatus},
    {"body_bytes_sent", FieldKind::kBytes},
    {"bytes_sent", FieldKind::kBytes},
    {"bytes", FieldKind::kBytes},
    {"size", FieldKind::kBytes},
    {"response_size", FieldKind::kBytes},
    {"length", FieldKind::kBytes},
    {"referer", FieldKind::kReferer},
    {"referrer", FieldKind::kReferer},
    {"http_referer", FieldKind::kReferer},
    {"http_referrer", FieldKind::kReferer},
    {"agent", FieldKind::kAgent},
    {"user_agent", FieldKind::kAgent},
    {"http_user_agent", FieldKind::kAgent},
    {"host", FieldKind::kHost},
    {"http_host", FieldKind::kHost},
    {"server_name", FieldKind::kHost},
    {"vhost", FieldKind::kHost},
    {"request_time", FieldKind::kSeconds},
    {"duration", FieldKind::kSeconds},
};
/// Objects whose keys mean something else.
constexpr std::string_view kForeignObjects[] = {"resp_headers", "tls", "response_headers"};
constexpr std::size_t kDeepest = 16;

FieldKind kind_of(std::string_view key, std::string_view client_header) {
  if (!client_header.empty()) {
    const bool with_prefix = key.size() > 5 && same_header(key.substr(0, 5), "http_");
    if (same_header(key, client_header) || (with_prefix && same_header(key.substr(5), client_header))) {
      return FieldKind::kClientHeader;
    }
  }
  for (const auto& known : kKeys) {
    if (same_header(key, known.key)) return known.kind;
  }
  return FieldKind::kSkip;
}

/// Fills a hit from a parser's events.
class HitBuilder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, HitBuilder> {
 public:
  HitBuilder(std::string_view line, const rapidjson::MemoryStream& stream, std::string_view client_header)
      : line_(line), stream_(stream), client_header_(client_header) {}

  bool Key(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    key_.assign(text, size);
    kind_ = foreign_depth_ == 0 ? kind_of(key_, client_header_) : FieldKind::kSkip;
    return true;
  }
  bool String(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    if (depth_ > 0) set(std::string_view{text, size});
    return depth_ > 0;
  }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    if (depth_ > 0) set(std::string_view{text, size});
    return depth_ > 0;
  }
  bool StartObject() {
    if (foreign_depth_ > 0 || std::ranges::find(kForeignObjects, std::string_view{key_}) != std::end(kForeignObjects)) {
      ++foreign_depth_;
    }
    return ++depth_ <= kDeepest;
  }
  bool EndObject(rapidjson::SizeType /*members*/) {
    if (foreign_depth_ > 0) --foreign_depth_;
    --depth_;
    kind_ = FieldKind::kSkip;
    return true;
  }
  bool StartArray() { return depth_ > 0 && ++arrays_ <= kDeepest; }
  bool EndArray(rapidjson::SizeType /*elements*/) {
    --arrays_;
    kind_ = FieldKind::kSkip;
    return true;
  }
  bool Default() { return depth_ > 0; }

  [[nodiscard]] ParsedLine finish() {
    if (bad_) return std::unexpected(*bad_);
    if (!has(FieldKind::kTime) || !has(FieldKind::kStatus) || hit_.client.empty() || hit_.target.empty()) {
      return std::unexpected(RejectReason::kMissingKey);
    }
    if (hit_.method.empty()) hit_.method = "-";
    return std::move(hit_);
  }

 private:
  [[nodiscard]] bool has(FieldKind kind) const { return (seen_ >> static_cast<unsigned>(kind) & 1U) != 0; }

  /// The first value of a meaning counts; of an array, its first element.
  void set(std::string_view text) {
    const auto kind = std::exchange(kind_, FieldKind::kSkip);
    if (kind == FieldKind::kSkip || has(kind)) return;
    seen_ |= 1U << static_cast<unsigned>(kind);
    if (kind == FieldKind::kTime) {
      const auto time = read_any_time(text);
      if (time) {
        hit_.time = time->time;
      } else {
        bad_ = RejectReason::kBadTime;
      }
      return;
    }
    if (!set_field(hit_, kind, in_line(text))) bad_ = reason_for(kind);
  }

  /// `text` is the parser's copy. Where the line holds the very same bytes, the hit points there.
  std::string_view in_line(std::string_view text) {
    const auto after = stream_.Tell();
    for (const std::size_t quote : {std::size_t{1}, std::size_t{0}}) {  // behind a string, behind a number
      if (after < text.size() + quote) continue;
      const auto place = line_.substr(after - quote - text.size(), text.size());
      if (place == text) return place;
    }
    return hit_.texts.keep(std::string{text});
  }

  std::string_view line_;
  const rapidjson::MemoryStream& stream_;
  std::string_view client_header_;
  Hit hit_;
  std::string key_;
  FieldKind kind_ = FieldKind::kSkip;
  std::uint32_t seen_ = 0;
  std::size_t depth_ = 0;
  std::size_t arrays_ = 0;
  std::size_t foreign_depth_ = 0;
  std::optional<RejectReason> bad_;
};

class JsonReader final : public LineFormat::Reader {
 public:
  explicit JsonReader(std::string client_header) : client_header_(std::move(client_header)) {}

  [[nodiscard]] ParsedLine parse(std::string_view line) const override {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) return std::unexpected(RejectReason::kEmptyLine);
    rapidjson::MemoryStream stream{line.data(), line.size()};
    HitBuilder builder{line, stream, client_header_};
    rapidjson::Reader reader;
    constexpr auto kFlags = rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseIterativeFlag;
    if (reader.Parse<kFlags>(stream, builder).IsError()) return std::unexpected(RejectReason::kBadJson);
    return builder.finish();
  }

 private:
  std::string client_header_;
};

}  // namespace

std::shared_ptr<const LineFormat::Reader> make_json_reader(std::string client_header) {
  return std::make_shared<JsonReader>(std::move(client_header));
}

}  // namespace millrace::weblog
