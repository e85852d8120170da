#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/options.h"
#include "cli/output.h"
#include "millrace/log_files.h"

namespace millrace::cli {
namespace {

constexpr const char* kLogSummary = "Looks at the files of a log. Nothing is changed on disk but by repair --cut.";
constexpr const char* kVerifyFooter = R"(
Reads everything below PATH, which may be a data folder, a partition's folder or one .log file, and changes nothing.
Exit code 0: all is sound. 1: something is damaged.

A tail that no sync has confirmed is what a crash leaves; the next start cuts it and says so. A damaged index is rebuilt
by the next start. A damaged segment keeps its partition offline, and the others work. To get it back:
  - from a copy: stop the broker, put the partition's folder back as it was, start the broker;
  - without one: `millrace log repair FOLDER` says what would be lost by ending the log before the damage.
`millrace log dump FILE` shows what is before the damage.)";

constexpr const char* kRepairFooter = R"(
Says what is damaged in a partition, and what ending its log before the damage would lose. With --cut it does so: every
record from there on is lost, also those that look intact, and consumers that were further on must be set back. The
bytes are kept in files that end in .cut, beside the segments, until you remove them. The broker has to be stopped.
Exit code 0: nothing is damaged, or it was cut. 1: it is damaged, and nothing was changed.)";

int cannot(const Error& error) {
  fmt::print(stderr, "millrace log: {}\n", error.message());
  return error.code() == ErrorCode::kInvalidArgument ? kWrongUse : kFailed;
}

int dump(const std::string& path, DumpDetail detail) {
  Output output{"what is in the log"};
  const auto dumped = dump_log(path, detail, [&output](std::string_view line) {
    output.write(line);
    output.write("\n");
  });
  if (!dumped) return cannot(dumped.error());
  const auto written = output.finish();
  return written ? kDone : cannot(written.error());
}

std::string to_text(const PartitionCheck& check) {
  auto text = fmt::format("{}: {} segments, {} batches, {} records, {} bytes, offsets {} to {}: {}\n", check.directory,
                          check.segments, check.batches, check.records, check.bytes, check.first.value(),
                          check.next.value(), check.damages.empty() ? "sound" : "DAMAGED");
  if (check.tail_bytes > 0) {
    text += fmt::format("  ends in {} bytes that are no complete batch: a crash's tail, or a write under way\n",
                        check.tail_bytes);
  }
  for (const auto& damage : check.damages) text += fmt::format("  {}\n", damage);
  return text;
}

void count_field(JsonText& json, std::string_view name, std::uint64_t count) {
  json.field(name, static_cast<std::int64_t>(count));
}

void texts_field(JsonText& json, std::string_view name, const std::vector<std::string>& texts) {
  json.key(name);
  json.array([&] {
    for (const auto& text : texts) json.value(text);
  });
}

std::string to_json(const std::vector<PartitionCheck>& checks) {
  JsonText json;
  json.array([&] {
    for (const auto& check : checks) {
      json.object([&] {
        json.field("directory", check.directory);
        count_field(json, "segments", check.segments);
        count_field(json, "batches", check.batches);
        count_field(json, "records", check.records);
        count_field(json, "bytes", check.bytes);
        count_field(json, "tail_bytes", check.tail_bytes);
        json.field("first_offset", check.first);
        json.field("next_offset", check.next);
        texts_field(json, "damages", check.damages);
      });
    }
  });
  return json.take_line();
}

enum class Print : std::uint8_t { kText, kJson };

int verify(const std::string& path, Print print) {
  const auto checks = verify_log(path);
  if (!checks) return cannot(checks.error());
  Output output{"the findings"};
  if (print == Print::kJson) {
    output.write(to_json(*checks));
  } else {
    for (const auto& check : *checks) output.write(to_text(check));
  }
  if (const auto written = output.finish(); !written) return cannot(written.error());
  for (const auto& check : *checks) {
    if (!check.damages.empty()) return kFailed;
  }
  return kDone;
}

