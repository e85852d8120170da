#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "base/files.h"
#include "log/checkpoint_file.h"
#include "log/data_folder.h"
#include "log/durable_positions.h"
#include "log/file_cache.h"
#include "log/producer_state.h"
#include "log/segment.h"
#include "millrace/log_files.h"

namespace millrace {
namespace {

/// Where a batch of a segment lies, to hold the indexes against.
struct BatchPlace {
  std::uint64_t position;
  Offset last;
  Timestamp largest_so_far;
};

class PartitionVerifier {
 public:
  PartitionVerifier(FileSystem& files, Path directory, std::optional<DurablePosition> durable)
      : files_(files), directory_(std::move(directory)), durable_(durable) {
    check_.directory = directory_;
  }

  Result<PartitionCheck> run(std::optional<Offset> only) {
    MILLRACE_TRY(compacted_to, find_compacted_to());
    compacted_to_ = compacted_to;
    MILLRACE_TRY(entries, files_.list(directory_));
    std::vector<Offset> bases;
    for (const auto& entry : entries) {
      const auto base = offset_of_file(entry.name, ".log");
      if (base && (!only || *base == *only)) bases.push_back(*base);
      const auto indexed = offset_of_file(entry.name, ".txnindex");
      if (indexed && (!only || *indexed == *only)) MILLRACE_CHECK(check_transaction_index(*indexed));
      if (offset_of_file(entry.name, ".snapshot") && !only)
        MILLRACE_CHECK(check_snapshot(join(directory_, entry.name)));
    }
    std::ranges::sort(bases);
    for (const auto base : bases) MILLRACE_CHECK(check_segment(base, base == bases.back() && !only));
    check_durable(bases, only.has_value());
    return check_;
  }

 private:
  /// Before this offset batches may be missing: as we write it down, and as Kafka does.
  Result<Offset> find_compacted_to() {
    MILLRACE_TRY(ours, read_compacted_to(files_, directory_));
    const auto kafkas = read_offset_checkpoint(files_, join(folder_of(directory_), "cleaner-offset-checkpoint"));
    const auto name = partition_of_folder(file_name(directory_));
    if (!kafkas || !name || !kafkas->contains(*name)) return ours;
    return std::max(ours, kafkas->at(*name));
  }

  void damaged(std::string what) { check_.damages.push_back(std::move(what)); }

  Result<void> check_segment(Offset base, bool is_last) {
    FileCache cache{files_, 4, OpenMode::kRead};
    Segment segment{cache, directory_, base};
    MILLRACE_CHECK(segment.load_without_indexes(files_));
    if (check_.first == kNoOffset) check_.first = base;
    // What is missing behind a damage was said with it.
    if (check_.next != kNoOffset && base > check_.next && !is_cut_short_ && check_.next >= compacted_to_) {
      damaged(fmt::format("no segment holds the offsets {} to {}", check_.next.value(), base.value() - 1));
    }
    std::vector<BatchPlace> places;
    auto largest = kNoTimestamp;
    std::optional<std::string> record_problem;
    const auto visit = [&](const RecordBatchView& batch, std::uint64_t position, std::size_t) {
      largest = std::max(largest, batch.max_timestamp());
      places.push_back({position, batch.last_offset(), largest});
      ++check_.batches;
      check_.records += static_cast<std::uint64_t>(batch.record_count());
      if (const auto problem = problem_of_records(batch); !record_problem && !problem.empty()) {
        record_problem = fmt::format("{} at byte {}: {}", file_name(segment.path()), position, problem);
      }
    };
    MILLRACE_TRY(scanned, scan(segment, {.expected = base, .checksums_from = Offset{0}, .gaps_before = kEverywhere},
                               buffers_, visit));
    if (record_problem) damaged(*std::move(record_problem));
    check_.next = scanned.next_offset;
    ++check_.segments;
    check_.bytes += segment.size();
    is_cut_short_ = scanned.damage.has_value();
    if (scanned.damage) MILLRACE_CHECK(note_damage(segment, *scanned.damage, is_last));
    MILLRACE_CHECK(check_offset_index(segment, places, is_last || is_cut_short_));
    return check_time_index(segment, places);
  }

  Result<void> note_damage(const Segment& segment, const SegmentDamage& damage, bool is_last) {
    MILLRACE_TRY(intact, count_records_after(segment, damage, buffers_));
    const bool below = durable_ && (segment.base() < durable_->segment ||
                                    (segment.base() == durable_->segment && damage.position < durable_->position));
    if (is_last && intact == 0 && !below) {
      check_.tail_bytes = segment.size() - damage.position;
      return {};
    }
    damaged(fmt::format("{} in {} at byte {} (offset {}); {} later records of the file look intact", damage.reason,
                        file_name(segment.path()), damage.position, damage.offset.value(), intact));
    return {};
  }

  std::string problem_of_records(const RecordBatchView& batch) {
    auto cursor = batch.records(buffers_);
    if (!cursor) return cursor.error().message();
    while (cursor->next()) {
    }
    return cursor->status() ? std::string{} : cursor->status().error().message();
  }

  /// The entries of an index file; none if there is no such file.
  template <class Entry>
  Result<std::vector<Entry>> entries_of(const Path& path) {
    std::vector<Entry> entries;
    const auto content = read_file(files_, path);
    if (!content) {
      damaged(fmt::format("{} cannot be read; the next start rebuilds it", file_name(path)));
      return entries;
    }
    if (content->size() % Entry::kBytes != 0) {
      damaged(fmt::format("{} has {} bytes, which is no multiple of {}; the next start rebuilds it", file_name(path),
                          content->size(), Entry::kBytes));
      return entries;
    }
    const auto bytes = as_bytes(*content);
    for (std::size_t at = 0; at < bytes.size(); at += Entry::kBytes) entries.push_back(Entry::load(&bytes[at]));
    return entries;
  }

