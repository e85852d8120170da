#include <fmt/format.h>
#include <poll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/checks.h"
#include "cli/command.h"
#include "cli/log_address.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/record_form.h"
#include "cli/stop_signals.h"
#include "cli/time_words.h"

namespace millrace::cli {
namespace {

// How often one looks for a signal while nothing comes.
constexpr std::chrono::milliseconds kLook{200};
constexpr std::chrono::seconds kEndPatience{10};

constexpr const char* kConsumeSummary = "Prints the records of topics, a line each.";
constexpr const char* kConsumeFooter = R"(
examples:
  millrace consume orders --from 2026-05-01T00:00:00Z --form key-value
  millrace consume orders --follow --from latest
  millrace consume orders payments --group audit --form json

Without --group it prints what there is and ends; --follow waits for more, until a signal. With --group it is a member
of that group: it begins where the group has committed, shares the partitions with the other members, and commits what
it has printed.)";

struct ConsumeOptions {
  LogAddress log;
  std::vector<std::string> topics;
  std::string from = "earliest";
  std::string group;
  std::vector<std::int32_t> partitions;
  std::string form = "raw";
  std::string separator = "\t";
  std::string isolation;
  std::int64_t count = 0;
  bool follow = false;
  bool json = false;
};

void declare(CLI::App& app, ConsumeOptions& options) {
  app.add_option("TOPIC", options.topics, "what to read")->required()->check(not_empty("name a topic"));
  app.add_option("--from", options.from, "earliest, latest, an offset, or a time as 2026-05-01T12:30:00Z")
      ->capture_default_str();
  app.add_flag("--follow", options.follow, "wait for more, until a signal");
  app.add_option("--group", options.group, "read as a member of this consumer group");
  app.add_option("--partition", options.partitions, "only this partition; may be given again")
      ->check(CLI::Range(0, 2147483647));
  app.add_option("--count", options.count, "end after so many records")->check(CLI::Range(1L, 9223372036854775807L));
  app.add_option("--form", options.form, "what a line is: the value, or JSON with all of the record")
      ->capture_default_str()
      ->check(CLI::IsMember(form_names()));
  app.add_option("--separator", options.separator, "between key and value; without, a tab")->default_str("tab");
  app.add_option("--isolation", options.isolation,
                 "read_uncommitted: also what is of transactions that are open or aborted; without, read_committed")
      ->check(CLI::IsMember({"read_committed", "read_uncommitted"}));
  declare_log_address(app, options.log);
  app.add_flag("--json", options.json, "the same as --form json");
  app.footer(kConsumeFooter);
}

bool has_signal(const StopSignals& signals) {
  pollfd watched{.fd = signals.descriptor(), .events = POLLIN, .revents = 0};
  return ::poll(&watched, 1, 0) > 0;
}

/// Reads, prints and, in a group, commits.
class Reader {
 public:
  Reader(const ConsumeOptions& options, Consumer& consumer, Admin& admin, const StopSignals& signals)
      : options_(options), consumer_(consumer), admin_(admin), signals_(signals) {}

  Result<void> run() {
    MILLRACE_CHECK(options_.group.empty() ? assign() : join());
    while (!is_done()) {
      MILLRACE_TRY(batches, consumer_.poll(kLook));
      MILLRACE_CHECK(print(batches));
      if (!batches.empty() && !options_.group.empty()) MILLRACE_CHECK(commit());
    }
    if (!options_.group.empty() && printed_ > 0) return consumer_.commit(printed(), kEndPatience);
    return {};
  }

 private:
  [[nodiscard]] bool has_enough() const { return options_.count > 0 && printed_ >= options_.count; }

  [[nodiscard]] bool is_done() {
    if (has_enough() || output_is_closed_ || has_signal(signals_)) return true;
    if (options_.follow || !options_.group.empty()) return false;
    std::erase_if(ends_, [&](const auto& one) {
      const auto position = consumer_.position(one.first);
      return position && *position >= one.second;
    });
    return ends_.empty();
  }

  Result<void> join() {
    // Who only subscribes would wait in silence, for a broker that is not there or a topic that is misspelt.
    for (const auto& name : options_.topics) {
      const auto topic = admin_.describe_topic(name);
      if (!topic && topic.error().code() != ErrorCode::kUnknownTopicOrPartition) return std::unexpected(topic.error());
      if (!topic) fmt::print(stderr, "millrace consume: there is no topic \"{}\" yet; waiting for it\n", name);
    }
    return consumer_.subscribe(options_.topics);
  }

  Result<void> assign() {
    std::vector<TopicPartition> partitions;
    for (const auto& name : options_.topics) {
      MILLRACE_TRY(topic, admin_.describe_topic(name));
      if (options_.partitions.empty()) {
        for (const auto& one : topic.partitions) partitions.push_back({name, one.index});
      }
      for (const auto index : options_.partitions) partitions.push_back({name, PartitionIndex{index}});
    }
    MILLRACE_CHECK(consumer_.assign(partitions));
    for (const auto& partition : partitions) {
      if (!options_.follow) {
        // As this consumer sees it: behind the records of a transaction that is open there is nothing to wait for.
        MILLRACE_CHECK(consumer_.seek(partition, StartAt::kLatest));
        MILLRACE_TRY(end, consumer_.position(partition));
        ends_.emplace(partition, end);
      }
      MILLRACE_CHECK(seek(partition));
    }
    return {};
  }

