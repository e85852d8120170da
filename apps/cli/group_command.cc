#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/admin_command.h"
#include "cli/checks.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/log_address.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/time_words.h"

namespace millrace::cli {
namespace {

using Align = Table::Align;

constexpr const char* kGroupSummary =
    "Shows consumer groups and how far behind they are, sets them back, deletes them.";
constexpr const char* kGroupFooter = R"(
examples:
  millrace group list
  millrace group describe billing
  millrace group reset billing --topic orders --to-time 2026-05-01T00:00:00Z --dry-run)";
constexpr const char* kResetFooter = R"(
Says where the group goes on; it must have no members. Without --topic: in every partition in which it has an offset.)";

struct GroupOptions {
  LogAddress log;
  std::vector<std::string> names;
  std::vector<std::string> topics;
  bool to_earliest = false;
  bool to_latest = false;
  std::string to_time;
  std::optional<std::int64_t> to_offset;
  std::optional<std::int64_t> shift;
  bool dry_run = false;
  bool json = false;
};

struct GroupCommands {
  CLI::App* list;
  CLI::App* describe;
  CLI::App* reset;
  CLI::App* remove;
};

GroupCommands declare(CLI::App& app, GroupOptions& options) {
  app.require_subcommand(1);
  app.footer(kGroupFooter);
  auto* list = app.add_subcommand("list", "show which groups there are");
  auto* describe =
      app.add_subcommand("describe", "show members, committed offsets, and how many records are left (lag)");
  auto* reset = app.add_subcommand("reset", "set where a group goes on");
  auto* remove = app.add_subcommand("delete", "delete groups and what they have committed");
  for (auto* command : {describe, reset, remove}) {
    command->add_option("GROUP", options.names, "the groups")->required()->check(not_empty("name a group"));
  }
  reset->add_option("--topic", options.topics, "TOPIC, or TOPIC:PARTITION: only there");
  reset->add_flag("--to-earliest", options.to_earliest, "to the first record there is");
  reset->add_flag("--to-latest", options.to_latest, "behind the last one");
  reset->add_option("--to-time", options.to_time, "to the first record at or after a time: 2026-05-01T12:30:00Z");
  reset->add_option("--to-offset", options.to_offset, "to this offset")->check(whole_number(INT64_MAX));
  reset->add_option("--shift", options.shift, "by so many records: -100 reads the last hundred again")
      ->check(CLI::TypeValidator<std::int64_t>("NUMBER"));
  reset->add_flag("--dry-run", options.dry_run, "only say what would be set");
  reset->footer(kResetFooter);
  for (auto* command : {list, describe, reset, remove}) {
    declare_log_address(*command, options.log);
    command->add_flag("--json", options.json, "answer in JSON, a line for each group");
  }
  return {list, describe, reset, remove};
}

Result<void> list_groups(Admin& admin, const GroupOptions& options, Output& output) {
  MILLRACE_TRY(groups, admin.list_groups());
  Table table{{{"GROUP"}, {"STATE"}, {"PROTOCOL"}}};
  for (const auto& group : groups) {
    if (!options.json) {
      table.add({cell_text(group.id), cell_text(group.state), cell_text(group.protocol_type)});
      continue;
    }
    JsonText json;
    json.object([&] {
      json.field("group", group.id);
      json.field("state", group.state);
      json.field("protocol_type", group.protocol_type);
    });
    output.write(json.take_line());
  }
  if (!options.json && !table.empty()) output.write(table.text());
  return {};
}

/// A partition that the group reads or has read.
struct Progress {
  std::optional<Offset> committed;
  std::optional<Offset> end;
  std::string member;
  std::string client;
  /// How many offsets are left; unknown while one of both is.
  [[nodiscard]] std::optional<std::int64_t> lag() const {
    if (!committed || !end) return std::nullopt;
    return std::max<std::int64_t>(*end - *committed, 0);
  }
};

Result<std::map<TopicPartition, Progress>> progress_of(Admin& admin, const GroupDescription& group) {
  std::map<TopicPartition, Progress> all;
  MILLRACE_TRY(offsets, admin.group_offsets(group.id));
  for (const auto& offset : offsets) {
    if (offset.offset != kNoOffset) all[offset.partition].committed = offset.offset;
  }
  for (const auto& member : group.members) {
    for (const auto& partition : member.assignment) {
      all[partition].member = member.id;
      all[partition].client = member.client_id;
    }
  }
  for (auto& [partition, progress] : all) {
    // A topic that is gone has no end.
    if (const auto end = admin.list_offset(partition, {.kind = OffsetKind::kLatest})) progress.end = end->offset;
  }
  return all;
}

