#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/log_address.h"
#include "cli/options.h"
#include "cli/output.h"

namespace millrace::cli {
namespace {

constexpr const char* kCompletionSummary = "Prints a completion script for a shell.";
constexpr const char* kCompletionFooter = R"(
bash: source <(millrace completion bash)         zsh: source <(millrace completion zsh)
or keep it: millrace completion bash > /etc/bash_completion.d/millrace)";

/// What can follow some words of a command line.
struct Words {
  std::vector<std::string> commands;
  std::vector<std::string> options;
  /// Of options with a few words as values.
  std::map<std::string, std::vector<std::string>> choices;
  /// Options that take a value: what follows is no subcommand.
  std::vector<std::string> valued;
};
using Grammar = std::map<std::string, Words>;

/// "TEXT:{raw,hex}": the words in braces; none for other types.
std::vector<std::string> choices_of(std::string_view type) {
  std::vector<std::string> words;
  const auto open = type.find('{');
  const auto close = type.find('}', open);
  if (open == std::string_view::npos || close == std::string_view::npos) return words;
  auto list = type.substr(open + 1, close - open - 1);
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    words.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return words;
}

void read_options(const CLI::App& app, Words& words) {
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) {
      const auto full = "--" + name;
      words.options.push_back(full);
      if (option->get_items_expected_max() == 0) continue;
      words.valued.push_back(full);
      if (auto choices = choices_of(option->get_type_name()); !choices.empty())
        words.choices[full] = std::move(choices);
    }
  }
}

void read_app(const CLI::App& app, const std::string& path, Grammar& grammar) {
  auto& words = grammar[path];
  read_options(app, words);
  for (const auto* below : app.get_subcommands(std::function<bool(const CLI::App*)>{})) {
    grammar[path].commands.push_back(below->get_name());
    read_app(*below, path + ' ' + below->get_name(), grammar);
  }
}

Grammar read_grammar() {
  Grammar grammar;
  auto& top = grammar[""];
  top.options = {"--help", "--version"};
  for (const auto& command : commands()) {
    grammar[""].commands.emplace_back(command.name);
    command.show([&](const CLI::App& app) { read_app(app, std::string{command.name}, grammar); });
  }
  return grammar;
}

std::string joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, " ")); }

/// A function that sets `words` to what may follow `path` and `previous`: the same text for both shells.
std::string table_of(const Grammar& grammar) {
  std::string paths;
  std::string values;
  std::string valued;
  for (const auto& [path, words] : grammar) {
    paths += fmt::format("    \"{}\") commands=\"{}\"; options=\"{}\" ;;\n", path, joined(words.commands),
                         joined(words.options));
    for (const auto& [option, choices] : words.choices) {
      values += fmt::format("    \"{} {}\") choices=\"{}\" ;;\n", path, option, joined(choices));
    }
    for (const auto& option : words.valued) valued += fmt::format("    \"{} {}\") return 0 ;;\n", path, option);
  }
  return fmt::format(R"(_millrace_words() {{
  commands=""; options=""
  case "$1" in
{})"
                     R"(  esac
}}
_millrace_choices() {{
  choices=""
  case "$1 $2" in
{})"
                     R"(  esac
}}
_millrace_takes_value() {{
  case "$1 $2" in
{})"
                     R"(  esac
  return 1
}}
)",
                     paths, values, valued);
}

constexpr std::string_view kBash = R"(_millrace() {
  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
  local path="" word index commands options choices is_value=""
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="${COMP_WORDS[index]}"
    if [ -n "$is_value" ]; then is_value=""; continue; fi
    if _millrace_takes_value "$path" "$word"; then is_value=yes; continue; fi
    _millrace_words "$path"
    case " $commands " in *" $word "*) path="${path:+$path }$word" ;; esac
  done
  if [ -n "$is_value" ]; then
    _millrace_choices "$path" "$previous"
    COMPREPLY=($(compgen -W "$choices" -- "$current"))
    return
  fi
  _millrace_words "$path"
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$commands" -- "$current")) ;;
  esac
}
complete -o default -F _millrace millrace
)";

constexpr std::string_view kZsh = R"(_millrace() {
  emulate -L zsh
  local current="${words[CURRENT]}" previous="${words[CURRENT-1]}"
  local path_="" word commands options choices is_value=""
  local -i index
  local -a line=("${words[@]}")
  for ((index = 2; index < CURRENT; index++)); do
    word="${line[index]}"
    if [[ -n "$is_value" ]]; then is_value=""; continue; fi
    if _millrace_takes_value "$path_" "$word"; then is_value=yes; continue; fi
    _millrace_words "$path_"
    case " $commands " in *" $word "*) path_="${path_:+$path_ }$word" ;; esac
  done
  if [[ -n "$is_value" ]]; then
    _millrace_choices "$path_" "$previous"
    if [[ -n "$choices" ]]; then compadd -- ${=choices}; else _files; fi
    return
  fi
  _millrace_words "$path_"
  if [[ "$current" == -* ]]; then
    compadd -- ${=options}
  elif [[ -n "$commands" ]]; then
    compadd -- ${=commands}
  else
    _files
  fi
}
compdef _millrace millrace
)";

void declare(CLI::App& app, std::string& shell) {
  app.add_option("SHELL", shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
  app.footer(kCompletionFooter);
}

}  // namespace

void show_completion(const AppVisitor& visit) {
  std::string shell;
  CLI::App app{kCompletionSummary, "millrace completion"};
  declare(app, shell);
  visit(app);
}

int run_completion(std::span<char*> arguments) {
  std::string shell;
  CLI::App app{kCompletionSummary, "millrace completion"};
  declare(app, shell);
  if (const auto ended = parse_options(app, arguments)) return *ended;
  const bool is_bash = shell == "bash";
  auto script = fmt::format("# Completion of millrace for {}. Written by `millrace completion {}`.\n", shell, shell);
  script += table_of(read_grammar());
  script += is_bash ? kBash : kZsh;
  const auto written = write_output(script, "the script");
  return written ? kDone : say_failure("millrace completion", written.error());
}

}  // namespace millrace::cli
