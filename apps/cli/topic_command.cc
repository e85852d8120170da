#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/suggest.h"
#include "cli/admin_command.h"
#include "cli/checks.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/log_address.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/table.h"

namespace millrace::cli {
namespace {

using Align = Table::Align;

constexpr const char* kTopicSummary = "Creates, shows, changes and deletes topics.";
constexpr const char* kTopicFooter = R"(
examples:
  millrace topic create orders --partitions 6 --config retention.ms=86400000
  millrace topic alter orders --unset retention.ms --partitions 12
  millrace topic list --at embedded:/var/lib/shop --json)";

struct TopicOptions {
  LogAddress log;
  std::vector<std::string> names;
  std::int32_t partitions = 0;
  std::int16_t replication = -1;
  std::vector<std::string> configs;
  std::vector<std::string> unset;
  bool configs_too = false;
  bool internal = false;
  bool json = false;
};

struct TopicCommands {
  CLI::App* create;
  CLI::App* list;
  CLI::App* describe;
  CLI::App* alter;
  CLI::App* remove;
};

void declare_names(CLI::App& app, TopicOptions& options) {
  app.add_option("TOPIC", options.names, "the topics")->required()->check(not_empty("name a topic"));
}

TopicCommands declare(CLI::App& app, TopicOptions& options) {
  app.require_subcommand(1);
  app.footer(kTopicFooter);
  auto* create = app.add_subcommand("create", "make topics");
  declare_names(*create, options);
  create->add_option("--partitions", options.partitions, "how many each gets; without, the broker's num.partitions")
      ->check(CLI::Range(1, 1'000'000));
  create->add_option("--replicas", options.replication, "on how many brokers each partition is kept")
      ->check(CLI::Range(1, 32767));
  create->add_option("--config", options.configs, "KEY=VALUE: a setting of the topics");
  auto* list = app.add_subcommand("list", "show which topics there are");
  list->add_flag("--internal", options.internal, "those of the broker itself too");
  auto* describe = app.add_subcommand("describe", "show the partitions of topics: who keeps them, from where to where");
  declare_names(*describe, options);
  describe->add_flag("--configs", options.configs_too, "every setting too");
  auto* alter = app.add_subcommand("alter", "change settings, or give topics more partitions");
  declare_names(*alter, options);
  alter->add_option("--config", options.configs, "KEY=VALUE: a setting to be set; the others stay");
  alter->add_option("--unset", options.unset, "KEY: a setting that goes back to its default");
  alter->add_option("--partitions", options.partitions, "how many there are to be, more than there are")
      ->check(CLI::Range(1, 1'000'000));
  auto* remove = app.add_subcommand("delete", "delete topics with all that is in them");
  declare_names(*remove, options);
  for (auto* command : {create, list, describe, alter, remove}) {
    declare_log_address(*command, options.log);
    command->add_flag("--json", options.json, "answer in JSON, a line for each topic");
  }
  return {create, list, describe, alter, remove};
}

/// What was found out about a partition beyond its description; absent where its leader does not answer.
struct Range {
  std::optional<Offset> first;
  std::optional<Offset> next;
};

template <class Ids>
std::string joined_ids(const Ids& ids) {
  std::string text;
  for (const auto id : ids) text += fmt::format("{}{}", text.empty() ? "" : ",", id.value());
  return text;
}

Range range_of(Admin& admin, const TopicPartition& partition) {
  const auto ask = [&](OffsetKind kind) -> std::optional<Offset> {
    const auto answer = admin.list_offset(partition, {.kind = kind});
    if (!answer) return std::nullopt;
    return answer->offset;
  };
  return {.first = ask(OffsetKind::kEarliest), .next = ask(OffsetKind::kLatest)};
}

void describe_as_text(const TopicDescription& topic, const std::vector<Range>& ranges, const Properties& configs,
                      Output& output) {
  output.write(fmt::format("{}: {} partitions, id {}{}\n", topic.name, topic.partitions.size(), topic.id.to_string(),
                           topic.internal ? ", internal" : ""));
  Table table{{{"PARTITION", Align::kRight},
               {"LEADER", Align::kRight},
               {"REPLICAS"},
               {"IN SYNC"},
               {"FIRST", Align::kRight},
               {"NEXT", Align::kRight}}};
  for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
    const auto& one = topic.partitions[i];
    table.add({std::to_string(one.index.value()), std::to_string(one.leader.value()), joined_ids(one.replicas),
               joined_ids(one.in_sync), cell_text(ranges[i].first), cell_text(ranges[i].next)});
  }
  output.write(table.text());
  if (configs.empty()) return;
  Table settings{{{"SETTING"}, {"VALUE"}}};
  for (const auto& [key, value] : configs) settings.add({key, cell_text(value)});
  output.write(settings.text());
}

template <class Ids>
void ids_field(JsonText& json, std::string_view name, const Ids& ids) {
  json.key(name);
  json.array([&] {
    for (const auto id : ids) json.value(id.value());
  });
}

void describe_as_json(const TopicDescription& topic, const std::vector<Range>& ranges, const Properties& configs,
                      Output& output) {
  JsonText json;
  json.object([&] {
    json.field("topic", topic.name);
    json.field("id", topic.id.to_string());
    json.field("internal", topic.internal);
    json.key("partitions");
    json.array([&] {
      for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
        const auto& one = topic.partitions[i];
        json.object([&] {
          json.field("partition", one.index.value());
          json.field("leader", one.leader.value());
          ids_field(json, "replicas", one.replicas);
          ids_field(json, "in_sync", one.in_sync);
          json.field("first_offset", ranges[i].first);
          json.field("next_offset", ranges[i].next);
        });
      }
    });
    if (configs.empty()) return;
    json.key("configs");
    json.object([&] {
      for (const auto& [key, value] : configs) json.field(key, value);
    });
  });
  output.write(json.take_line());
}

