#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cli/checks.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/line_input.h"
#include "cli/log_address.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/record_form.h"
#include "cli/stop_signals.h"

namespace millrace::cli {
namespace {

// What the last records get to become durable.
constexpr std::chrono::seconds kFlushPatience{30};

constexpr const char* kProduceSummary = "Appends lines to a topic, a record each.";
constexpr const char* kProduceFooter = R"(
examples:
  printf 'alice\t7\nbob\t9\n' | millrace produce scores --form key-value
  millrace produce orders --file orders.jsonl --form json
  millrace consume orders --form json --at kafka:a:9092 | millrace produce orders --form json --at kafka:b:9092

A signal ends it after what was read is stored. Exit code 0 says that every record is.)";

struct ProduceOptions {
  LogAddress log;
  std::string topic;
  std::string file = "-";
  std::string form = "raw";
  std::string separator = "\t";
  std::optional<std::int32_t> partition;
  std::vector<std::string> headers;
  bool json = false;
};

void declare(CLI::App& app, ProduceOptions& options) {
  app.add_option("TOPIC", options.topic, "where to")->required()->check(not_empty("name a topic"));
  app.add_option("--file", options.file, "the lines; - is standard input")->capture_default_str();
  app.add_option("--form", options.form, "what a line is: the value, or JSON with key, value, headers, timestamp")
      ->capture_default_str()
      ->check(CLI::IsMember(form_names()));
  app.add_option("--separator", options.separator, "between key and value; without, a tab")
      ->default_str("tab")
      ->check(not_empty("give the text between key and value"));
  app.add_option("--partition", options.partition, "all to this partition")->check(CLI::Range(0, 2147483647));
  app.add_option("--header", options.headers, "NAME=VALUE: a header of every record");
  declare_log_address(app, options.log);
  app.add_flag("--json", options.json, "say at the end, in JSON, how many records were stored");
  app.footer(kProduceFooter);
}

/// Counts what is stored, on the client's thread.
class StoredCount {
 public:
  void add(const DeliveryReport& report) {
    if (!report.base_offset) return;
    const std::lock_guard lock{mutex_};
    count_ += static_cast<std::int64_t>(report.tokens.size());
  }
  [[nodiscard]] std::int64_t get() {
    const std::lock_guard lock{mutex_};
    return count_;
  }

 private:
  std::mutex mutex_;
  std::int64_t count_ = 0;
};

using OwnedHeaders = std::vector<std::pair<std::string, std::optional<std::string>>>;

Result<OwnedHeaders> headers_for_all(const ProduceOptions& options) {
  OwnedHeaders headers;
  for (const auto& header : options.headers) {
    MILLRACE_TRY(parsed, parse_setting("--header", header));
    headers.emplace_back(std::move(parsed));
  }
  return headers;
}

NullableBytes view_of(const std::optional<std::string>& bytes) {
  return bytes ? NullableBytes{*bytes} : NullableBytes{};
}

Result<void> send_line(Producer& producer, const ProduceOptions& options, const OwnedHeaders& headers_of_all,
                       std::string_view line) {
  MILLRACE_TRY(parsed, parse_record(form_of(options.form).value(), options.separator, line));
  std::vector<Header> headers;
  const auto add = [&headers](const OwnedHeaders& some) {
    for (const auto& [name, value] : some) headers.push_back({name, view_of(value)});
  };
  add(headers_of_all);
  add(parsed.headers);
  ProducerRecord record{.topic = options.topic,
                        .partition = parsed.partition,
                        .key = view_of(parsed.key),
                        .value = view_of(parsed.value),
                        .timestamp = parsed.timestamp,
                        .headers = headers};
  if (options.partition) record.partition = PartitionIndex{*options.partition};
  return producer.send(record);
}

Result<void> send_lines(Producer& producer, const ProduceOptions& options, LineInput& input) {
  MILLRACE_TRY(headers, headers_for_all(options));
  for (;;) {
    MILLRACE_TRY(line, input.next());
    if (!line) return {};
    auto sent = send_line(producer, options, headers, *line);
    if (!sent) return std::unexpected(std::move(sent).error().in(fmt::format("line {}", input.line_number())));
  }
}

int produce(const ProduceOptions& options, const StopSignals& signals) {
  const std::string name = "millrace produce";
  auto input = LineInput::open(options.file, signals.descriptor());
  if (!input) return say_failure(name, input.error());
  const auto client = open_log(options.log, Folder::kMayBeMade);
  if (!client) return say_failure(name, client.error());
  StoredCount stored;
  const auto producer = (*client)->producer({}, [&stored](const DeliveryReport& report) { stored.add(report); });
  if (!producer) return say_failure(name, producer.error());
  const auto sent = send_lines(**producer, options, *input);
  // What was read before a wrong line is stored all the same.
  const auto closed = (*producer)->close(kFlushPatience);
  if (options.json) {
    JsonText json;
    json.object([&] {
      json.field("topic", options.topic);
      json.field("records", stored.get());
    });
    if (const auto written = write_output(json.take_line(), "the answer"); !written) {
      return say_failure(name, written.error());
    }
  }
  // What the cluster said goes before what it led to.
  if (!closed) return say_failure(name, closed.error());
  return sent ? kDone : say_failure(name, sent.error());
}

}  // namespace

void show_produce(const AppVisitor& visit) {
  ProduceOptions options;
  CLI::App app{kProduceSummary, "millrace produce"};
  declare(app, options);
  visit(app);
}

int run_produce(std::span<char*> arguments) {
  ProduceOptions options;
  CLI::App app{kProduceSummary, "millrace produce"};
  declare(app, options);
  if (const auto ended = parse_options(app, arguments)) return *ended;
  const auto signals = StopSignals::block();
  if (!signals) return say_failure("millrace produce", signals.error());
  return produce(options, *signals);
}

}  // namespace millrace::cli