std::string group_as_text(const GroupDescription& group, const std::map<TopicPartition, Progress>& progress) {
  auto text = fmt::format("{}: {}, {} members{}\n", cell_text(group.id), group.state, group.members.size(),
                          group.protocol.empty() ? "" : ", " + group.protocol);
  Table table{{{"TOPIC"},
               {"PARTITION", Align::kRight},
               {"COMMITTED", Align::kRight},
               {"END", Align::kRight},
               {"LAG", Align::kRight},
               {"CLIENT"},
               {"MEMBER"}}};
  for (const auto& [partition, one] : progress) {
    table.add({cell_text(partition.topic), std::to_string(partition.partition.value()), cell_text(one.committed),
               cell_text(one.end), cell_text(one.lag()), cell_text(one.client), cell_text(one.member)});
  }
  if (!table.empty()) text += table.text();
  for (const auto& member : group.members) {
    if (member.assignment.empty()) text += fmt::format("without a partition: {}\n", cell_text(member.id));
  }
  return text;
}

std::string group_as_json(const GroupDescription& group, const std::map<TopicPartition, Progress>& progress) {
  JsonText json;
  json.object([&] {
    json.field("group", group.id);
    json.field("state", group.state);
    json.field("protocol_type", group.protocol_type);
    json.field("protocol", group.protocol);
    json.key("members");
    json.array([&] {
      for (const auto& member : group.members) {
        json.object([&] {
          json.field("member", member.id);
          json.field("instance", member.instance_id);
          json.field("client", member.client_id);
          json.field("host", member.client_host);
        });
      }
    });
    json.key("partitions");
    json.array([&] {
      for (const auto& [partition, one] : progress) {
        json.object([&, &partition = partition, &one = one] {
          json.field("topic", partition.topic);
          json.field("partition", partition.partition.value());
          json.field("committed_offset", one.committed);
          json.field("end_offset", one.end);
          json.field("lag", one.lag());
          if (!one.member.empty()) json.field("member", one.member);
        });
      }
    });
  });
  return json.take_line();
}

Result<void> describe_groups(Admin& admin, const GroupOptions& options, Output& output) {
  for (const auto& name : options.names) {
    MILLRACE_TRY(group, admin.describe_group(name));
    MILLRACE_TRY(progress, progress_of(admin, group));
    output.write(options.json ? group_as_json(group, progress) : group_as_text(group, progress));
  }
  return {};
}

/// The partitions that --topic names, or all in which the group has an offset.
Result<std::vector<PartitionOffset>> partitions_to_reset(Admin& admin, const std::string& group,
                                                         const GroupOptions& options) {
  MILLRACE_TRY(known, admin.group_offsets(group));
  std::erase_if(known, [](const auto& offset) { return offset.offset == kNoOffset; });
  if (options.topics.empty()) {
    if (!known.empty()) return known;
    return fail(ErrorCode::kGroupIdNotFound,
                fmt::format("group \"{}\" has committed nothing: name the topics with --topic", group));
  }
  std::vector<PartitionOffset> wanted;
  const auto want = [&](const TopicPartition& partition) {
    const auto found = std::ranges::find(known, partition, &PartitionOffset::partition);
    wanted.push_back(found == known.end() ? PartitionOffset{.partition = partition} : *found);
  };
  for (const auto& word : options.topics) {
    const auto colon = word.rfind(':');
    if (colon != std::string::npos) {
      const auto number = word.substr(colon + 1);
      if (const auto problem = whole_number(INT32_MAX)(number); !problem.empty()) {
        return fail(ErrorCode::kInvalidConfig, fmt::format("--topic {}: {}", word, problem));
      }
      want({word.substr(0, colon), PartitionIndex{std::stoi(number)}});
      continue;
    }
    MILLRACE_TRY(topic, admin.describe_topic(word));
    for (const auto& partition : topic.partitions) want({word, partition.index});
  }
  return wanted;
}

Result<Offset> end_of(Admin& admin, const TopicPartition& partition, OffsetKind kind) {
  MILLRACE_TRY(answer, admin.list_offset(partition, {.kind = kind}));
  return answer.offset;
}

