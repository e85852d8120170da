// Reading: from a published view, with no lock held over I/O.

#include <fmt/core.h>

#include <algorithm>

#include "log/partition_log_impl.h"

namespace millrace {
namespace {

namespace layout = batch_layout;

/// The segment that holds `offset`: the last that does not begin after it.
std::size_t segment_of(const SegmentList& segments, Offset offset) {
  const auto after =
      std::ranges::upper_bound(segments, offset, {}, [](const auto& segment) { return segment->base(); });
  return after == segments.begin() ? 0 : static_cast<std::size_t>(after - segments.begin()) - 1;
}

/// Where reading of the segment ends for a bound.
std::uint64_t end_in(const Segment& segment, const LogPlace& bound) {
  if (segment.base() == bound.segment) return bound.position;
  return segment.base() < bound.segment ? segment.size() : 0;
}

/// What is cut out of the bytes that were read.
struct Cut {
  std::size_t begin = 0;
  std::size_t end = 0;
  /// The offset after the last batch in it.
  Offset next = kNoOffset;
  /// When the first batch wanted is cut off: the bytes it has, from `begin`.
  std::size_t needed = 0;
  std::optional<std::pair<std::size_t, std::string>> damage;
};

/// What is known of the bytes before they are looked at.
struct Trust {
  /// Bytes before this index need no CRC check.
  std::size_t checked = 0;
  /// The offset of the first batch, where that is known.
  Offset expected = kNoOffset;
  /// Before this offset compaction may have left gaps between batches.
  Offset gaps_before{0};
};

/// Why the batch cannot follow one that ends before `expected`; nothing when it can.
std::string problem_of(const RecordBatchView& batch, Offset expected, const Trust& trust) {
  if (batch.last_offset_delta() < 0 || batch.base_offset().value() < 0) return "the batch's offsets are negative";
  const bool follows = expected == kNoOffset || batch.base_offset() == expected ||
                       (batch.base_offset() > expected && expected < trust.gaps_before);
  if (follows) return {};
  return fmt::format("the batch has offset {} where {} was expected", batch.base_offset().value(), expected.value());
}

/// The whole batches in `bytes` from the one that holds `from`, at most `max_bytes` of them unless the first is larger.
Cut cut_batches(Bytes bytes, Offset from, std::size_t max_bytes, const Trust& trust) {
  Cut cut{.next = trust.expected};
  std::size_t at = 0;
  bool begun = false;
  while (bytes.size() - at >= layout::kRecords) {
    const auto parsed = RecordBatchView::parse(bytes.subspan(at));
    const auto length = load_be<std::int32_t>(bytes.data() + at + layout::kLength);
    const auto magic = load_be<std::int8_t>(bytes.data() + at + layout::kMagic);
    if (!parsed) {
      const bool cut_off =
          magic == 2 && length > 0 && layout::kLogOverhead + static_cast<std::size_t>(length) > bytes.size() - at;
      if (!cut_off) {
        cut.damage.emplace(at, parsed.error().message());
      } else if (!begun) {
        cut.begin = at;
        cut.needed = layout::kLogOverhead + static_cast<std::size_t>(length);
      }
      break;
    }
    if (auto problem = problem_of(*parsed, cut.next, trust); !problem.empty()) {
      cut.damage.emplace(at, std::move(problem));
      break;
    }
    const bool wanted = parsed->last_offset() >= from;
    if (wanted && begun && at + parsed->size() - cut.begin > max_bytes) break;
    if (at + parsed->size() > trust.checked && wanted && !parsed->crc_matches()) {
      cut.damage.emplace(at, "wrong checksum");
      break;
    }
    if (wanted && !begun) {
      begun = true;
      cut.begin = at;
    }
    at += parsed->size();
    cut.next = parsed->next_offset();
    if (begun) cut.end = at;
  }
  if (!begun && cut.needed == 0) cut.begin = cut.end = at;
  return cut;
}

/// Whether the bytes do not begin with a batch at or before `from`, as an index promised.
bool misleads(Bytes bytes, Offset from, const Cut& cut) {
  if (cut.damage && cut.damage->first == 0) return true;
  if (bytes.size() < layout::kRecords) return true;
  return RecordBatchView::trusted(bytes).base_offset() > from;
}

}  // namespace

LogView PartitionLog::Impl::view() const {
  const std::lock_guard lock{view_mutex_};
  return view_;
}

LogPlace PartitionLog::Impl::bound(const LogView& view, Isolation isolation) {
  switch (isolation) {
    case Isolation::kLogEnd:
      return view.end;
    case Isolation::kHighWatermark:
      return view.high;
    case Isolation::kCommitted:
      return view.stable;
  }
  return view.high;
}

Result<LogSlice> PartitionLog::Impl::read(Offset from, std::size_t max_bytes, Isolation isolation) {
  MILLRACE_CHECK(check_open());
  const auto now = view();
  if (from < now.log_start || from > now.end.offset) {
    return millrace::fail(ErrorCode::kOffsetOutOfRange,
                          fmt::format("{} has offsets {} to {}; {} was asked for", name_.to_string(),
                                      now.log_start.value(), now.end.offset.value(), from.value()));
  }
  const auto limit = bound(now, isolation);
  LogSlice slice;
  for (auto index = segment_of(*now.segments, from); index < now.segments->size() && from < limit.offset; ++index) {
    auto found = read_segment(now, index, from, max_bytes, limit);
    if (!found) {
      // The segment may have been removed since the view was taken.
      if (view().log_start > from) return read(from, max_bytes, isolation);
      return found;
    }
    slice = std::move(*found);
    if (slice.bytes.empty()) continue;
    if (isolation == Isolation::kCommitted) slice.aborted = aborted_in(now, index, from, slice.next);
    break;
  }
  const auto positions = positions_of(now);
  slice.log_start = positions.log_start;
  slice.high_watermark = positions.high_watermark;
  slice.last_stable = positions.last_stable;
  return slice;
}

std::vector<AbortedTransaction> PartitionLog::Impl::aborted_in(const LogView& view, std::size_t index, Offset from,
                                                               Offset end) {
  std::vector<AbortedTransaction> aborted;
  // A marker may lie in a later segment than its records.
  for (; index < view.segments->size(); ++index) {
    const auto found = (*view.segments)[index]->transactions().find(from, end);
    aborted.insert(aborted.end(), found.transactions.begin(), found.transactions.end());
    if (found.complete) break;
  }
  std::ranges::sort(aborted, {}, &AbortedTransaction::first);
  return aborted;
}

Result<PartitionLog::Impl::ReadFrom> PartitionLog::Impl::find_position(const Segment& segment, Offset from) const {
  {
    const std::lock_guard lock{read_ends_mutex_};
    for (const auto& end : read_ends_) {
      if (end.offset == from && end.segment == segment.base() && end.version == segment.version()) {
        return ReadFrom{end.position, true};
      }
    }
  }
  MILLRACE_TRY(position, segment.position_before(from));
  return ReadFrom{position, position == 0};
}

void PartitionLog::Impl::remember(Offset next, const Segment& segment, std::uint64_t position) const {
  const std::lock_guard lock{read_ends_mutex_};
  for (auto& end : read_ends_) {
    if (end.offset == next && end.segment == segment.base() && end.version == segment.version()) return;
  }
  read_ends_[next_read_end_] = {next, segment.base(), segment.version(), position};
  next_read_end_ = (next_read_end_ + 1) % read_ends_.size();
}

Result<LogSlice> PartitionLog::Impl::read_segment(const LogView& view, std::size_t index, Offset from,
                                                  std::size_t max_bytes, const LogPlace& bound) {
  const auto& segment = *(*view.segments)[index];
  const auto end = end_in(segment, bound);
  MILLRACE_TRY(start, find_position(segment, from));
  // Compaction left nothing behind it.
  if (start.sure && start.position >= end) return LogSlice{};
  // Only an index that is damaged points past the end.
  auto position = start.position < end ? start.position : 0;
  // Enough to get from the index's entry to the batch, beside what was asked for.
  constexpr std::size_t kSlack = 8192;
  auto wanted = std::max(max_bytes, layout::kRecords) + kSlack;
  MILLRACE_TRY(file, segment.file());
  bool from_start = start.sure || position == 0;
  while (position < end) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, end - position));
    auto buffer = context_.buffers.take(size);
    MILLRACE_TRY(got, file->read(position, buffer.bytes().first(size)));
    if (got < size) {
      return damaged(segment, {position + got, from, fmt::format("the file ends here; it should have {} bytes", end)});
    }
    const Bytes bytes{buffer.data(), size};
    const auto verified = segment.verified();
    auto expected = position == 0 ? segment.base() : kNoOffset;
    if (start.sure && position == start.position && position != 0) expected = from;
    const Trust trust{.checked = verified > position ? static_cast<std::size_t>(verified - position) : 0,
                      .expected = expected,
                      .gaps_before = gaps_before()};
    const auto cut = cut_batches(bytes, from, max_bytes, trust);
    // Batches end where the segment does; one that would not is damage.
    const bool overruns = cut.end == cut.begin && position + cut.begin < end &&
                          position + cut.begin + std::max(cut.needed, layout::kRecords) > end;
    if (!from_start && (overruns || misleads(bytes, from, cut))) {
      // The index, not the log, may be damaged: the way from the segment's first batch is sure.
      context_.logger.warn("{}: the index of {} is wrong for offset {}; reading on without it", name_.to_string(),
                           segment.path(), from.value());
      position = 0;
      from_start = true;
      continue;
    }
    from_start = true;
    if (cut.damage && cut.end == cut.begin) {
      return damaged(segment, {position + cut.damage->first, std::max(cut.next, from), cut.damage->second});
    }
    if (cut.end > cut.begin) {
      (*view.segments)[index]->add_verified(position + cut.begin, position + cut.end);
      remember(cut.next, segment, position + cut.end);
      LogSlice slice;
      slice.bytes = bytes.subspan(cut.begin, cut.end - cut.begin);
      slice.owner = buffer.owner();
      slice.next = cut.next;
      return slice;
    }
    if (overruns) {
      return damaged(segment,
                     {position + cut.begin, std::max(cut.next, from), "the batch would end after the log's end"});
    }
    // Not there yet: either the batch is larger than what was read, or the entry was far before it.
    position += cut.begin;
    wanted = std::max(cut.needed, wanted);
  }
  return LogSlice{};
}

