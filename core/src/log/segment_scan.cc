#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "log/segment.h"

namespace millrace {
namespace {

namespace layout = batch_layout;

// What is read at once: for whole batches, and to hop from header to header.
constexpr std::size_t kWindow = 256 * 1024;
constexpr std::size_t kHop = 8 * 1024;

/// A part of a file in memory, which moves forward.
class Window {
 public:
  Window(const File& file, std::uint64_t end, BufferPool& buffers)
      : file_(&file), end_(end), buffers_(&buffers), buffer_(buffers.take(kWindow)) {}

  /// The bytes at `position`: `size` of them, or fewer at the end.
  Result<Bytes> at(std::uint64_t position, std::size_t size) {
    size = static_cast<std::size_t>(std::min<std::uint64_t>(size, end_ - std::min(position, end_)));
    if (position < begin_ || position + size > begin_ + filled_) MILLRACE_CHECK(fill(position, size));
    const auto offset = static_cast<std::size_t>(position - begin_);
    return Bytes{buffer_.data() + offset, std::min(size, filled_ - std::min(filled_, offset))};
  }

 private:
  Result<void> fill(std::uint64_t position, std::size_t size) {
    if (size > buffer_.capacity()) buffer_ = buffers_->take(size);
    const auto chunk = size <= layout::kRecords ? kHop : buffer_.capacity();
    const auto wanted = std::min<std::uint64_t>(chunk, end_ - position);
    MILLRACE_TRY(got, file_->read(position, buffer_.bytes().first(static_cast<std::size_t>(wanted))));
    begin_ = position;
    filled_ = got;
    return {};
  }

  const File* file_;
  std::uint64_t end_;
  BufferPool* buffers_;
  SharedBuffer buffer_;
  std::uint64_t begin_ = 0;
  std::size_t filled_ = 0;
};

/// Why a header cannot be that of the next batch; nothing when it can.
std::string problem_of(Bytes header, const ScanOptions& options, Offset expected, std::uint64_t left) {
  if (header.size() < layout::kRecords) return fmt::format("a batch header is cut off after {} bytes", header.size());
  const auto batch = RecordBatchView::trusted(header);
  const auto length = load_be<std::int32_t>(header.data() + layout::kLength);
  if (batch.magic() != 2) return fmt::format("no record batch begins here (magic {})", batch.magic());
  if (length < layout::kSmallestLength) return fmt::format("a batch length of {} is impossible", length);
  if (batch.last_offset_delta() < 0 || batch.record_count() < 0) return "the batch's counts are negative";
  const auto base = batch.base_offset();
  const bool in_order = base == expected || (base > expected && expected < options.gaps_before);
  if (expected != kNoOffset && !in_order) {
    return fmt::format("the batch has offset {} where {} was expected", base.value(), expected.value());
  }
  if (base.value() < 0) return fmt::format("the batch has offset {}", base.value());
  const auto size = layout::kLogOverhead + static_cast<std::uint64_t>(length);
  if (size > left) return fmt::format("a batch of {} bytes is cut off after {}", size, left);
  return {};
}

}  // namespace

Result<ScanResult> scan(const Segment& segment, const ScanOptions& options, BufferPool& buffers,
                        const BatchVisitor& visit) {
  MILLRACE_TRY(file, segment.file());
  const auto end = std::min(options.to, segment.size());
  Window window{*file, end, buffers};
  ScanResult result{.position = options.from, .next_offset = options.expected, .batches = 0, .damage = {}};
  const auto damaged = [&result](std::string reason) {
    result.damage = SegmentDamage{result.position, result.next_offset, std::move(reason)};
    return result;
  };
  while (result.position < end && result.batches < options.most_batches &&
         result.position - options.from < options.most_bytes) {
    const auto left = end - result.position;
    MILLRACE_TRY(header, window.at(result.position, layout::kRecords));
    if (auto problem = problem_of(header, options, result.next_offset, left); !problem.empty()) {
      return damaged(std::move(problem));
    }
    const auto size =
        layout::kLogOverhead + static_cast<std::size_t>(load_be<std::int32_t>(header.data() + layout::kLength));
    auto batch = RecordBatchView::trusted(header);
    if (batch.last_offset() >= options.checksums_from) {
      MILLRACE_TRY(bytes, window.at(result.position, size));
      if (bytes.size() < size) return damaged("the file became shorter while it was read");
      batch = RecordBatchView::trusted(bytes);
      if (!batch.crc_matches()) return damaged("wrong checksum");
    }
    visit(batch, result.position, size);
    result.next_offset = batch.next_offset();
    result.position += size;
    ++result.batches;
  }
  return result;
}

Result<std::uint64_t> count_records_after(const Segment& segment, const SegmentDamage& damage, BufferPool& buffers) {
  MILLRACE_TRY(file, segment.file());
  const auto end = segment.size();
  Window window{*file, end, buffers};
  std::uint64_t records = 0;
  auto position = damage.position + 1;
  while (position + layout::kRecords <= end) {
    MILLRACE_TRY(header, window.at(position, layout::kRecords));
    const auto left = end - position;
    const bool plausible = problem_of(header, {.gaps_before = kEverywhere}, damage.offset, left).empty();
    if (plausible && load_be<std::int64_t>(header.data()) - damage.offset.value() <= INT32_MAX) {
      const auto size =
          layout::kLogOverhead + static_cast<std::size_t>(load_be<std::int32_t>(header.data() + layout::kLength));
      MILLRACE_TRY(bytes, window.at(position, size));
      const auto batch = RecordBatchView::trusted(bytes);
      if (bytes.size() == size && batch.crc_matches()) {
        records += static_cast<std::uint64_t>(batch.record_count());
        position += size;
        continue;
      }
    }
    ++position;
  }
  return records;
}

}  // namespace millrace
