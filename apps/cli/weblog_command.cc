#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/checks.h"
#include "cli/command.h"
#include "cli/default_data.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/size_text.h"
#include "cli/stderr_logger.h"
#include "cli/stop_signals.h"
#include "weblog/runner.h"

namespace millrace::cli {
namespace {

using weblog::LineFormat;
using weblog::PipelineOptions;
using weblog::RunSettings;

/// The command line as text, not yet understood.
struct Options {
  std::vector<std::string> files;
  std::string format = "combined";
  std::string data;
  std::string page;
  std::string listen;
  std::string client_header;
  std::string memory = "512MiB";
  std::string topic_size = "1GiB";
  std::string scheduler = "tbb";
  std::uint64_t top = 1000;
  std::uint32_t keep_days = 31;
  std::uint32_t threads = 0;
  std::uint32_t seconds = 0;
  bool once = false;
  bool json = false;
  bool anonymize = false;
  bool demo = false;
};

constexpr const char* kSummary = "Aggregates web server logs in real time.";
constexpr const char* kFooter = R"(
examples:
  millrace weblog /var/log/nginx/access.log --page 127.0.0.1:8080
  millrace weblog --once access.log access.log.1 access.log.2.gz
  zcat old.gz | millrace weblog --once --json -
  millrace weblog --format '$remote_addr [$time_local] "$request" $status $body_bytes_sent' access.log)";

void declare(CLI::App& app, Options& options) {
  app.add_option("FILE", options.files, "logs to read: paths, globs, - for standard input, .gz with --once")
      ->check(not_empty("name a log to read"));
  app.add_flag("--once", options.once, "read to the end of the files, print a report and exit");
  app.add_flag("--json", options.json, "print the report as one JSON object");
  app.add_option(
         "--format", options.format,
         "combined, common, vhost, json, or the server's own LogFormat (%h ...) or log_format ($remote_addr ...)")
      ->capture_default_str();
  app.add_option("--data", options.data, "where captured lines and figures are kept (--once: nowhere)")
      ->check(not_empty("name a folder"));
  app.add_option("--page", options.page, "HOST:PORT of the live page; port 0: any free one")
      ->check(not_empty("give HOST:PORT"))
      ->check(host_and_port());
  app.add_option("--listen", options.listen, "HOST:PORT where Kafka clients can read the lines and results")
      ->check(not_empty("give HOST:PORT"))
      ->check(host_and_port());
  app.add_option("--client-header", options.client_header,
                 "the request header that names the client, such as X-Forwarded-For: its first address counts");
  app.add_flag("--anonymize", options.anonymize, "mask addresses before they are stored");
  app.add_option("--top", options.top, "names in each list of the report; 0: all")
      ->capture_default_str()
      ->check(whole_number());
  app.add_option("--memory", options.memory, "for what is counted; beyond it, figures are estimates")
      ->capture_default_str();
  app.add_option("--keep", options.keep_days, "days of event time that windows take lines (--once: unlimited)")
      ->capture_default_str()
      ->check(CLI::Range(1, 36500));
  app.add_option("--topic-size", options.topic_size, "bound of the topic of captured lines")->capture_default_str();
  app.add_option("--threads", options.threads, "threads that count; 0: one for each processor")
      ->check(CLI::Range(0, 1024));
  app.add_option("--scheduler", options.scheduler, "what runs them")->check(CLI::IsMember({"tbb", "threads"}));
  app.add_option("--seconds", options.seconds, "stop after this time")->check(whole_number());
  app.add_flag("--demo", options.demo, "follow a log that is made up");
  app.footer(kFooter);
}

/// Says on standard error what is wrong with the command line.
int wrong_use(std::string_view message) {
  fmt::print(stderr, "millrace weblog: {}\n", message);
  return kWrongUse;
}

int failed(const Error& error) {
  const auto* next = error.code() == ErrorCode::kNoSpace ? ". Free some space and start again." : "";
  fmt::print(stderr, "millrace weblog: {}{}\n", error.message(), next);
  return kFailed;
}

Result<RunSettings> to_settings(const Options& options, Logger& logger, int stop_descriptor) {
  if (options.files.empty() && !options.demo) {
    return fail(ErrorCode::kInvalidConfig, "no FILE to read. See: millrace weblog --help");
  }
  if (options.demo && (!options.files.empty() || options.once)) {
    return fail(ErrorCode::kInvalidConfig, "--demo makes its own log: leave out FILE and --once");
  }
  if (options.once && (!options.page.empty() || !options.listen.empty())) {
    return fail(ErrorCode::kInvalidConfig, "--once ends with the files: --page and --listen are for following them");
  }
  MILLRACE_TRY(format, LineFormat::compile(options.format, {.client_header = options.client_header}));
  MILLRACE_TRY(memory, parse_size("--memory", options.memory));
  MILLRACE_TRY(topic, parse_size("--topic-size", options.topic_size));
  constexpr std::uint64_t kSmallestTopic = 8 << 20;
  if (topic < kSmallestTopic) {
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("--topic-size {}: it must be at least 8MiB", options.topic_size));
  }
  PipelineOptions pipeline{.format = std::move(format)};
  pipeline.files = options.files;
  pipeline.memory_bytes = memory;
  pipeline.topic_bytes = topic;
  pipeline.read = options.once ? PipelineOptions::Read::kOnce : PipelineOptions::Read::kFollow;
  pipeline.addresses = options.anonymize ? PipelineOptions::Addresses::kMasked : PipelineOptions::Addresses::kAsLogged;
  if (!options.once) pipeline.keep = std::chrono::days{options.keep_days};
  pipeline.threads = options.threads;
  pipeline.scheduler = options.scheduler;
  pipeline.logger = &logger;
  RunSettings settings{.pipeline = std::move(pipeline)};
  settings.page = options.page;
  settings.listen = options.listen;
  settings.is_data_temporary = options.data.empty() && (options.once || options.demo);
  if (!options.data.empty()) {
    settings.pipeline.data = options.data;
  } else if (!settings.is_data_temporary) {
    MILLRACE_TRY(data, default_data("weblog"));
    settings.pipeline.data = data;
  }
  settings.cut.entries = options.top;
  settings.print = options.json ? RunSettings::Print::kJson : RunSettings::Print::kText;
  settings.is_demo = options.demo;
  if (options.seconds > 0) settings.seconds = std::chrono::seconds{options.seconds};
  settings.stop_descriptor = stop_descriptor;
  return settings;
}

}  // namespace

void show_weblog(const AppVisitor& visit) {
  Options options;
  CLI::App app{kSummary, "millrace weblog"};
  declare(app, options);
  visit(app);
}

int run_weblog(std::span<char*> arguments) {
  Options options;
  CLI::App app{kSummary, "millrace weblog"};
  declare(app, options);
  if (const auto ended = parse_options(app, arguments)) return *ended;

  StderrLogger logger{"millrace weblog"};
  auto signals = StopSignals::block();
  if (!signals) return failed(signals.error());
  auto settings = to_settings(options, logger, signals->descriptor());
  if (!settings) return wrong_use(settings.error().message());
  const auto report = options.once ? weblog::run_once(*std::move(settings)) : weblog::follow(*std::move(settings));
  if (!report && logger.has_said(report.error().message())) return kFailed;
  if (!report) return failed(report.error());
  const auto written = write_output(*report, "the report");
  return written ? kDone : failed(written.error());
}

}  // namespace millrace::cli
