#include "log/epoch_cache.h"

#include <fmt/core.h>

#include <algorithm>

#include "log/checkpoint_file.h"

namespace millrace {

bool EpochCache::assign(LeaderEpoch epoch, Offset start) {
  if (epoch.value() < 0 || epoch <= last()) return false;
  entries_.push_back({epoch, start});
  return true;
}

void EpochCache::cut(Offset end) {
  while (!entries_.empty() && entries_.back().start >= end) entries_.pop_back();
}

void EpochCache::raise_start(Offset start) {
  const auto after = std::ranges::upper_bound(entries_, start, {}, &Entry::start);
  if (after == entries_.begin()) return;
  entries_.erase(entries_.begin(), std::prev(after));
  entries_.front().start = std::max(entries_.front().start, start);
}

LeaderEpoch EpochCache::at(Offset offset) const {
  const auto after = std::ranges::upper_bound(entries_, offset, {}, &Entry::start);
  return after == entries_.begin() ? kNoLeaderEpoch : std::prev(after)->epoch;
}

std::optional<EpochEnd> EpochCache::end_of(LeaderEpoch epoch, LeaderEpoch current, Offset log_end) const {
  const auto newest = std::max(last(), current);
  if (epoch.value() < 0 || epoch > newest) return std::nullopt;
  if (epoch == newest) return EpochEnd{epoch, log_end};
  const auto next = std::ranges::upper_bound(entries_, epoch, {}, &Entry::epoch);
  return EpochEnd{next == entries_.begin() ? epoch : std::prev(next)->epoch,
                  next == entries_.end() ? log_end : next->start};
}

std::string EpochCache::encode() const {
  auto text = fmt::format("0\n{}\n", entries_.size());
  for (const auto& entry : entries_) text += fmt::format("{} {}\n", entry.epoch.value(), entry.start.value());
  return text;
}

Result<void> EpochCache::decode(std::string_view text) {
  MILLRACE_TRY(lines, checkpoint_lines(text));
  std::vector<Entry> read;
  for (const auto& line : lines) {
    const auto epoch = line.size() == 2 ? parse_number<std::int32_t>(line[0]) : std::nullopt;
    const auto start = line.size() == 2 ? parse_number<std::int64_t>(line[1]) : std::nullopt;
    if (!epoch || !start)
      return fail(ErrorCode::kMalformed, "a line of the leader epoch checkpoint is not \"EPOCH START\"");
    if (!read.empty() && (*epoch <= read.back().epoch.value() || *start < read.back().start.value())) {
      return fail(ErrorCode::kMalformed, "the leader epoch checkpoint is not in order");
    }
    read.push_back({LeaderEpoch{*epoch}, Offset{*start}});
  }
  entries_ = std::move(read);
  return {};
}

}  // namespace millrace
