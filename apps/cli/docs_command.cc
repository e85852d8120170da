#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "millrace/config_tables.h"
#include "millrace/connect/file_source.h"
#include "millrace/streams/job.h"

namespace millrace::cli {
namespace {

constexpr std::string_view kHead = R"(# Reference

`./dev docs` writes this page from the program's own tables; a test holds it against them.

)";

/// In a cell a bar would end it.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const auto character : text) {
    if (character == '|') escaped += '\\';
    escaped += character == '\n' ? ' ' : character;
  }
  return escaped;
}

std::string code(std::string_view text) { return text.empty() ? std::string{} : fmt::format("`{}`", text); }

/// "--top", and what its value is where it takes one.
std::string option_row(const CLI::Option& option) {
  std::string name;
  for (const auto& each : option.get_lnames()) name += fmt::format("{}`--{}`", name.empty() ? "" : ", ", each);
  if (option.get_positional()) name = code(option.get_name(true));
  const bool is_flag = option.get_items_expected_max() == 0;
  const auto value = is_flag ? std::string{} : option.get_type_name();
  return fmt::format("| {} | {} | {} | {} |\n", cell(name), cell(value), cell(code(option.get_default_str())),
                     cell(option.get_description()));
}

std::string describe(const CLI::App& app, std::string_view name) {
  auto text = fmt::format("### {}\n\n{}\n\n", name, app.get_description());
  std::string rows;
  for (const auto* option : app.get_options()) {
    if (!option->check_lname("help")) rows += option_row(*option);
  }
  if (!rows.empty()) text += "| option | value | default | what |\n| --- | --- | --- | --- |\n" + rows + '\n';
  if (!app.get_footer().empty()) {
    const auto footer = app.get_footer();
    text += fmt::format("```text\n{}\n```\n\n", footer.substr(footer.find_first_not_of('\n')));
  }
  for (const auto* command : app.get_subcommands(std::function<bool(const CLI::App*)>{})) {
    text += describe(*command, fmt::format("{} {}", name, command->get_name()));
  }
  return text;
}

std::string describe_commands() {
  std::string text = "## Commands\n\nData goes to standard output, messages to standard error.\n\n";
  text += "| exit code | when |\n| --- | --- |\n";
  for (const auto& [code, when] : kExitCodes) text += fmt::format("| {} | {} |\n", static_cast<int>(code), when);
  text += '\n';
  for (const auto& command : commands()) {
    command.show([&text](const CLI::App& app) { text += describe(app, app.get_name()); });
  }
  return text;
}

std::string describe_tables() {
  auto tables = core_config_tables();
  tables.push_back(streams::job_config());
  tables.push_back(connect::make_file_source()->config());
  std::string text;
  for (const auto& table : tables) text += (text.empty() ? "" : "\n") + table.markdown();
  return text;
}

constexpr std::string_view kMetricsHead = R"(
## Metrics

`millrace broker --metrics HOST:PORT` serves them at /metrics, in Prometheus' text format. To other machines it answers
under this machine's own name, its addresses and the hosts of advertised.listeners.

)";

constexpr const char* kDocsSummary = "Prints the reference of commands and settings, in Markdown.";

}  // namespace

void show_docs(const AppVisitor& visit) {
  const CLI::App app{kDocsSummary, "millrace docs"};
  visit(app);
}

int run_docs(std::span<char*> arguments) {
  CLI::App app{kDocsSummary, "millrace docs"};
  if (const auto ended = parse_options(app, arguments)) return *ended;
  const auto written = write_output(std::string{kHead} + describe_commands() + describe_tables() +
                                        std::string{kMetricsHead} + core_metrics_markdown(),
                                    "the reference");
  if (written) return kDone;
  fmt::print(stderr, "millrace docs: {}\n", written.error().message());
  return kFailed;
}

}  // namespace millrace::cli
