#include <fmt/format.h>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "millrace/log_files.h"

namespace millrace::cli {
namespace {

constexpr const char* kVerifyFooter = R"(
Reads everything below PATH, which may be a data folder, a partition's folder or one .log file, and changes nothing.
Exit code 0: all is sound. 1: something is damaged.

A tail that no sync has confirmed is what a crash leaves; the next start cuts it and says so. A damaged index is rebuilt
by the next start. A damaged segment keeps its partition offline, and the others work. To get it back:
  - from a copy: stop the broker, put the partition's folder back as it was, start the broker;
  - without one: copy the folder away, then delete the topic and make it again.
`millrace log dump FILE` shows what is before the damage.)";

int cannot(const Error& error) {
  fmt::print(stderr, "millrace log: {}\n", error.message());
  return error.code() == ErrorCode::kInvalidArgument || error.code() == ErrorCode::kNotFound ? kWrongUse : kFailed;
}

int dump(const std::string& path, DumpDetail detail) {
  const auto dumped = dump_log(path, detail, [](std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
  });
  return dumped ? kDone : cannot(dumped.error());
}

void print_text(const PartitionCheck& check) {
  fmt::print("{}: {} segments, {} batches, {} records, {} bytes, offsets {} to {}: {}\n", check.directory,
             check.segments, check.batches, check.records, check.bytes, check.first.value(), check.next.value(),
             check.damages.empty() ? "sound" : "DAMAGED");
  if (check.tail_bytes > 0) {
    fmt::print("  ends in {} bytes that are no complete batch: a crash's tail, or a write under way\n",
               check.tail_bytes);
  }
  for (const auto& damage : check.damages) fmt::print("  {}\n", damage);
}

void print_json(const std::vector<PartitionCheck>& checks) {
  rapidjson::StringBuffer text;
  rapidjson::Writer json{text};
  const auto string = [&json](const std::string& value) {
    json.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  };
  json.StartArray();
  for (const auto& check : checks) {
    json.StartObject();
    json.Key("directory");
    string(check.directory);
    const std::pair<const char*, std::uint64_t> counts[] = {{"segments", check.segments},
                                                            {"batches", check.batches},
                                                            {"records", check.records},
                                                            {"bytes", check.bytes},
                                                            {"tail_bytes", check.tail_bytes}};
    for (const auto& [key, count] : counts) {
      json.Key(key);
      json.Uint64(count);
    }
    json.Key("first_offset");
    json.Int64(check.first.value());
    json.Key("next_offset");
    json.Int64(check.next.value());
    json.Key("damages");
    json.StartArray();
    for (const auto& damage : check.damages) string(damage);
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
  fmt::print("{}\n", text.GetString());
}

enum class Print : std::uint8_t { kText, kJson };

int verify(const std::string& path, Print print) {
  const auto checks = verify_log(path);
  if (!checks) return cannot(checks.error());
  if (print == Print::kJson) {
    print_json(*checks);
  } else {
    for (const auto& check : *checks) print_text(check);
  }
  for (const auto& check : *checks) {
    if (!check.damages.empty()) return kFailed;
  }
  return kDone;
}

}  // namespace

int run_log(std::span<char*> arguments) {
  CLI::App app{"Looks at the files of a log. Nothing is changed on disk.", "millrace log"};
  app.require_subcommand(1);
  std::string path;
  bool records = false;
  bool as_json = false;
  auto* dump_command =
      app.add_subcommand("dump", "print what is in a segment, an index, a snapshot, or all of a partition");
  dump_command->add_option("PATH", path, "a file, or a partition's folder")->required();
  dump_command->add_flag("--records", records, "each record, not only the batches");
  auto* verify_command = app.add_subcommand("verify", "check every batch, record and index entry");
  verify_command->add_option("PATH", path, "a data folder, a partition's folder, or a .log file")->required();
  verify_command->add_flag("--json", as_json, "print the findings as JSON");
  verify_command->footer(kVerifyFooter);
  std::vector<std::string> words{arguments.rbegin(), arguments.rend()};  // CLI11 takes them from the back
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return kDone;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "millrace log: {}. See: millrace log --help\n", error.what());
    return kWrongUse;
  }
  if (dump_command->parsed()) return dump(path, records ? DumpDetail::kRecords : DumpDetail::kBatches);
  return verify(path, as_json ? Print::kJson : Print::kText);
}

}  // namespace millrace::cli