  Result<void> seek(const TopicPartition& partition) {
    if (options_.from == "earliest") return consumer_.seek(partition, StartAt::kEarliest);
    if (options_.from == "latest") return consumer_.seek(partition, StartAt::kLatest);
    std::int64_t offset = 0;
    const auto* const begin = options_.from.data();
    const auto [end, error] = std::from_chars(begin, begin + options_.from.size(), offset);
    if (error == std::errc{} && end == begin + options_.from.size() && offset >= 0) {
      return consumer_.seek(partition, Offset{offset});
    }
    const auto time = parse_time("--from", options_.from);
    if (time) return consumer_.seek_to_time(partition, *time);
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("--from \"{}\": write earliest, latest, an offset, or a time as 2026-05-01T12:30:00Z",
                            options_.from));
  }

  Result<void> print(const std::vector<PolledBatch>& batches) {
    const auto form = form_of(options_.json ? "json" : options_.form).value();
    Output output{"the records"};
    std::map<TopicPartition, Offset> behind;
    for (const auto& batch : batches) {
      for (const auto& record : batch.records()) {
        const auto end = ends_.find(batch.partition());
        // What came while this was reading is for --follow.
        const bool is_late =
            !options_.follow && options_.group.empty() && (end == ends_.end() || record.offset >= end->second);
        if (has_enough() || is_late) break;
        text_.clear();
        print_record(form, options_.separator, batch.partition(), record, text_);
        output.write(text_);
        ++printed_;
        behind[batch.partition()] = record.offset + 1;
      }
    }
    auto written = output.finish();
    if (!written && output.reader_is_gone()) {
      output_is_closed_ = true;
      return {};
    }
    if (written) {
      for (const auto& [partition, offset] : behind) last_[partition] = offset;
    }
    return written;
  }

  /// Behind what was printed, which is less than what was read when it ends in between.
  [[nodiscard]] std::vector<PartitionOffset> printed() const {
    std::vector<PartitionOffset> offsets;
    const auto mine = consumer_.assignment();
    for (const auto& [partition, offset] : last_) {
      if (std::ranges::find(mine, partition) == mine.end()) continue;
      offsets.push_back({.partition = partition, .offset = offset});
    }
    return offsets;
  }
  Result<void> commit() {
    if (output_is_closed_) return {};
    return consumer_.commit_async(printed());
  }

  const ConsumeOptions& options_;
  Consumer& consumer_;
  Admin& admin_;
  const StopSignals& signals_;
  std::map<TopicPartition, Offset> ends_;
  std::map<TopicPartition, Offset> last_;
  std::string text_;
  std::int64_t printed_ = 0;
  /// Whoever reads our output has had enough.
  bool output_is_closed_ = false;
};

Result<Properties> consumer_properties(const ConsumeOptions& options) {
  Properties properties{{"enable.auto.commit", "false"}};
  if (!options.isolation.empty()) properties.insert_or_assign("isolation.level", options.isolation);
  if (options.group.empty()) return properties;
  if (!options.partitions.empty()) {
    return fail(ErrorCode::kInvalidConfig, "--partition is not for --group: the group divides the partitions");
  }
  if (options.from != "earliest" && options.from != "latest") {
    return fail(ErrorCode::kInvalidConfig,
                "--from with --group is earliest or latest, where the group has committed nothing; to go elsewhere: "
                "millrace group reset");
  }
  properties.insert_or_assign("group.id", options.group);
  properties.insert_or_assign("auto.offset.reset", options.from);
  return properties;
}

Result<void> consume(const ConsumeOptions& options, const StopSignals& signals) {
  MILLRACE_TRY(properties, consumer_properties(options));
  MILLRACE_TRY(client, open_log(options.log, Folder::kMustBeLog));
  MILLRACE_TRY(admin, client->admin());
  MILLRACE_TRY(consumer, client->consumer(properties));
  Reader reader{options, *consumer, *admin, signals};
  auto done = reader.run();
  auto closed = consumer->close(kEndPatience);
  if (!done) return done;
  return closed;
}

}  // namespace

void show_consume(const AppVisitor& visit) {
  ConsumeOptions options;
  CLI::App app{kConsumeSummary, "millrace consume"};
  declare(app, options);
  visit(app);
}

int run_consume(std::span<char*> arguments) {
  ConsumeOptions options;
  CLI::App app{kConsumeSummary, "millrace consume"};
  declare(app, options);
  if (const auto ended = parse_options(app, arguments)) return *ended;
  const auto signals = StopSignals::block();
  if (!signals) return say_failure("millrace consume", signals.error());
  // `millrace consume | head`: the group is left in order, and nothing is wrong.
  std::signal(SIGPIPE, SIG_IGN);
  const auto done = consume(options, *signals);
  return done ? kDone : say_failure("millrace consume", done.error());
}

}  // namespace millrace::cli
