#include "weblog/config_directive.h"

#include <algorithm>
#include <cctype>

namespace millrace::weblog {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

/// The words of a directive, as both servers split it: a word in quotes may hold blanks, and a backslash hides a quote.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) { skip_blank(); }

  /// At the end of the directive.
  [[nodiscard]] bool is_over() const { return rest_.empty() || rest_.front() == ';'; }

  /// The next word without its quotes; its escapes are left in it.
  std::string_view next() {
    const char quote = !is_over() && (rest_.front() == '"' || rest_.front() == '\'') ? rest_.front() : '\0';
    if (quote != '\0') rest_.remove_prefix(1);
    std::size_t end = 0;
    while (end < rest_.size() && !ends_word(rest_[end], quote)) end += rest_[end] == '\\' ? 2 : 1;
    end = std::min(end, rest_.size());
    const auto word = rest_.substr(0, end);
    rest_.remove_prefix(quote != '\0' ? std::min(end + 1, rest_.size()) : end);
    skip_blank();
    return word;
  }

 private:
  static bool ends_word(char character, char quote) {
    return quote != '\0' ? character == quote : character == ';' || kBlank.find(character) != std::string_view::npos;
  }
  void skip_blank() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlank), rest_.size())); }

  std::string_view rest_;
};

/// Apache's names of directives are the same in capitals.
bool is_directive(std::string_view word, std::string_view lower_case_name) {
  return std::ranges::equal(word, lower_case_name, {},
                            [](char c) { return std::tolower(static_cast<unsigned char>(c)); });
}

/// nginx hides quotes and backslashes behind a backslash, and nothing else.
std::string nginx_unescaped(std::string_view word) {
  std::string text;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const bool is_escape = word[i] == '\\' && i + 1 < word.size() && std::string_view{"\"'\\"}.contains(word[i + 1]);
    text += is_escape ? word[++i] : word[i];
  }
  return text;
}

}  // namespace

std::string format_in(std::string_view text) {
  Words words{text};
  const auto directive = words.next();
  if (words.is_over()) return std::string{text};
  if (is_directive(directive, "logformat")) return std::string{words.next()};
  if (!is_directive(directive, "log_format")) return std::string{text};
  words.next();  // the format's name
  std::string format;
  while (!words.is_over()) {
    const auto word = words.next();
    if (!word.starts_with("escape=")) format += nginx_unescaped(word);
  }
  return format;
}

}  // namespace millrace::weblog