/// A line for what was done to a topic: for people, or for programs.
void confirm(const TopicOptions& options, Output& output, std::string_view done, const std::string& name,
             const std::string& id = {}) {
  if (!options.json) return output.write(fmt::format("{} {}\n", done, name));
  JsonText json;
  json.object([&] {
    json.field("topic", name);
    json.field("done", done);
    if (!id.empty()) json.field("id", id);
  });
  output.write(json.take_line());
}

Result<void> create_topics(Admin& admin, const TopicOptions& options, Output& output) {
  NewTopic topic{.name = {}, .configs = {}, .replication_factor = options.replication};
  if (options.partitions > 0) topic.partitions = options.partitions;
  for (const auto& config : options.configs) {
    MILLRACE_TRY(setting, parse_setting("--config", config));
    topic.configs.insert(std::move(setting));
  }
  for (const auto& name : options.names) {
    topic.name = name;
    MILLRACE_TRY(id, admin.create_topic(topic));
    confirm(options, output, "created", name, id.to_string());
  }
  return {};
}

Result<void> list_topics(Admin& admin, const TopicOptions& options, Output& output) {
  MILLRACE_TRY(names, admin.list_topics());
  Table table{{{"TOPIC"}, {"PARTITIONS", Align::kRight}, {"REPLICAS", Align::kRight}}};
  for (const auto& name : names) {
    const auto topic = admin.describe_topic(name);
    // It may have been deleted just now.
    if (!topic || (topic->internal && !options.internal)) continue;
    const auto replicas = topic->partitions.empty() ? 0 : topic->partitions.front().replicas.size();
    if (!options.json) {
      table.add({cell_text(name), std::to_string(topic->partitions.size()), std::to_string(replicas)});
      continue;
    }
    JsonText json;
    json.object([&] {
      json.field("topic", name);
      json.field("partitions", static_cast<std::int64_t>(topic->partitions.size()));
      json.field("replicas", static_cast<std::int64_t>(replicas));
      json.field("internal", topic->internal);
    });
    output.write(json.take_line());
  }
  if (!options.json && !table.empty()) output.write(table.text());
  return {};
}

Result<void> describe_topics(Admin& admin, const TopicOptions& options, Output& output) {
  for (const auto& name : options.names) {
    MILLRACE_TRY(topic, admin.describe_topic(name));
    std::vector<Range> ranges;
    ranges.reserve(topic.partitions.size());
    for (const auto& partition : topic.partitions) ranges.push_back(range_of(admin, {name, partition.index}));
    Properties configs;
    if (options.configs_too) {
      MILLRACE_TRY(found, admin.topic_configs(name));
      configs = std::move(found);
    }
    (options.json ? describe_as_json : describe_as_text)(topic, ranges, configs, output);
  }
  return {};
}

/// Brokers take any key that is to go back to its default, a misspelt one too.
Result<void> check_keys(Admin& admin, const std::string& topic, const std::vector<std::string>& keys) {
  if (keys.empty()) return {};
  MILLRACE_TRY(configs, admin.topic_configs(topic));
  std::vector<std::string_view> known;
  known.reserve(configs.size());
  for (const auto& [key, value] : configs) known.push_back(key);
  for (const auto& key : keys) {
    if (configs.contains(key)) continue;
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("--unset: topic \"{}\" has no setting \"{}\".{}", topic, key, did_you_mean(key, known)));
  }
  return {};
}

Result<void> alter_topics(Admin& admin, const TopicOptions& options, Output& output) {
  std::vector<std::pair<std::string, std::optional<std::string>>> changes;
  for (const auto& config : options.configs) {
    MILLRACE_TRY(setting, parse_setting("--config", config));
    changes.emplace_back(std::move(setting));
  }
  for (const auto& key : options.unset) changes.emplace_back(key, std::nullopt);
  if (changes.empty() && options.partitions == 0) {
    return fail(ErrorCode::kInvalidConfig, "nothing to change: give --config, --unset or --partitions");
  }
  for (const auto& name : options.names) {
    MILLRACE_CHECK(check_keys(admin, name, options.unset));
    if (!changes.empty()) MILLRACE_CHECK(admin.alter_topic_configs(name, changes));
    if (options.partitions > 0) MILLRACE_CHECK(admin.create_partitions(name, options.partitions));
    confirm(options, output, "changed", name);
  }
  return {};
}

Result<void> delete_topics(Admin& admin, const TopicOptions& options, Output& output) {
  for (const auto& name : options.names) {
    MILLRACE_CHECK(admin.delete_topic(name));
    confirm(options, output, "deleted", name);
  }
  return {};
}

}  // namespace

void show_topic(const AppVisitor& visit) {
  TopicOptions options;
  CLI::App app{kTopicSummary, "millrace topic"};
  declare(app, options);
  visit(app);
}

int run_topic(std::span<char*> arguments) {
  TopicOptions options;
  CLI::App app{kTopicSummary, "millrace topic"};
  const auto commands = declare(app, options);
  if (const auto ended = parse_options(app, arguments)) return *ended;
  const auto with_options = [&](auto act) {
    return [&options, act](Admin& admin, Output& output) { return act(admin, options, output); };
  };
  const AdminCommand actions[] = {{commands.create, with_options(create_topics), Folder::kMayBeMade},
                                  {commands.list, with_options(list_topics)},
                                  {commands.describe, with_options(describe_topics)},
                                  {commands.alter, with_options(alter_topics)},
                                  {commands.remove, with_options(delete_topics)}};
  return run_admin_command(actions, options.log);
}

}  // namespace millrace::cli