std::string to_text(const LogRepair& repair, RepairMode mode) {
  if (repair.damage.empty()) return fmt::format("{}: nothing has to be repaired\n", repair.directory);
  const bool cut = mode == RepairMode::kCut;
  auto text = fmt::format("{}: {}\n", repair.directory, repair.damage);
  text += fmt::format("  the log {} at offset {}\n", cut ? "now ends" : "would end", repair.end.value());
  text += fmt::format("  {}: offsets {} to {}, {} bytes; {} of the records behind the damage look intact\n",
                      cut ? "lost" : "would be lost", repair.end.value(), repair.lost_end.value() - 1, repair.cut_bytes,
                      repair.intact_records);
  for (const auto& file : repair.side_files) text += fmt::format("  kept in {}\n", file);
  if (!cut) text += fmt::format("  nothing was changed; to cut: millrace log repair --cut {}\n", repair.directory);
  return text;
}

std::string to_json(const LogRepair& repair, RepairMode mode) {
  JsonText json;
  json.object([&] {
    json.field("directory", repair.directory);
    json.field("damage", repair.damage.empty() ? std::nullopt : std::optional{repair.damage});
    json.field("cut", mode == RepairMode::kCut && !repair.damage.empty());
    if (repair.damage.empty()) return;
    json.field("end_offset", repair.end);
    json.field("lost_end_offset", repair.lost_end);
    count_field(json, "lost_bytes", repair.cut_bytes);
    count_field(json, "intact_records", repair.intact_records);
    texts_field(json, "kept_in", repair.side_files);
  });
  return json.take_line();
}

int repair(const std::string& path, RepairMode mode, Print print) {
  const auto repair = repair_log(path, mode);
  if (!repair) return cannot(repair.error());
  const auto written =
      write_output(print == Print::kJson ? to_json(*repair, mode) : to_text(*repair, mode), "the findings");
  if (!written) return cannot(written.error());
  return repair->damage.empty() || mode == RepairMode::kCut ? kDone : kFailed;
}

struct LogOptions {
  std::string path;
  bool records = false;
  bool as_json = false;
  bool cut = false;
};

struct LogCommands {
  CLI::App* dump;
  CLI::App* verify;
  CLI::App* repair;
};

LogCommands declare(CLI::App& app, LogOptions& options) {
  app.require_subcommand(1);
  auto* dump_command =
      app.add_subcommand("dump", "print what is in a segment, an index, a snapshot, or all of a partition");
  dump_command->add_option("PATH", options.path, "a file, or a partition's folder")->required();
  dump_command->add_flag("--records", options.records, "each record, not only the batches");
  auto* verify_command = app.add_subcommand("verify", "check every batch, record and index entry");
  verify_command->add_option("PATH", options.path, "a data folder, a partition's folder, or a .log file")->required();
  verify_command->add_flag("--json", options.as_json, "print the findings as JSON");
  verify_command->footer(kVerifyFooter);
  auto* repair_command = app.add_subcommand("repair", "end a damaged partition's log before its damage");
  repair_command->add_option("FOLDER", options.path, "a partition's folder, such as DATA/orders-0")->required();
  repair_command->add_flag("--cut", options.cut, "do it; without, only say what would be lost");
  repair_command->add_flag("--json", options.as_json, "say it in JSON");
  repair_command->footer(kRepairFooter);
  return {dump_command, verify_command, repair_command};
}

}  // namespace

void show_log(const AppVisitor& visit) {
  LogOptions options;
  CLI::App app{kLogSummary, "millrace log"};
  declare(app, options);
  visit(app);
}

int run_log(std::span<char*> arguments) {
  LogOptions options;
  CLI::App app{kLogSummary, "millrace log"};
  const auto commands = declare(app, options);
  if (const auto ended = parse_options(app, arguments)) return *ended;
  if (commands.dump->parsed()) return dump(options.path, options.records ? DumpDetail::kRecords : DumpDetail::kBatches);
  const auto print = options.as_json ? Print::kJson : Print::kText;
  if (commands.repair->parsed()) {
    return repair(options.path, options.cut ? RepairMode::kCut : RepairMode::kShow, print);
  }
  return verify(options.path, print);
}

}  // namespace millrace::cli
