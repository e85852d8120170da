// How often each path failed, minute by minute: a whole stream job over the lines that `millrace weblog --data DIR`
// captured.

#include <millrace/streams.h>

#include <iostream>

namespace streams = millrace::streams;
using namespace std::chrono_literals;

/// The path of a line that ended with a server error: ... "GET /cart HTTP/1.1" 503 ...
std::string_view failed_path(std::string_view line) {
  const auto status = line.find("\" 5");
  const auto path = line.find(" /");
  return path < status && status != line.npos ? line.substr(path + 1, line.find(' ', path + 1) - path - 1) : "";
}

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : "weblog-data";
  streams::Builder builder;
  builder.stream("access-log", streams::text())
      .map_values(&failed_path)
      .filter([](std::string_view path) { return !path.empty(); })
      .group_by([](std::string_view path) { return path; })
      .window(streams::tumbling(1min))
      .count()
      .to("failing-paths");

  const auto ended =
      streams::run(builder.build(), {{"application.id", "failing-paths"}, {"bootstrap.servers", "embedded:" + folder}});
  std::cerr << ended.error().message() << '\n';
  return 1;
}
