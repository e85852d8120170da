#include "log/log_repair.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "log/data_folder.h"
#include "log/durable_positions.h"
#include "log/file_cache.h"
#include "log/segment.h"

namespace millrace {
namespace {

constexpr std::string_view kCutSuffix = ".cut";
constexpr std::size_t kCopyBytes = 1 << 20;

/// Where a log is to be cut: before a place in one of its segments; the segments after it go as a whole.
struct CutPlace {
  std::size_t segment = 0;
  std::uint64_t position = 0;
  Offset end{0};
  std::string damage;
};

class Repair {
 public:
  Repair(FileSystem& files, Path directory) : files_(files), directory_(std::move(directory)) {
    repair_.directory = directory_;
  }

  Result<LogRepair> run(RepairMode mode) {
    MILLRACE_CHECK(find_segments());
    durable_ = durable_position_of(files_, directory_);
    MILLRACE_TRY(cut, find_damage());
    if (!cut) return repair_;
    repair_.damage = cut->damage;
    repair_.end = repair_.lost_end = cut->end;
    MILLRACE_CHECK(count_loss(*cut));
    if (mode == RepairMode::kCut) MILLRACE_CHECK(make(*cut));
    return repair_;
  }

 private:
  Result<void> find_segments() {
    MILLRACE_TRY(entries, files_.list(directory_));
    for (const auto& entry : entries) {
      if (const auto base = offset_of_file(entry.name, ".log")) {
        segments_.push_back(std::make_unique<Segment>(cache_, directory_, *base));
        MILLRACE_CHECK(segments_.back()->load_without_indexes(files_));
      }
      if (const auto at = offset_of_file(entry.name, ".snapshot")) snapshots_.push_back(*at);
    }
    if (segments_.empty() || !partition_of_folder(file_name(directory_))) {
      return fail(ErrorCode::kInvalidArgument,
                  directory_ + " is no partition's folder; give one, such as DATA/orders-0");
    }
    std::ranges::sort(segments_, {}, [](const auto& segment) { return segment->base(); });
    return {};
  }

  /// The first damage; none when the next start needs no help.
  Result<std::optional<CutPlace>> find_damage() {
    MILLRACE_TRY(compacted_to, read_compacted_to(files_, directory_));
    auto expected = segments_.front()->base();
    for (std::size_t i = 0; i < segments_.size(); ++i) {
      const auto& segment = *segments_[i];
      if (segment.base() != expected && (segment.base() < expected || expected >= compacted_to)) {
        return CutPlace{
            i - 1, segments_[i - 1]->size(), expected,
            fmt::format("no segment holds the offsets {} to {}", expected.value(), segment.base().value() - 1)};
      }
      const ScanOptions options{.expected = segment.base(), .checksums_from = Offset{0}, .gaps_before = compacted_to};
      MILLRACE_TRY(scanned, scan(segment, options, buffers_, [](const auto&, auto, auto) {}));
      expected = scanned.next_offset;
      if (!scanned.damage) continue;
      MILLRACE_TRY(intact, count_records_after(segment, *scanned.damage, buffers_));
      const bool below = durable_ && (segment.base() < durable_->segment ||
                                      (segment.base() == durable_->segment && scanned.position < durable_->position));
      // A torn tail is cut by the next start, which says so.
      if (i + 1 == segments_.size() && intact == 0 && !below) return std::optional<CutPlace>{};
      return CutPlace{i, scanned.position, expected,
                      fmt::format("{} in {} at byte {} (offset {})", scanned.damage->reason, file_name(segment.path()),
                                  scanned.position, expected.value())};
    }
    if (durable_ && expected < durable_->offset) {
      return CutPlace{segments_.size() - 1, segments_.back()->size(), expected,
                      fmt::format("the log ends at offset {}, and it was durable up to {}", expected.value(),
                                  durable_->offset.value())};
    }
    return std::optional<CutPlace>{};
  }

  Result<void> count_loss(const CutPlace& cut) {
    for (auto i = cut.segment; i < segments_.size(); ++i) {
      const auto& segment = *segments_[i];
      auto position = i == cut.segment ? cut.position : 0;
      repair_.cut_bytes += segment.size() - position;
      while (position < segment.size()) {
        const ScanOptions options{.from = position, .checksums_from = Offset{0}, .gaps_before = kEverywhere};
        const auto visit = [this](const RecordBatchView& batch, auto, auto) {
          repair_.intact_records += static_cast<std::uint64_t>(batch.record_count());
          repair_.lost_end = std::max(repair_.lost_end, batch.next_offset());
        };
        MILLRACE_TRY(scanned, scan(segment, options, buffers_, visit));
        if (!scanned.damage) break;
        MILLRACE_TRY(next, next_batch(segment, scanned.position + 1));
        position = next;
      }
    }
    if (durable_) repair_.lost_end = std::max(repair_.lost_end, durable_->offset);
    return {};
  }