/// Where to, never before the first record nor behind the last one.
Result<Offset> target_of(Admin& admin, const PartitionOffset& from, const GroupOptions& options) {
  MILLRACE_TRY(first, end_of(admin, from.partition, OffsetKind::kEarliest));
  MILLRACE_TRY(next, end_of(admin, from.partition, OffsetKind::kLatest));
  if (options.to_earliest) return first;
  if (options.to_latest) return next;
  if (!options.to_time.empty()) {
    MILLRACE_TRY(time, parse_time("--to-time", options.to_time));
    MILLRACE_TRY(found, admin.list_offset(from.partition, {.kind = OffsetKind::kByTime, .time = time}));
    return found.offset == kNoOffset ? next : found.offset;
  }
  if (options.to_offset) return std::clamp(Offset{*options.to_offset}, first, next);
  const auto base = from.offset == kNoOffset ? next : from.offset;
  // Beyond the last record is behind it, however far.
  const auto shift = std::min(options.shift.value_or(0), std::max<std::int64_t>(next - base, 0));
  return std::clamp(base + shift, first, next);
}

std::optional<Offset> known_offset(const PartitionOffset& at) {
  return at.offset == kNoOffset ? std::nullopt : std::optional{at.offset};
}

Result<void> reset_groups(Admin& admin, const GroupOptions& options, Output& output) {
  const int ways = int{options.to_earliest} + int{options.to_latest} + int{!options.to_time.empty()} +
                   int{options.to_offset.has_value()} + int{options.shift.has_value()};
  if (ways != 1) {
    return fail(ErrorCode::kInvalidConfig,
                "say where to, with one of --to-earliest, --to-latest, --to-time, --to-offset, --shift");
  }
  for (const auto& name : options.names) {
    MILLRACE_TRY(before, partitions_to_reset(admin, name, options));
    std::vector<PartitionOffset> after;
    Table table{{{"TOPIC"}, {"PARTITION", Align::kRight}, {"FROM", Align::kRight}, {"TO", Align::kRight}}};
    for (const auto& from : before) {
      MILLRACE_TRY(to, target_of(admin, from, options));
      after.push_back({.partition = from.partition, .offset = to});
      table.add({cell_text(from.partition.topic), std::to_string(from.partition.partition.value()),
                 cell_text(known_offset(from)), cell_text(std::optional{to})});
    }
    if (!options.dry_run) MILLRACE_CHECK(admin.alter_group_offsets(name, after));
    if (!options.json) {
      output.write(fmt::format("{}: {}\n{}", cell_text(name), options.dry_run ? "would be set" : "set", table.text()));
      continue;
    }
    JsonText json;
    json.object([&] {
      json.field("group", name);
      json.field("done", !options.dry_run);
      json.key("partitions");
      json.array([&] {
        for (std::size_t i = 0; i < after.size(); ++i) {
          json.object([&] {
            json.field("topic", after[i].partition.topic);
            json.field("partition", after[i].partition.partition.value());
            json.field("from", known_offset(before[i]));
            json.field("to", after[i].offset);
          });
        }
      });
    });
    output.write(json.take_line());
  }
  return {};
}

Result<void> delete_groups(Admin& admin, const GroupOptions& options, Output& output) {
  for (const auto& name : options.names) {
    MILLRACE_CHECK(admin.delete_group(name));
    if (!options.json) {
      output.write(fmt::format("deleted {}\n", name));
      continue;
    }
    JsonText json;
    json.object([&] {
      json.field("group", name);
      json.field("done", "deleted");
    });
    output.write(json.take_line());
  }
  return {};
}

}  // namespace

void show_group(const AppVisitor& visit) {
  GroupOptions options;
  CLI::App app{kGroupSummary, "millrace group"};
  declare(app, options);
  visit(app);
}

int run_group(std::span<char*> arguments) {
  GroupOptions options;
  CLI::App app{kGroupSummary, "millrace group"};
  const auto commands = declare(app, options);
  if (const auto ended = parse_options(app, arguments)) return *ended;
  const auto with_options = [&](auto act) {
    return [&options, act](Admin& admin, Output& output) { return act(admin, options, output); };
  };
  const AdminCommand actions[] = {{commands.list, with_options(list_groups)},
                                  {commands.describe, with_options(describe_groups)},
                                  {commands.reset, with_options(reset_groups)},
                                  {commands.remove, with_options(delete_groups)}};
  return run_admin_command(actions, options.log);
}

}  // namespace millrace::cli
