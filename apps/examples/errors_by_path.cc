#include "errors_by_path.h"

#include <charconv>

namespace millrace::examples {

using namespace std::chrono_literals;
using namespace millrace::streams;

Result<Hit> parse_hit(std::string_view line) {
  const char* const end = line.data() + line.size();
  std::int64_t time = 0;
  Hit hit;
  const auto after_time = std::from_chars(line.data(), end, time);
  if (after_time.ec != std::errc{} || after_time.ptr == end) return fail(ErrorCode::kDecodeFailed, "no time");
  const auto after_status = std::from_chars(after_time.ptr + 1, end, hit.status);
  if (after_status.ec != std::errc{} || after_status.ptr == end) return fail(ErrorCode::kDecodeFailed, "no status");
  hit.time = Timestamp{std::chrono::milliseconds{time}};
  hit.path = {after_status.ptr + 1, end};
  return hit;
}

Topology errors_by_path() {
  Builder builder;
  builder.stream("access-log", &parse_hit)
      .timestamps(&Hit::time)
      .filter([](const auto& hit) { return hit.value.status >= 500; })
      .group_by(&Hit::path)
      .window(tumbling(1min).grace(10s))
      .count()
      .as("errors")
      .emit(on_close)
      .to("errors-by-path");
  return builder.build();
}

}  // namespace millrace::examples
