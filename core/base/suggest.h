#pragma once

#include <span>
#include <string>
#include <string_view>

namespace millrace {

/// The only candidate that begins with `word` (three letters or more), else the one most like it (edit distance of at
/// most a third of its length), or "" when none is near. For "Did you mean ...?". O(candidates x length^2).
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// " Did you mean "tasks.max"?", or "" when nothing is near: to be appended to an error.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace millrace
