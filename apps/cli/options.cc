#include "cli/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/suggest.h"
#include "cli/command.h"
#include "cli/output.h"

namespace millrace::cli {
namespace {

/// What is wrong with the first word that no option explains; "" if there is none.
std::string unexplained_word(const CLI::App& app) {
  for (const auto& word : app.remaining()) {
    if (word.size() < 2 || word[0] != '-') return fmt::format("\"{}\" is not expected here.", word);
    std::vector<std::string> names;
    for (const auto* option : app.get_options()) {
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
    const auto name = word.substr(0, word.find('='));
    return fmt::format("unknown option \"{}\".{}", name,
                       did_you_mean(name, std::vector<std::string_view>{names.begin(), names.end()}));
  }
  return {};
}

}  // namespace

int print_help(const CLI::App& app) {
  const auto written = write_output(app.help(), "the help");
  if (written) return kDone;
  fmt::print(stderr, "{}: {}\n", app.get_name(), written.error().message());
  return kFailed;
}

std::optional<int> parse_options(CLI::App& app, std::span<char*> arguments) {
  const auto wrong = [&](std::string_view message) {
    fmt::print(stderr, "{}: {} See: {} --help\n", app.get_name(), message, app.get_name());
    return kWrongUse;
  };
  app.allow_extras();
  std::vector<std::string> words{arguments.rbegin(), arguments.rend()};  // CLI11 takes them from the back
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    return print_help(app);
  } catch (const CLI::ParseError& error) {
    return wrong(std::string{error.what()} + ".");
  }
  if (const auto message = unexplained_word(app); !message.empty()) return wrong(message);
  return std::nullopt;
}

}  // namespace millrace::cli