std::unexpected<Error> PartitionLog::Impl::damaged(const Segment& segment, const SegmentDamage& damage) {
  Notice notice{*this};
  auto error = damage_error(segment, damage);
  fail(error, notice);
  return std::unexpected(std::move(error));
}

Error PartitionLog::Impl::damage_error(const Segment& segment, const SegmentDamage& damage) const {
  const auto intact = count_records_after(segment, damage, context_.buffers).value_or(0);
  const auto now = view();
  // While it is opened there is no view yet.
  const auto after = std::ranges::count_if(now.segments ? *now.segments : segments_,
                                           [&segment](const auto& other) { return other->base() > segment.base(); });
  const auto more = after == 0 ? std::string{} : fmt::format(", and {} later segments were not looked at", after);
  return {ErrorCode::kCorruptLog,
          fmt::format(
              "{} is offline: {} in {} at byte {} (offset {}). {} later records look intact{}. Nothing was changed; "
              "see: millrace log repair --help",
              name_.to_string(), damage.reason, segment.path(), damage.position, damage.offset.value(), intact, more)};
}

Result<std::optional<OffsetAndTimestamp>> PartitionLog::Impl::search(const LogView& view, std::size_t index,
                                                                     std::uint64_t from, Timestamp time,
                                                                     const LogPlace& bound) {
  const auto& segment = *(*view.segments)[index];
  const auto end = end_in(segment, bound);
  MILLRACE_TRY(file, segment.file());
  const auto header = context_.buffers.take(layout::kRecords);
  bool sure = from == 0;
  while (from < end) {
    MILLRACE_TRY(got, file->read(from, header.bytes().first(layout::kRecords)));
    const auto head = RecordBatchView::trusted(header.bytes().first(layout::kRecords));
    const auto length = got < layout::kRecords ? -1 : load_be<std::int32_t>(header.data() + layout::kLength);
    const auto size = layout::kLogOverhead + static_cast<std::size_t>(std::max(length, 0));
    if (length < 0 || size < layout::kRecords || head.magic() != 2 || from + size > end ||
        head.base_offset() < segment.base()) {
      if (sure) return std::unexpected(damage_error(segment, {from, segment.base(), "no record batch begins here"}));
      // The index, not the log, may be damaged.
      from = 0;
      sure = true;
      continue;
    }
    sure = true;
    if (head.max_timestamp() >= time && head.last_offset() >= view.log_start && !head.is_control()) {
      auto whole = context_.buffers.take(size);
      MILLRACE_TRY(bytes, file->read(from, whole.bytes().first(size)));
      MILLRACE_TRY(batch, RecordBatchView::parse(whole.bytes().first(bytes)));
      MILLRACE_TRY(cursor, batch.records(context_.buffers));
      while (cursor.next()) {
        const auto& record = cursor.record();
        if (record.timestamp >= time && record.offset >= view.log_start) {
          return OffsetAndTimestamp{record.offset, record.timestamp, batch.leader_epoch()};
        }
      }
      MILLRACE_CHECK(cursor.status());
    }
    from += size;
  }
  return std::nullopt;
}

