#include "weblog/field.h"

#include <charconv>
#include <cstring>

namespace millrace::weblog {
namespace {

constexpr std::string_view kNone = "-";

std::string_view without_dash(std::string_view text) { return text == kNone ? std::string_view{} : text; }

bool is_method(std::string_view word) {
  if (word.size() < 2 || word.size() > 20) return false;
  for (const char c : word) {
    if ((c < 'A' || c > 'Z') && c != '-' && c != '_') return false;
  }
  return true;
}

bool set_status(Hit& hit, std::string_view text) {
  if (text.size() != 3) return false;
  const auto hundreds = static_cast<unsigned char>(text[0] - '0');
  const auto tens = static_cast<unsigned char>(text[1] - '0');
  const auto ones = static_cast<unsigned char>(text[2] - '0');
  if (hundreds < 1 || hundreds > 9 || tens > 9 || ones > 9) return false;
  hit.status = static_cast<std::uint16_t>(hundreds * 100 + tens * 10 + ones);
  return true;
}

bool set_bytes(Hit& hit, std::string_view text) {
  if (text == kNone) {
    hit.bytes = 0;
    return true;
  }
  // 15 digits are a petabyte: sums of such cannot overflow.
  if (text.empty() || text.size() > 15) return false;
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned char>(c - '0');
    if (digit > 9) return false;
    value = value * 10 + digit;
  }
  hit.bytes = value;
  return true;
}

/// Durations are extra: one that cannot be read does not cost the line.
void set_duration(Hit& hit, std::string_view text, double microseconds_per_unit) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data() || value < 0 || value > 1e12) return;
  hit.duration_us = static_cast<std::int64_t>(value * microseconds_per_unit + 0.5);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

void set_request(Hit& hit, std::string_view request) {
  hit.method = kNone;
  hit.target = request.empty() ? kNone : request;
  const auto space = request.find(' ');
  if (space == std::string_view::npos || !is_method(request.substr(0, space))) return;
  auto target = request.substr(space + 1);
  while (!target.empty() && target.front() == ' ') target.remove_prefix(1);
  if (target.empty()) return;
  hit.method = request.substr(0, space);
  // "HTTP/1.1" stands at the end, if at all; the target may have spaces in it.
  if (const auto last = target.rfind(" HTTP/"); last != std::string_view::npos && last > 0) {
    hit.protocol = target.substr(last + 1);
    target = target.substr(0, last);
  }
  hit.target = target;
}

std::string_view first_address(std::string_view header) {
  auto text = trimmed(header.substr(0, header.find(',')));
  // Forwarded: for="[2001:db8::1]:4711";proto=http
  if (const auto label = text.find("for="); label != std::string_view::npos) text = text.substr(label + 4);
  text = trimmed(text.substr(0, text.find(';')));
  while (!text.empty() && (text.front() == '"' || text.front() == '\\')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == '"' || text.back() == '\\')) text.remove_suffix(1);
  if (!text.empty() && text.front() == '[') return text.substr(1, text.find(']') - 1);
  const auto colon = text.find(':');
  const bool has_port = colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos;
  return without_dash(has_port ? text.substr(0, colon) : text);
}

bool set_field(Hit& hit, FieldKind kind, std::string_view text) {
  switch (kind) {
    case FieldKind::kSkip:
    case FieldKind::kTime:
    case FieldKind::kQuery:
      return true;
    case FieldKind::kClient:
      // A client header that was read before wins.
      if (hit.client.empty()) hit.client = text;
      return true;
    case FieldKind::kClientHeader:
      if (const auto address = first_address(text); !address.empty()) hit.client = address;
      return true;
    case FieldKind::kUser:
      hit.user = without_dash(text);
      return true;
    case FieldKind::kRequest:
      set_request(hit, text);
      return true;
    case FieldKind::kMethod:
      hit.method = text.empty() ? kNone : text;
      return true;
    case FieldKind::kTarget:
      hit.target = text.empty() ? kNone : text;
      return true;
    case FieldKind::kProtocol:
      hit.protocol = without_dash(text);
      return true;
    case FieldKind::kStatus:
      return set_status(hit, text);
    case FieldKind::kBytes:
      return set_bytes(hit, text);
    case FieldKind::kReferer:
      hit.referer = without_dash(text);
      return true;
    case FieldKind::kAgent:
      hit.agent = without_dash(text);
      return true;
    case FieldKind::kHost:
      hit.host = without_dash(text);
      return true;
    case FieldKind::kSeconds:
      set_duration(hit, text, 1e6);
      return true;
    case FieldKind::kMillis:
      set_duration(hit, text, 1e3);
      return true;
    case FieldKind::kMicros:
      set_duration(hit, text, 1);
      return true;
  }
  return true;
}

RejectReason reason_for(FieldKind kind) {
  switch (kind) {
    case FieldKind::kTime:
      return RejectReason::kBadTime;
    case FieldKind::kStatus:
      return RejectReason::kBadStatus;
    case FieldKind::kBytes:
      return RejectReason::kBadBytes;
    default:
      return RejectReason::kNotInFormat;
  }
}

}  // namespace millrace::weblog
