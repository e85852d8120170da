#include "cli/program.h"

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/suggest.h"
#include "cli/command.h"
#include "cli/output.h"

namespace millrace::cli {
namespace {

// A line a command; the order is that of --help.
const std::vector<Command>& table() {
  static const std::vector<Command> kTable = {
      {"broker", "run a broker for any Kafka client", run_broker, show_broker},
      {"weblog", "aggregate web logs in real time", run_weblog, show_weblog},
      {"topic", "create, show, change and delete topics", run_topic, show_topic},
      {"group", "consumer groups: lag, members, set back, delete", run_group, show_group},
      {"produce", "append lines to a topic", run_produce, show_produce},
      {"consume", "print the records of topics", run_consume, show_consume},
      {"log", "look at the files of a log: dump, verify", run_log, show_log},
      {"completion", "print completion for bash or zsh", run_completion, show_completion},
      {"docs", "print the reference of commands and settings", run_docs, show_docs},
  };
  return kTable;
}

std::string usage() {
  std::string text =
      "millrace: an event-streaming platform in one program\n\nusage: millrace COMMAND [ARGUMENT]...\n\n";
  for (const auto& command : commands()) text += fmt::format("  {:<10} {}\n", command.name, command.summary);
  return text + "\nmillrace COMMAND --help explains a command. Exit codes: 0 done, 1 failed, 2 wrong use.\n";
}

}  // namespace

std::span<const Command> commands() { return table(); }

int run_program(std::span<char*> arguments) {
  if (arguments.size() < 2) {
    fmt::print(stderr, "{}", usage());
    return kWrongUse;
  }
  const std::string_view name = arguments[1];
  if (name == "--help" || name == "-h" || name == "help") {
    const auto written = write_output(usage(), "the help");
    if (written) return kDone;
    fmt::print(stderr, "millrace: {}\n", written.error().message());
    return kFailed;
  }
  if (name == "--version" || name == "version") {
    fmt::print("millrace {}\n", MILLRACE_VERSION);
    return kDone;
  }
  std::vector<std::string_view> names;
  for (const auto& command : commands()) {
    if (command.name == name) return command.run(arguments.subspan(2));
    names.push_back(command.name);
  }
  fmt::print(stderr, "millrace: unknown command \"{}\".{} See: millrace --help\n", name, did_you_mean(name, names));
  return kWrongUse;
}

}  // namespace millrace::cli