  /// Where the next intact batch begins, from `position` on; the end when there is none.
  Result<std::uint64_t> next_batch(const Segment& segment, std::uint64_t position) {
    for (; position + batch_layout::kRecords <= segment.size(); ++position) {
      const ScanOptions options{
          .from = position, .checksums_from = Offset{0}, .gaps_before = kEverywhere, .most_batches = 1};
      bool sound = false;
      MILLRACE_TRY(scanned, scan(segment, options, buffers_, [&sound](const auto&, auto, auto) { sound = true; }));
      if (sound && !scanned.damage) return position;
    }
    return segment.size();
  }

  Result<void> make(const CutPlace& cut) {
    const auto& damaged = *segments_[cut.segment];
    // First what is cut is kept.
    if (cut.position < damaged.size()) {
      const auto side = fmt::format("{}.{}{}", damaged.path(), cut.position, kCutSuffix);
      MILLRACE_CHECK(copy(damaged, cut.position, side));
      repair_.side_files.push_back(side);
    }
    MILLRACE_TRY(compacted_to, read_compacted_to(files_, directory_));
    if (compacted_to > cut.end) MILLRACE_CHECK(write_compacted_to(files_, directory_, cut.end));
    // Then it is known that the log may end here, and that the next start has to look.
    MILLRACE_TRY(positions, DurablePositions::open(files_, join(folder_of(directory_), "durable-positions")));
    const auto id = read_partition_metadata(files_, directory_).value_or(TopicId{});
    const DurablePositions::Update update{{std::string{file_name(directory_)}, id},
                                          {cut.end, damaged.base(), cut.position}};
    MILLRACE_CHECK(positions->add({&update, 1}));
    MILLRACE_CHECK(positions->sync());
    MILLRACE_CHECK(remove_clean_shutdown(files_, Path{folder_of(directory_)}));
    // The last first: whatever a crash leaves is one sequence.
    for (auto i = segments_.size(); i-- > cut.segment + 1;) {
      const auto side = segments_[i]->path() + std::string{kCutSuffix};
      MILLRACE_CHECK(remove_indexes(*segments_[i]));
      MILLRACE_CHECK(files_.rename(segments_[i]->path(), side));
      MILLRACE_CHECK(files_.sync_directory(directory_));
      repair_.side_files.push_back(side);
    }
    for (const auto at : snapshots_) {
      if (at > cut.end) MILLRACE_CHECK(files_.remove(join(directory_, segment_stem(at) + ".snapshot")));
    }
    MILLRACE_CHECK(remove_indexes(damaged));
    MILLRACE_TRY(file, files_.open(damaged.path(), OpenMode::kReadWrite));
    MILLRACE_CHECK(file->truncate(cut.position));
    MILLRACE_CHECK(file->sync());
    return files_.sync_directory(directory_);
  }

  Result<void> copy(const Segment& segment, std::uint64_t from, const Path& to) {
    MILLRACE_TRY(source, segment.file());
    MILLRACE_TRY(target, files_.open(to, OpenMode::kCreate));
    MILLRACE_CHECK(target->truncate(0));
    const auto buffer = buffers_.take(kCopyBytes);
    for (auto at = from; at < segment.size();) {
      MILLRACE_TRY(got, source->read(at, buffer.bytes().first(kCopyBytes)));
      if (got == 0) break;
      MILLRACE_CHECK(target->write(at - from, buffer.bytes().first(got)));
      at += got;
    }
    MILLRACE_CHECK(target->sync());
    return files_.sync_directory(directory_);
  }

  Result<void> remove_indexes(const Segment& segment) {
    for (const auto* path : {&segment.offset_index().path(), &segment.time_index().path()}) {
      const auto removed = files_.remove(*path);
      if (!removed && removed.error().code() != ErrorCode::kNotFound) return removed;
    }
    return {};
  }

  FileSystem& files_;
  const Path directory_;
  BufferPool buffers_;
  FileCache cache_{files_, 4, OpenMode::kRead};
  std::vector<std::unique_ptr<Segment>> segments_;
  std::vector<Offset> snapshots_;
  std::optional<DurablePosition> durable_;
  LogRepair repair_;
};

}  // namespace

Result<LogRepair> repair_log(FileSystem& files, const Path& given, RepairMode mode) {
  auto directory = given;
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  MILLRACE_TRY(info, files.info(directory));
  if (!info.is_directory) return fail(ErrorCode::kInvalidArgument, directory + " is no folder");
  const auto lock = files.lock(join(folder_of(directory), ".lock"));
  if (!lock && lock.error().code() == ErrorCode::kInUse) {
    return fail(ErrorCode::kInUse, fmt::format("{} is in use by a broker; stop it first", folder_of(directory)));
  }
  if (!lock) return std::unexpected(lock.error());
  return Repair{files, directory}.run(mode);
}

Result<LogRepair> repair_log(const std::string& directory, RepairMode mode) {
  PosixFileSystem files;
  return repair_log(files, directory, mode);
}

}  // namespace millrace
