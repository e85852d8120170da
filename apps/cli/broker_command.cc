#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/checks.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/default_data.h"
#include "cli/options.h"
#include "cli/stderr_logger.h"
#include "cli/stop_signals.h"
#include "millrace/broker.h"

namespace millrace::cli {
namespace {

constexpr std::chrono::seconds kClosePatience{10};
// What --data is said instead of.
constexpr std::array<std::string_view, 2> kPlaces{"log.dirs", "metadata.log.dir"};

/// The command line as text, not yet understood.
struct BrokerOptions {
  std::string config;
  std::string data;
  std::vector<std::string> listen;
  std::string metrics;
  std::vector<std::string> settings;
};

/// What the broker is started with.
struct BrokerStart {
  std::string data;
  std::optional<ConfigFile> file;
  Properties config;
  std::vector<std::string> listeners;
};

constexpr const char* kBrokerSummary = "Runs a broker: durable topics in a data folder, for any Kafka client.";
constexpr const char* kFooter = R"(
examples:
  millrace broker --data /var/lib/millrace --listen 127.0.0.1:9092
  millrace broker --config server.properties --set num.partitions=3
  millrace broker --listen 0.0.0.0:9092 --set advertised.listeners=PLAINTEXT://broker.example.org:9092

It answers clients of this machine only, unless --listen or "listeners" names another address: there is no
authentication yet.)";

void declare(CLI::App& app, BrokerOptions& options) {
  app.add_option("--config", options.config, "a file of settings, as Kafka's server.properties")
      ->check(not_empty("name a file"));
  app.add_option("--data", options.data, "the data folder, made if absent; for several: --set log.dirs=A,B")
      ->default_str("~/.local/state/millrace/broker")
      ->check(not_empty("name a folder"));
  app.add_option("--listen", options.listen,
                 "HOST:PORT or NAME://HOST:PORT where Kafka clients are answered; port 0: any free one")
      ->default_str("127.0.0.1:9092")
      ->check(host_and_port());
  app.add_option("--metrics", options.metrics, "HOST:PORT where /metrics is served for Prometheus (metrics.address)")
      ->check(host_and_port());
  app.add_option("--set", options.settings, "KEY=VALUE: a setting, before those of --config");
  app.footer(kFooter);
}

/// The file's settings with those of --set before them.
Result<Properties> with_settings(Properties config, const BrokerOptions& options) {
  for (const auto& setting : options.settings) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorCode::kInvalidConfig, fmt::format("--set {}: write KEY=VALUE", setting));
    }
    const auto key = setting.substr(0, equals);
    if (!options.data.empty() && std::ranges::find(kPlaces, key) != kPlaces.end()) {
      return fail(ErrorCode::kInvalidConfig,
                  fmt::format("--set {}: --data says already where the data is; give one of the two", setting));
    }
    config.insert_or_assign(key, setting.substr(equals + 1));
  }
  return config;
}

/// What the file says may be wrong, and what the command line says instead of it is not the file's fault.
Error place(const BrokerStart& start, const BrokerOptions& options, const Error& error) {
  for (const auto& setting : options.settings) {
    if (error.message().find('"' + setting.substr(0, setting.find('=')) + '"') != std::string::npos) return error;
  }
  return start.file ? start.file->at_its_line(error) : error;
}

/// Where the settings say that the metadata log lies; empty when they do not.
std::string metadata_folder(const Properties& config) {
  for (const auto key : {"metadata.log.dir", "log.dirs"}) {
    const auto given = config.find(key);
    if (given == config.end()) continue;
    const auto first = given->second.find_first_not_of(", ");
    if (first == std::string::npos) continue;
    const auto comma = given->second.find(',', first);
    auto folder = given->second.substr(first, comma == std::string::npos ? comma : comma - first);
    folder.erase(folder.find_last_not_of(' ') + 1);
    return folder;
  }
  return {};
}

Result<BrokerStart> to_start(const BrokerOptions& options) {
  BrokerStart start;
  if (!options.config.empty()) {
    MILLRACE_TRY(file, ConfigFile::read(options.config));
    start.file = std::move(file);
  }
  MILLRACE_TRY(config, with_settings(start.file ? start.file->properties() : Properties{}, options));
  start.config = std::move(config);
  if (!options.data.empty()) {
    // What the command line says is instead of what the file says.
    start.data = options.data;
    for (const auto key : kPlaces) start.config.erase(std::string{key});
  } else {
    start.data = metadata_folder(start.config);
  }
  if (start.data.empty()) {
    MILLRACE_TRY(folder, default_data("broker"));
    start.data = folder;
  }
  if (!options.metrics.empty()) start.config.insert_or_assign("metrics.address", options.metrics);
  start.listeners = options.listen;
  if (!start.listeners.empty()) start.config.erase("listeners");
  if (start.listeners.empty() && !start.config.contains("listeners")) start.listeners = {"127.0.0.1:9092"};
  return start;
}

int say(const Error& error) {
  const auto* next = error.code() == ErrorCode::kNoSpace ? ". Free some space and start again" : "";
  fmt::print(stderr, "millrace broker: {}{}\n", error.message(), next);
  return error.code() == ErrorCode::kInvalidConfig ? kWrongUse : kFailed;
}

/// Every connection is an open file, and what a process may have without asking is often only 1024.
void allow_many_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  // What is not granted is not needed to start.
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

void wait_for_signal(const StopSignals& signals) {
  pollfd watched{.fd = signals.descriptor(), .events = POLLIN, .revents = 0};
  while (::poll(&watched, 1, -1) < 0 && errno == EINTR) {
  }
}

int serve(const BrokerStart& start, const BrokerOptions& options, const StopSignals& signals) {
  allow_many_open_files();
  StderrLogger logger{"millrace broker", LogLevel::kInfo};
  auto broker = Broker::open(start.data, start.config, &logger);
  if (!broker && logger.has_said(broker.error().message())) return kFailed;
  if (!broker) return say(place(start, options, broker.error()));
  const auto folders = start.config.find("log.dirs");
  if (folders == start.config.end() || folders->second == start.data) {
    logger.info("the data folder is {}", start.data);
  } else {
    logger.info("the data folders are {}; the metadata log lies in {}", folders->second, start.data);
  }
  for (const auto& address : start.listeners) {
    auto bound = (*broker)->listen(address);
    if (!bound) return say(std::move(bound).error().in("--listen"));
  }
  wait_for_signal(signals);
  if (const auto closed = (*broker)->close(kClosePatience); !closed) return say(closed.error());
  return kDone;
}

}  // namespace

void show_broker(const AppVisitor& visit) {
  BrokerOptions options;
  CLI::App app{kBrokerSummary, "millrace broker"};
  declare(app, options);
  visit(app);
}

int run_broker(std::span<char*> arguments) {
  BrokerOptions options;
  CLI::App app{kBrokerSummary, "millrace broker"};
  declare(app, options);
  if (const auto ended = parse_options(app, arguments)) return *ended;
  auto signals = StopSignals::block();
  if (!signals) return say(signals.error());
  const auto start = to_start(options);
  if (!start) {
    fmt::print(stderr, "millrace broker: {}\n", start.error().message());
    return start.error().code() == ErrorCode::kInvalidConfig ? kWrongUse : kFailed;
  }
  return serve(*start, options, *signals);
}

}  // namespace millrace::cli