  /// The batch that ends with the entry's offset.
  template <class Entry>
  const BatchPlace* place_of(const Segment& segment, const std::vector<BatchPlace>& places, const Entry& entry) {
    const auto last = segment.base() + entry.relative_offset;
    const auto found = std::ranges::lower_bound(places, last, {}, &BatchPlace::last);
    return found != places.end() && found->last == last ? &*found : nullptr;
  }

  Result<void> check_offset_index(const Segment& segment, const std::vector<BatchPlace>& places, bool is_open) {
    MILLRACE_TRY(entries, entries_of<OffsetIndexEntry>(segment.offset_index().path()));
    for (const auto& entry : entries) {
      const auto* place = place_of(segment, places, entry);
      if (place != nullptr && place->position == static_cast<std::uint64_t>(entry.position)) continue;
      // The indexes of a segment that is in use, or damaged, may be ahead of what was read.
      if (place == nullptr && is_open && segment.base() + entry.relative_offset >= check_.next) continue;
      damaged(fmt::format("{} says that the batch that ends at offset {} begins at byte {}, and it does not",
                          file_name(segment.offset_index().path()), (segment.base() + entry.relative_offset).value(),
                          entry.position));
      break;
    }
    return {};
  }

  Result<void> check_time_index(const Segment& segment, const std::vector<BatchPlace>& places) {
    MILLRACE_TRY(entries, entries_of<TimeIndexEntry>(segment.time_index().path()));
    for (const auto& entry : entries) {
      const auto* place = place_of(segment, places, entry);
      if (place == nullptr || place->largest_so_far.time_since_epoch().count() == entry.timestamp) continue;
      damaged(fmt::format("{} says that the largest timestamp up to offset {} is {}, and it is {}",
                          file_name(segment.time_index().path()), place->last.value(), entry.timestamp,
                          place->largest_so_far.time_since_epoch().count()));
      break;
    }
    return {};
  }

  Result<void> check_transaction_index(Offset base) {
    FileCache cache{files_, 2, OpenMode::kRead};
    const auto name = segment_stem(base) + ".txnindex";
    TransactionIndex index{cache, join(directory_, name)};
    MILLRACE_TRY(sound, index.load(base));
    if (!sound) damaged(fmt::format("{} is damaged; the next start reads the batches instead", name));
    return {};
  }

  Result<void> check_snapshot(const Path& path) {
    MILLRACE_TRY(content, read_file(files_, path));
    ProducerState state;
    if (!state.decode(as_bytes(content)))
      damaged(fmt::format("{} is damaged; the next start reads the batches instead", file_name(path)));
    return {};
  }

  void check_durable(const std::vector<Offset>& bases, bool only_one) {
    if (!durable_ || only_one || durable_->position == 0) return;
    const auto there = std::ranges::any_of(bases, [this](Offset base) { return base >= durable_->segment; });
    if (!there)
      damaged(fmt::format("{}.log is missing, and it was durable up to offset {}", segment_stem(durable_->segment),
                          durable_->offset.value()));
    if (there && check_.next < durable_->offset && !is_cut_short_) {
      damaged(fmt::format("the log ends at offset {}, and it was durable up to {}", check_.next.value(),
                          durable_->offset.value()));
    }
  }

  FileSystem& files_;
  const Path directory_;
  const std::optional<DurablePosition> durable_;
  BufferPool buffers_;
  Offset compacted_to_{0};
  PartitionCheck check_;
  /// The last segment that was looked at could not be read to its end.
  bool is_cut_short_ = false;
};

bool holds_segments(const std::vector<DirectoryEntry>& entries) {
  return std::ranges::any_of(entries, [](const auto& entry) { return offset_of_file(entry.name, ".log").has_value(); });
}

}  // namespace

Result<std::vector<PartitionCheck>> verify_log(const std::string& given) {
  PosixFileSystem files;
  auto path = given;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  MILLRACE_TRY(info, files.info(path));
  std::vector<PartitionCheck> checks;
  const auto verify = [&](const Path& directory, std::optional<Offset> only) -> Result<void> {
    MILLRACE_TRY(check, PartitionVerifier(files, directory, durable_position_of(files, directory)).run(only));
    checks.push_back(std::move(check));
    return {};
  };
  if (!info.is_directory) {
    if (const auto base = offset_of_file(file_name(path), ".log")) MILLRACE_CHECK(verify(Path{folder_of(path)}, base));
  } else {
    MILLRACE_TRY(entries, files.list(path));
    if (holds_segments(entries)) {
      MILLRACE_CHECK(verify(path, std::nullopt));
    } else {
      for (const auto& entry : entries) {
        if (!entry.is_directory || is_deleted_folder(entry.name) || !partition_of_folder(entry.name)) continue;
        MILLRACE_CHECK(verify(join(path, entry.name), std::nullopt));
      }
      const bool is_data_folder =
          std::ranges::any_of(entries, [](const auto& entry) { return entry.name == "meta.properties"; });
      if (checks.empty() && is_data_folder) return checks;
    }
  }
  if (checks.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                path + " is no part of a log; give a data folder, a partition's folder or a .log file");
  }
  return checks;
}

}  // namespace millrace
