// Opening: trusting what was closed, and finding out about what was not.

#include <fmt/core.h>

#include <algorithm>

#include "log/data_folder.h"
#include "log/partition_log_impl.h"

namespace millrace {

/// The files of a partition's folder, by what they are.
struct PartitionLog::Impl::Found {
  std::vector<Offset> segments;
  std::vector<Offset> snapshots;
  /// Segments that have a transaction index.
  std::vector<Offset> transactions;
  /// Indexes and temporary files that belong to nothing.
  std::vector<std::string> strays;
  /// Of a compaction that was interrupted.
  std::vector<std::string> leftovers;
  bool epochs = false;
  bool compacted = false;
};

Result<PartitionLog::Impl::Found> PartitionLog::Impl::find_files() const {
  MILLRACE_TRY(entries, context_.files.list(directory_));
  Found found;
  for (const auto& entry : entries) {
    if (const auto segment = offset_of_file(entry.name, ".log")) found.segments.push_back(*segment);
    if (const auto snapshot = offset_of_file(entry.name, ".snapshot")) found.snapshots.push_back(*snapshot);
    if (const auto segment = offset_of_file(entry.name, ".txnindex")) found.transactions.push_back(*segment);
    if (entry.name == "leader-epoch-checkpoint") found.epochs = true;
    if (entry.name == kCompactionCheckpoint) found.compacted = true;
    if (is_swap_leftover(entry.name)) found.leftovers.push_back(entry.name);
  }
  std::ranges::sort(found.segments);
  std::ranges::sort(found.snapshots);
  std::ranges::sort(found.transactions);
  for (const auto& entry : entries) {
    auto base = offset_of_file(entry.name, ".index");
    if (!base) base = offset_of_file(entry.name, ".timeindex");
    if (!base) base = offset_of_file(entry.name, ".txnindex");
    const bool orphan = base && !std::ranges::binary_search(found.segments, *base);
    if (orphan || entry.name.ends_with(".tmp")) found.strays.push_back(entry.name);
  }
  return found;
}

Result<void> PartitionLog::Impl::load(const LogHints& hints) {
  MILLRACE_CHECK(context_.files.make_directories(directory_));
  MILLRACE_TRY(found, find_files());
  if (found.compacted) {
    MILLRACE_TRY(compacted_to, read_compacted_to(context_.files, directory_));
    gaps_before_.store(compacted_to.value());
  }
  if (!found.leftovers.empty()) {
    for (const auto& name : found.leftovers) {
      // A rename may have been lost.
      if (const auto base = offset_of_swapped(name)) doubt_transactions(*base);
    }
    MILLRACE_CHECK(finish_swaps(found.leftovers));
    MILLRACE_TRY(settled, find_files());
    found = std::move(settled);
  }
  std::string saved_epochs;
  if (found.epochs) {
    const auto text = read_file(context_.files, join(directory_, "leader-epoch-checkpoint"));
    if (text) saved_epochs = *text;
    if (!text || !epochs_.decode(*text)) found.epochs = false;
  }
  for (const auto base : found.segments) {
    segments_.push_back(std::make_shared<Segment>(context_.open_files, directory_, base));
    MILLRACE_CHECK(segments_.back()->load_without_indexes(context_.files));
  }
  report_.clean = hints.clean;
  if (segments_.empty()) {
    if (hints.durable && hints.durable->offset > hints.log_start && hints.durable->position > 0) {
      return millrace::fail(
          ErrorCode::kCorruptLog,
          fmt::format("{} is offline: {} has no segment, and offset {} was durable. Nothing was changed",
                      name_.to_string(), directory_, hints.durable->offset.value()));
    }
    segments_.push_back(std::make_shared<Segment>(context_.open_files, directory_, hints.log_start));
    MILLRACE_CHECK(segments_.back()->create());
    MILLRACE_CHECK(context_.files.sync_directory(directory_));
    view_.end = {hints.log_start, hints.log_start, 0};
  } else {
    if (hints.durable) MILLRACE_CHECK(check_lengths(*hints.durable));
    MILLRACE_CHECK(hints.clean ? load_clean(found) : recover(found, hints));
  }
  for (const auto& stray : found.strays) (void)context_.files.remove(join(directory_, stray));
  MILLRACE_CHECK(load_producers(found, view_.end.offset));
  if (epochs_.encode() != saved_epochs) save_epochs();
  view_.segments = std::make_shared<const SegmentList>(segments_);
  view_.log_start = std::clamp(hints.log_start, segments_.front()->base(), view_.end.offset);
  view_.high = view_.stable = durable_ = view_.end;
  if (const auto first = transactions_.first()) view_.stable = *first;
  MILLRACE_CHECK(write_doubted_transactions());
  segment_made_ = context_.clock.wall();
  changed_ = !hints.clean && !found.segments.empty();
  return {};
}

Result<void> PartitionLog::Impl::check_lengths(const DurablePosition& durable) const {
  const auto at =
      std::ranges::find_if(segments_, [&durable](const auto& segment) { return segment->base() == durable.segment; });
  // Older segments may have been removed by retention since; but not this one and all after it.
  const bool gone = at == segments_.end() && (segments_.empty() || segments_.back()->base() < durable.segment);
  if (gone && durable.position > 0) {
    return millrace::fail(
        ErrorCode::kCorruptLog,
        fmt::format("{} is offline: {} is missing, and offset {} was durable. Nothing was changed", name_.to_string(),
                    segment_stem(durable.segment) + ".log", durable.offset.value()));
  }
  if (at != segments_.end() && (*at)->size() < durable.position) {
    return millrace::fail(
        ErrorCode::kCorruptLog,
        fmt::format("{} is offline: {} ends at byte {}, and {} bytes of it were durable (up to offset {}). Nothing "
                    "was changed; see: millrace log repair --help",
                    name_.to_string(), (*at)->path(), (*at)->size(), durable.position, durable.offset.value()));
  }
  return {};
}

bool PartitionLog::Impl::follows(const Segment& segment, Offset expected) const {
  return expected == kNoOffset || segment.base() == expected || (segment.base() > expected && expected < gaps_before());
}

Error PartitionLog::Impl::gap_error(const Segment& segment, Offset expected) const {
  const auto reason = segment.base() > expected
                          ? fmt::format("no segment holds the offsets {} to {}; what comes next is {}",
                                        expected.value(), segment.base().value() - 1, segment.path())
                          : fmt::format("{} begins before offset {}, where the segment before it ends", segment.path(),
                                        expected.value());
  return {ErrorCode::kCorruptLog, fmt::format("{} is offline: {}. Nothing was changed; see: millrace log repair --help",
                                              name_.to_string(), reason)};
}

Result<Offset> PartitionLog::Impl::end_of(const Segment& segment) const {
  const auto entry = segment.offset_index().last();
  const auto from = entry ? static_cast<std::uint64_t>(entry->position) : 0;
  MILLRACE_TRY(scanned, scan(segment, {.from = from, .gaps_before = kEverywhere}, context_.buffers,
                             [](const auto&, auto, auto) {}));
  if (scanned.damage) return kNoOffset;
  return scanned.next_offset == kNoOffset ? segment.base() : scanned.next_offset;
}

Result<void> PartitionLog::Impl::load_clean(const Found& found) {
  auto expected = kNoOffset;
  SegmentList rebuilt;
  for (const auto& segment : segments_) {
    if (!follows(*segment, expected)) return std::unexpected(gap_error(*segment, expected));
    MILLRACE_TRY(sound, segment->load(context_.files));
    MILLRACE_CHECK(load_transactions(found, *segment));
    const bool last = segment == segments_.back();
    std::uint64_t from = 0;
    if (!sound) {
      ++report_.rebuilt_indexes;
      MILLRACE_CHECK(segment->load_without_indexes(context_.files));
    } else if (const auto entry = segment->offset_index().last()) {
      from = static_cast<std::uint64_t>(entry->position);
    }
    const auto visit = [&](const RecordBatchView& head, std::uint64_t position, std::size_t size) {
      if (!sound) segment->note(head, position, size, config_.index_interval_bytes);
      if (!found.epochs) epochs_.assign(head.leader_epoch(), head.base_offset());
    };
    MILLRACE_TRY(scanned, scan(*segment, {.from = from, .gaps_before = kEverywhere}, context_.buffers, visit));
    report_.scanned_bytes += scanned.position - from;
    if (scanned.damage && sound && from > 0) {
      // The index, not the log, may be damaged.
      sound = false;
      from = 0;
      ++report_.rebuilt_indexes;
      MILLRACE_CHECK(segment->load_without_indexes(context_.files));
      MILLRACE_TRY(again, scan(*segment, {.gaps_before = kEverywhere}, context_.buffers, visit));
      report_.scanned_bytes += again.position;
      scanned = std::move(again);
    }
    // It was closed after a sync: whatever does not fit is no torn tail.
    if (scanned.damage) return std::unexpected(damage_error(*segment, *scanned.damage));
    if (!sound) rebuilt.push_back(segment);
    expected = scanned.next_offset == kNoOffset ? segment->base() : scanned.next_offset;
    if (last) view_.end = {expected, segment->base(), segment->size()};
  }
  // Not before all of it is known to be sound.
  for (const auto& segment : rebuilt) MILLRACE_CHECK(segment->seal());
  // What rolling by time counts from is in the first batch.
  MILLRACE_TRY(damage, learn_first_timestamp(active()));
  if (damage) return std::unexpected(damage_error(active(), *damage));
  return {};
}

Result<std::optional<SegmentDamage>> PartitionLog::Impl::learn_first_timestamp(Segment& segment) const {
  if (segment.size() == 0 || segment.first_timestamp()) return std::nullopt;
  const auto visit = [&](const RecordBatchView& head, auto, auto) {
    segment.set_first_timestamp(head.max_timestamp());
  };
  MILLRACE_TRY(scanned, scan(segment, {.gaps_before = kEverywhere, .most_batches = 1}, context_.buffers, visit));
  return scanned.damage;
}

Result<void> PartitionLog::Impl::load_transactions(const Found& found, Segment& segment) {
  if (!std::ranges::binary_search(found.transactions, segment.base())) return {};
  const auto next =
      std::ranges::upper_bound(segments_, segment.base(), {}, [](const auto& one) { return one->base(); });
  const auto end = next == segments_.end() ? Offset{INT64_MAX} : (*next)->base();
  MILLRACE_TRY(sound, segment.transactions().load(segment.base(), end));
  if (sound) return {};
  ++report_.rebuilt_indexes;
  doubt_transactions(segment.base());
  return {};
}

Result<void> PartitionLog::Impl::write_doubted_transactions() {
  bool written = false;
  for (const auto& segment : segments_) {
    if (segment->base() < transactions_unknown_from_) continue;
    MILLRACE_CHECK(segment->transactions().write_out());
    MILLRACE_CHECK(segment->transactions().sync());
    written = true;
  }
  return written ? context_.files.sync_directory(directory_) : Result<void>{};
}

Result<void> PartitionLog::Impl::recover(const Found& found, const LogHints& hints) {
  // Nothing is changed on disk until it is known that there is no damage below what was durable.
  const auto durable = hints.durable.value_or(DurablePosition{});
  const auto checked_before = hints.durable ? std::min(hints.recovery_point, durable.offset) : hints.recovery_point;
  auto expected = kNoOffset;
  std::vector<std::shared_ptr<Segment>> rebuilt;
  std::optional<std::pair<std::size_t, SegmentDamage>> cut;
  for (std::size_t i = 0; i < segments_.size() && !cut; ++i) {
    auto& segment = *segments_[i];
    // Its indexes were synced with it: what is durable reaches beyond it.
    const bool settled = i + 1 < segments_.size() && segments_[i + 1]->base() < checked_before;
    if (!follows(segment, expected)) {
      if (expected < durable.offset || !hints.durable) return std::unexpected(gap_error(segment, expected));
      cut.emplace(i - 1, SegmentDamage{segments_[i - 1]->size(), expected,
                                       fmt::format("the next segment is {}", file_name(segment.path()))});
      break;
    }
    // What compaction removed from the end of the segment before.
    expected = segment.base();
    if (settled) {
      MILLRACE_TRY(sound, segment.load(context_.files));
      MILLRACE_CHECK(load_transactions(found, segment));
      MILLRACE_TRY(end, sound ? end_of(segment) : Result<Offset>{kNoOffset});
      if (end != kNoOffset) {
        expected = end;
        continue;
      }
      // The index is damaged, or the log: the segment's batches tell.
      ++report_.rebuilt_indexes;
      MILLRACE_CHECK(segment.load_without_indexes(context_.files));
    }
    const ScanOptions options{.expected = expected,
                              .checksums_from = settled ? Offset{INT64_MAX} : checked_before,
                              .gaps_before = gaps_before()};
    // Of a segment whose end was not durable, the entries need not be either.
    const bool has_file = std::ranges::binary_search(found.transactions, segment.base());
    if (!settled && has_file) segment.transactions().expect_file();
    if (!settled && has_file) doubt_transactions(segment.base());
    const auto visit = [&](const RecordBatchView& head, std::uint64_t position, std::size_t size) {
      segment.note(head, position, size, config_.index_interval_bytes);
      epochs_.assign(head.leader_epoch(), head.base_offset());
      if (!settled && head.is_control()) doubt_transactions(segment.base());
    };
    MILLRACE_TRY(scanned, scan(segment, options, context_.buffers, visit));
    report_.scanned_bytes += scanned.position;
    rebuilt.push_back(segments_[i]);
    if (scanned.damage) {
      const bool below = scanned.damage->offset < durable.offset || segment.base() < durable.segment ||
                         (segment.base() == durable.segment && scanned.damage->position < durable.position);
      bool unknown = false;
      if (!hints.durable) {
        MILLRACE_TRY(intact, count_records_after(segment, *scanned.damage, context_.buffers));
        unknown = intact > 0 || i + 1 < segments_.size();
      }
      if (below || settled || unknown) return std::unexpected(damage_error(segment, *scanned.damage));
      segment.set_size(scanned.position);
      cut.emplace(i, *scanned.damage);
    }
    // Whose checksums were not looked at are checked when they are read.
    if (options.checksums_from <= segment.base()) segment.add_verified(0, scanned.position);
    expected = scanned.next_offset;
    view_.end = {scanned.next_offset, segment.base(), scanned.position};
  }
  if (view_.end.offset < durable.offset) {
    const SegmentDamage damage{view_.end.position, view_.end.offset,
                               fmt::format("the log ends, and was durable up to offset {},", durable.offset.value())};
    return std::unexpected(damage_error(*segments_.back(), damage));
  }
  if (cut) MILLRACE_CHECK(cut_tail(cut->first, cut->second));
  epochs_.cut(view_.end.offset);
  for (const auto& segment : rebuilt) {
    if (segment->base() <= view_.end.segment) MILLRACE_CHECK(segment->seal());
  }
  // What was found may still be in the page cache alone, and readers will see it.
  for (const auto& segment : rebuilt) {
    if (segment->base() > view_.end.segment) continue;
    MILLRACE_TRY(file, segment->file());
    MILLRACE_CHECK(file->sync());
    MILLRACE_CHECK(segment->sync_indexes());
  }
  MILLRACE_CHECK(context_.files.sync_directory(directory_));
  return {};
}

Result<void> PartitionLog::Impl::cut_tail(std::size_t index, const SegmentDamage& damage) {
  auto& segment = *segments_[index];
  report_.cut_at = damage.offset;
  report_.cut_file = segment.path();
  report_.cut_position = damage.position;
  report_.cut_reason = damage.reason;
  // Later segments first, the last one first: were this interrupted, none of them could be taken for what follows the
  // cut.
  while (segments_.size() > index + 1) {
    MILLRACE_TRY(info, context_.files.info(segments_.back()->path()));
    report_.cut_bytes += info.size;
    MILLRACE_CHECK(segments_.back()->remove_files(context_.files));
    MILLRACE_CHECK(context_.files.sync_directory(directory_));
    segments_.pop_back();
  }
  MILLRACE_TRY(file, segment.file());
  MILLRACE_TRY(size, file->size());
  report_.cut_bytes += size - damage.position;
  MILLRACE_CHECK(segment.cut(damage.position));
  context_.logger.warn(
      "{}: cut {} bytes off the end, from offset {} ({} at byte {}: {}); no write there was acknowledged as durable",
      name_.to_string(), report_.cut_bytes, damage.offset.value(), file_name(segment.path()), damage.position,
      damage.reason);
  return {};
}

Result<LogPlace> PartitionLog::Impl::place_of(Offset offset) const {
  const auto after =
      std::ranges::upper_bound(segments_, offset, {}, [](const auto& segment) { return segment->base(); });
  const auto& segment = after == segments_.begin() ? *segments_.front() : **std::prev(after);
  LogPlace place{offset, segment.base(), 0};
  const auto visit = [&](const RecordBatchView& head, std::uint64_t position, std::size_t) {
    if (head.base_offset() <= offset) place.position = position;
  };
  MILLRACE_CHECK(scan_from(segment, offset, visit));
  return place;
}

Result<void> PartitionLog::Impl::scan_from(const Segment& segment, Offset offset, const BatchVisitor& visit) const {
  MILLRACE_TRY(from, segment.position_before(std::max(offset, segment.base())));
  if (from >= segment.size()) from = 0;
  MILLRACE_TRY(scanned, scan(segment, {.from = from, .gaps_before = kEverywhere}, context_.buffers, visit));
  if (scanned.damage && from > 0 && scanned.position == from) {
    // The index, not the log, may be damaged.
    MILLRACE_TRY(again, scan(segment, {.gaps_before = kEverywhere}, context_.buffers, visit));
    scanned = std::move(again);
  }
  if (scanned.damage) return std::unexpected(damage_error(segment, *scanned.damage));
  return {};
}

Result<void> PartitionLog::Impl::load_producers(const Found& found, Offset end) {
  // The newest snapshot that is sound and not beyond the end, or where transaction indexes are to be made; what came
  // after it is read from the batches.
  auto from = segments_.front()->base();
  snapshots_ = found.snapshots;
  for (auto i = snapshots_.size(); i-- > 0;) {
    const auto newest = snapshots_[i];
    if (newest > transactions_unknown_from_ && newest <= end) continue;
    const auto path = join(directory_, segment_stem(newest) + ".snapshot");
    const auto content = newest <= end ? read_file(context_.files, path) : Result<std::string>{std::string{}};
    if (newest <= end && content && producers_.decode(as_bytes(*content))) {
      from = std::max(from, newest);
      break;
    }
    (void)context_.files.remove(path);
    snapshots_.erase(snapshots_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (const auto& segment : segments_) {
    if (segment->base() >= transactions_unknown_from_) segment->transactions().clear();
  }
  // A transaction that the snapshot knows to be open begins where no batch is read below; its place is looked up.
  for (const auto& [producer, first] : producers_.open_transactions()) {
    MILLRACE_TRY(place, place_of(first));
    transactions_.begin(producer, place);
  }
  const bool all_epochs = !found.epochs;
  if (all_epochs) epochs_.clear();
  Result<void> read;
  const auto first_needed = all_epochs ? segments_.front()->base() : from;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    auto& segment = *segments_[i];
    const bool before = i + 1 < segments_.size() && segments_[i + 1]->base() <= first_needed;
    if (before || first_needed >= end) continue;
    MILLRACE_TRY(file, segment.file());
    const auto visit = [&](const RecordBatchView& head, std::uint64_t position, std::size_t size) {
      epochs_.assign(head.leader_epoch(), head.base_offset());
      if (head.base_offset() < from || !head.has_producer_id() || !read) return;
      std::optional<ProducerState::Ended> ended;
      if (!head.is_control()) {
        producers_.update(head);
      } else {
        // A marker's content is needed, and it is small.
        auto whole = context_.buffers.take(size);
        const auto got = file->read(position, whole.bytes().first(size));
        if (!got) read = std::unexpected(got.error());
        if (got && *got == size) ended = producers_.update(RecordBatchView::trusted(whole.bytes().first(size)));
      }
      if (head.is_transactional()) note_transaction(head, {head.base_offset(), segment.base(), position});
      if (ended && ended->end == TransactionEnd::kAbort && segment.base() >= transactions_unknown_from_) {
        segment.transactions().append(index_entry(*ended, head.base_offset()));
      }
      // Whatever is found is in the log for good.
      if (head.is_control()) transactions_.decide_up_to(head.next_offset());
    };
    MILLRACE_CHECK(scan_from(segment, first_needed, visit));
    MILLRACE_CHECK(read);
  }
  return {};
}

}  // namespace millrace