Result<std::optional<OffsetAndTimestamp>> PartitionLog::Impl::offset_for_time(Timestamp time, Isolation isolation) {
  MILLRACE_CHECK(check_open());
  const auto now = view();
  const auto limit = bound(now, isolation);
  for (std::size_t index = 0; index < now.segments->size(); ++index) {
    const auto& segment = *(*now.segments)[index];
    if (segment.base() > limit.segment) break;
    if (segment.largest_timestamp() < time) continue;
    // No record up to the entry's offset is as late as `time`, when the entry's time is smaller.
    MILLRACE_TRY(entry, segment.time_index().floor(time.time_since_epoch().count() - 1));
    std::uint64_t from = 0;
    if (entry) {
      MILLRACE_TRY(position, segment.position_before(segment.base() + entry->relative_offset));
      from = position < end_in(segment, limit) ? position : 0;
    }
    MILLRACE_TRY(found, search(now, index, from, time, limit));
    if (found) return found;
  }
  return std::nullopt;
}

Result<std::optional<OffsetAndTimestamp>> PartitionLog::Impl::max_timestamp() {
  MILLRACE_CHECK(check_open());
  const auto now = view();
  auto largest = Timestamp::min();
  for (const auto& segment : *now.segments) {
    if (segment->size() > 0) largest = std::max(largest, segment->largest_timestamp());
  }
  if (largest == Timestamp::min()) return std::nullopt;
  MILLRACE_TRY(found, offset_for_time(largest, Isolation::kHighWatermark));
  if (found) return found;
  // It is above the high watermark, or compaction has removed the record: look at every batch.
  std::optional<OffsetAndTimestamp> best;
  for (const auto& segment : *now.segments) {
    const auto end = end_in(*segment, now.high);
    const auto visit = [&](const RecordBatchView& head, std::uint64_t, std::size_t) {
      if (head.is_control() || head.record_count() == 0 || head.last_offset() < now.log_start) return;
      if (!best || head.max_timestamp() > best->timestamp) {
        best = OffsetAndTimestamp{head.last_offset(), head.max_timestamp(), head.leader_epoch()};
      }
    };
    MILLRACE_TRY(scanned, scan(*segment, {.to = end, .gaps_before = kEverywhere}, context_.buffers, visit));
    if (scanned.damage) return std::unexpected(damage_error(*segment, *scanned.damage));
  }
  if (!best) return std::nullopt;
  return offset_for_time(best->timestamp, Isolation::kHighWatermark);
}

Result<void> PartitionLog::Impl::verify() {
  const auto now = view();
  auto expected = kNoOffset;
  for (const auto& segment : *now.segments) {
    if (segment->base() > now.end.segment) break;
    const auto end = end_in(*segment, now.end);
    if (expected == kNoOffset) expected = segment->base();
    const ScanOptions options{
        .to = end, .expected = expected, .checksums_from = Offset{0}, .gaps_before = gaps_before()};
    MILLRACE_TRY(scanned, scan(*segment, options, context_.buffers, [](const auto&, auto, auto) {}));
    if (scanned.damage) return std::unexpected(damage_error(*segment, *scanned.damage));
    expected = scanned.next_offset;
  }
  return {};
}

}  // namespace millrace
