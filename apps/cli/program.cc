#include "cli/program.h"

#include <fmt/format.h>

#include <cstdio>
#include <string_view>
#include <vector>

#include "base/suggest.h"
#include "cli/command.h"

namespace millrace::cli {
namespace {

// A line a command; the order is that of --help.
const std::vector<Command>& table() {
  static const std::vector<Command> kTable = {
      {"broker", "run a broker for any Kafka client", run_broker},
      {"weblog", "aggregate web logs in real time", run_weblog},
      {"log", "look at the files of a log: dump, verify", run_log},
  };
  return kTable;
}

void print_usage(std::FILE* out) {
  fmt::print(out, "millrace: an event-streaming platform in one program\n\nusage: millrace COMMAND [ARGUMENT]...\n\n");
  for (const auto& command : commands()) fmt::print(out, "  {:<10} {}\n", command.name, command.summary);
  fmt::print(out, "\nmillrace COMMAND --help explains a command. Exit codes: 0 done, 1 failed, 2 wrong use.\n");
}

}  // namespace

std::span<const Command> commands() { return table(); }

int run_program(std::span<char*> arguments) {
  if (arguments.size() < 2) {
    print_usage(stderr);
    return kWrongUse;
  }
  const std::string_view name = arguments[1];
  if (name == "--help" || name == "-h" || name == "help") {
    print_usage(stdout);
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
