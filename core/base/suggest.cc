#include "base/suggest.h"

#include <algorithm>
#include <vector>

namespace millrace {
namespace {

constexpr std::size_t kShortestBeginning = 3;

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  auto best_distance = std::max<std::size_t>(word.size() / 3, 1) + 1;
  // The beginning of a name is near it, however much is missing.
  std::string_view begun;
  std::size_t count = 0;
  for (const auto candidate : candidates) {
    if (word.size() >= kShortestBeginning && candidate.starts_with(word)) {
      begun = candidate;
      ++count;
    }
  }
  if (count == 1) return begun;
  for (const auto candidate : candidates) {
    const auto distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const auto best = nearest(word, candidates);
  return best.empty() ? std::string{} : " Did you mean \"" + std::string{best} + "\"?";
}

}  // namespace millrace
