#include "cli/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/suggest.h"
#include "cli/command.h"
#include "cli/output.h"

namespace millrace::cli {
namespace {

std::string suggest(std::string_view word, const std::vector<std::string>& names) {
  return did_you_mean(word, std::vector<std::string_view>{names.begin(), names.end()});
}

std::vector<CLI::App*> all_subcommands(CLI::App& app) { return app.get_subcommands(std::function<bool(CLI::App*)>{}); }

/// The command that was given the arguments: the app, or a subcommand of it.
CLI::App& chosen(CLI::App& app) {
  const auto below = app.get_subcommands();
  return below.empty() ? app : chosen(*below.front());
}

/// What is wrong with the first word that no option explains; "" if there is none.
std::string unexplained_word(const CLI::App& app) {
  for (const auto& word : app.remaining()) {
    if (word.size() < 2 || word[0] != '-') return fmt::format("\"{}\" is not expected here.", word);
    std::vector<std::string> names;
    for (const auto* option : app.get_options()) {
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
    const auto name = word.substr(0, word.find('='));
    return fmt::format("unknown option \"{}\".{}", name, suggest(name, names));
  }
  return {};
}

/// Why no subcommand was found; "" when one was, or none is needed.
std::string missing_subcommand(CLI::App& app, std::span<char*> arguments) {
  const auto commands = all_subcommands(app);
  if (commands.empty() || app.get_require_subcommand_min() == 0) return {};
  std::vector<std::string> names;
  for (const auto* command : commands) names.push_back(command->get_name());
  const auto is_option = [](std::string_view word) { return word.size() > 1 && word[0] == '-'; };
  if (arguments.empty()) return fmt::format("say what to do: {}.", fmt::join(names, ", "));
  const std::string_view first = arguments.front();
  if (is_option(first) || std::ranges::find(names, first) != names.end()) return {};
  return fmt::format("unknown command \"{}\".{}", first, suggest(first, names));
}

void allow_extras(CLI::App& app) {
  app.allow_extras();
  for (auto* command : all_subcommands(app)) allow_extras(*command);
}

}  // namespace

std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + ' ' + app.get_name();
}

int print_help(const CLI::App& app) {
  const auto written = write_output(app.help(), "the help");
  if (written) return kDone;
  fmt::print(stderr, "{}: {}\n", app.get_name(), written.error().message());
  return kFailed;
}

std::optional<int> parse_options(CLI::App& app, std::span<char*> arguments) {
  const auto wrong = [&](std::string_view message) {
    const auto name = full_name(chosen(app));
    fmt::print(stderr, "{}: {} See: {} --help\n", name, message, name);
    return kWrongUse;
  };
  if (const auto message = missing_subcommand(app, arguments); !message.empty()) return wrong(message);
  // What is left over is judged here, with a suggestion.
  allow_extras(app);
  std::vector<std::string> words{arguments.rbegin(), arguments.rend()};  // CLI11 takes them from the back
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    return print_help(app);
  } catch (const CLI::ParseError& error) {
    return wrong(std::string{error.what()} + ".");
  }
  const CLI::App* at = &app;
  while (at != nullptr) {
    if (const auto message = unexplained_word(*at); !message.empty()) return wrong(message);
    const auto below = at->get_subcommands();
    at = below.empty() ? nullptr : below.front();
  }
  return std::nullopt;
}

}  // namespace millrace::cli
