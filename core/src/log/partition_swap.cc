// Segments that take the place of others, and what a crash leaves of that.
//
//     N.log.cleaned   being written                             a crash: removed
//     N.log.swap      complete and durable                      a crash: takes its place
//     M.log.deleted   replaced; readers may still have it       a crash: removed

#include <fmt/core.h>

#include <algorithm>

#include "log/data_folder.h"
#include "log/partition_log_impl.h"

namespace millrace {
namespace {

/// The first segment's offset of "N.log.swap", if the name ends so.
std::optional<Offset> offset_of_swap(std::string_view name) {
  if (!name.ends_with(kSwapSuffix)) return std::nullopt;
  name.remove_suffix(kSwapSuffix.size());
  return offset_of_file(name, ".log");
}

/// Each generation has a name of its own: the one before may still be read.
std::string deleted_suffix(const Segment& segment) {
  return segment.version() == 0 ? std::string{kDeletedSuffix} : fmt::format(".{}{}", segment.version(), kDeletedSuffix);
}

}  // namespace

std::optional<Offset> offset_of_swapped(std::string_view name) {
  if (!name.ends_with(kSwapSuffix)) return std::nullopt;
  name.remove_suffix(kSwapSuffix.size());
  const auto dot = name.find('.');
  return dot == std::string_view::npos ? std::nullopt : offset_of_file(name, name.substr(dot));
}

bool is_swap_leftover(std::string_view name) {
  return name.ends_with(kCleanedSuffix) || name.ends_with(kSwapSuffix) || name.ends_with(kDeletedSuffix);
}

Result<void> PartitionLog::Impl::prepare_to_replace(Offset end) {
  // Gaps before `end` are no damage: that must be known before there are any.
  if (end > gaps_before()) {
    MILLRACE_CHECK(write_compacted_to(context_.files, directory_, end));
    gaps_before_.store(end.value());
  }
  if (context_.positions == nullptr) return {};
  // Nor may an old durable position speak of a segment that becomes shorter.
  LogPlace place;
  {
    const std::lock_guard lock{mutex_};
    place = durable();
    const auto next = std::ranges::find_if(segments_, [end](const auto& segment) { return segment->base() >= end; });
    if (next != segments_.end() && place.segment < (*next)->base()) place = {place.offset, (*next)->base(), 0};
  }
  note_durable(place);
  return context_.positions->sync();
}

Result<void> PartitionLog::Impl::replace_segments(const SegmentList& group, const std::shared_ptr<Segment>& cleaned) {
  auto& files = context_.files;
  const auto drop = [&](Result<void> result) {
    (void)cleaned->remove_files(files);
    return result;
  };
  const auto prepared = [&]() -> Result<void> {
    MILLRACE_CHECK(cleaned->seal());
    MILLRACE_TRY(file, cleaned->file());
    MILLRACE_CHECK(file->sync());
    return cleaned->sync_indexes();
  }();
  if (!prepared) return drop(prepared);

  const std::lock_guard trim_lock{trim_mutex_};
  {
    const std::lock_guard lock{mutex_};
    if (auto open = check_open(); !open) return drop(std::move(open));
    const auto found = std::ranges::search(segments_, group);
    if (found.empty()) {
      return drop(millrace::fail(ErrorCode::kNotFound, name_.to_string() + ": the segments are not there any more"));
    }
  }
  // From here on an error leaves what the next start brings to an end.
  auto replaced = [&]() -> Result<void> {
    MILLRACE_CHECK(cleaned->move(files, kSwapSuffix));
    MILLRACE_CHECK(files.sync_directory(directory_));
    publish_replacement(group, cleaned);
    for (const auto& segment : group) MILLRACE_CHECK(segment->move(files, deleted_suffix(*segment)));
    MILLRACE_CHECK(files.sync_directory(directory_));
    MILLRACE_CHECK(cleaned->move(files, {}));
    return files.sync_directory(directory_);
  }();
  if (!replaced) swap_failed_ = true;
  return replaced;
}

void PartitionLog::Impl::publish_replacement(const SegmentList& group, const std::shared_ptr<Segment>& cleaned) {
  const std::lock_guard lock{mutex_};
  const auto found = std::ranges::search(segments_, group);
  const auto at = segments_.insert(segments_.erase(found.begin(), found.end()), cleaned);
  // The active segment is never replaced, so there is one.
  const auto after = (*std::next(at))->base();
  replaced_.insert(replaced_.end(), group.begin(), group.end());

  const std::lock_guard view_lock{view_mutex_};
  view_.segments = std::make_shared<const SegmentList>(segments_);
  changed_ = true;
  // A position at the very end of what was replaced is at the beginning of what follows.
  for (auto* place : {&view_.end, &view_.high, &view_.stable, &durable_}) {
    if (place->segment >= cleaned->base() && place->segment < after) *place = {place->offset, after, 0};
  }
  std::erase_if(unsynced_, [&](const Unsynced& item) { return std::ranges::find(group, item.segment) != group.end(); });
}

void PartitionLog::Impl::remove_replaced_files() {
  const std::lock_guard trim_lock{trim_mutex_};
  std::erase_if(replaced_, [this](const std::shared_ptr<Segment>& segment) {
    // Somebody still reads it.
    if (segment.use_count() > 1) return false;
    const auto removed = segment->remove_files(context_.files);
    if (!removed) context_.logger.warn("{}: {}", name_.to_string(), removed.error().message());
    // What is left of it goes at the next start.
    return true;
  });
}

Result<void> PartitionLog::Impl::finish_swaps(const std::vector<std::string>& leftovers) {
  auto& files = context_.files;
  const auto remove = [&](std::string_view name) -> Result<void> {
    const auto removed = files.remove(join(directory_, name));
    if (!removed && removed.error().code() != ErrorCode::kNotFound) return removed;
    return {};
  };
  for (const auto& name : leftovers) {
    if (name.ends_with(kCleanedSuffix) || name.ends_with(kDeletedSuffix)) MILLRACE_CHECK(remove(name));
  }
  for (const auto& name : leftovers) {
    const auto base = offset_of_swap(name);
    if (base) MILLRACE_CHECK(finish_swap(*base));
  }
  // An index without its log: the log has its place already, and the index can be made again.
  for (const auto& name : leftovers) {
    if (name.ends_with(kSwapSuffix)) MILLRACE_CHECK(remove(name));
  }
  return files.sync_directory(directory_);
}

Result<void> PartitionLog::Impl::finish_swap(Offset base) {
  auto& files = context_.files;
  Segment swap{context_.open_files, directory_, base, kSwapSuffix};
  MILLRACE_CHECK(swap.load_without_indexes(files));
  const ScanOptions options{.expected = base, .checksums_from = Offset{0}, .gaps_before = kEverywhere};
  MILLRACE_TRY(scanned, scan(swap, options, context_.buffers, [](const auto&, auto, auto) {}));
  // It was durable before it got its name.
  if (scanned.damage) return std::unexpected(damage_error(swap, *scanned.damage));
  MILLRACE_TRY(entries, files.list(directory_));
  const auto end = std::max(scanned.next_offset, base + 1);
  for (const auto& entry : entries) {
    const auto old = offset_of_file(entry.name, ".log");
    if (!old || *old < base || *old >= end) continue;
    Segment replaced{context_.open_files, directory_, *old};
    MILLRACE_CHECK(replaced.remove_files(files));
  }
  MILLRACE_CHECK(files.sync_directory(directory_));
  MILLRACE_CHECK(swap.move(files, {}));
  MILLRACE_CHECK(files.sync_directory(directory_));
  context_.logger.info("{}: finished replacing the segments from offset {}, which a crash had interrupted",
                       name_.to_string(), base.value());
  return {};
}

}  // namespace millrace
