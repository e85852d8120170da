#include <algorithm>
#include <cctype>

#include "server/handlers/handlers.h"

namespace millrace {
namespace {

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// No words: everything.
bool has_word(const std::vector<std::string>& words, std::string_view wanted) {
  return words.empty() || std::ranges::any_of(words, [&](const auto& word) { return same_word(word, wanted); });
}

}  // namespace

protocol::ListGroupsResponse handle(const protocol::ListGroupsRequest& request, HandlerContext& context) {
  protocol::ListGroupsResponse response;
  const auto groups = context.broker().groups().list();
  if (!groups) {
    response.error_code = groups.error().code();
    return response;
  }
  for (const auto& group : *groups) {
    if (!has_word(request.states_filter, name_of(group.state)) || !has_word(request.types_filter, name_of(group.type)))
      continue;
    auto& shown = response.groups.emplace_back();
    shown.group_id = group.id;
    shown.protocol_type = group.protocol_type;
    shown.group_state = name_of(group.state);
    shown.group_type = name_of(group.type);
  }
  return response;
}

}  // namespace millrace
