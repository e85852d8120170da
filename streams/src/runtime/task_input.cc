#include "runtime/task_input.h"

#include <algorithm>

namespace millrace::streams {
namespace {

std::size_t size_of(const RecordView& record) {
  return record.key.size() + record.value.size() + record.raw_headers.size();
}

}  // namespace

TaskInput::TaskInput(std::vector<Slot> slots, const StreamConfig& config)
    : slots_(std::move(slots)),
      queues_(slots_.size()),
      chunk_records_(config.chunk_records),
      chunk_bytes_(config.chunk_bytes),
      flush_records_(config.flush_records),
      flush_interval_ms_(config.flush_interval.count()) {
  position_.next.assign(slots_.size(), kNoOffset);
}

void TaskInput::restore(InputPosition position) {
  position_ = std::move(position);
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) queues_[slot].end = position_.next[slot];
}

void TaskInput::push(std::size_t slot, PolledBatch batch) {
  const auto records = batch.records();
  if (records.empty()) return;
  auto& queue = queues_[slot];
  for (const auto& record : records) queue.bytes += size_of(record);
  waiting_records_ += records.size();
  queue.end = records.back().offset + 1;
  queue.batches.push_back(std::make_shared<const PolledBatch>(std::move(batch)));
}

void TaskInput::set_known_end(std::size_t slot, Offset end) { queues_[slot].known_end = end; }

bool TaskInput::is_awaited(std::size_t slot) const {
  const auto& queue = queues_[slot];
  return queue.empty() && (queue.known_end == kNoOffset || std::max(queue.end, Offset{0}) < queue.known_end);
}

std::vector<std::size_t> TaskInput::awaited() const {
  std::vector<std::size_t> slots;
  if (!has_waiting() || slots_.size() == 1) return slots;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (is_awaited(slot)) slots.push_back(slot);
  }
  return slots;
}

std::optional<std::size_t> TaskInput::next_slot() const {
  if (slots_.size() == 1) return queues_[0].empty() ? std::nullopt : std::optional<std::size_t>{0};
  std::optional<std::size_t> best;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (is_awaited(slot)) return std::nullopt;
    if (queues_[slot].empty()) continue;
    if (!best || queues_[slot].head().timestamp < queues_[*best].head().timestamp) best = slot;
  }
  return best;
}

bool TaskInput::flushes_before(const RecordView& record) {
  const auto time = record.timestamp.time_since_epoch().count();
  if (position_.last_flush_ms < 0) position_.last_flush_ms = time;
  if (flush_interval_ms_ < 0 || time - position_.last_flush_ms < flush_interval_ms_) return false;
  position_.last_flush_ms = time;
  const auto has_records = position_.records_since_flush > 0;
  position_.records_since_flush = 0;
  return has_records;
}

void TaskInput::take(std::size_t slot, InputChunk& chunk) {
  auto& queue = queues_[slot];
  const auto& batch = queue.batches.front();
  const auto& record = queue.head();
  const auto records = batch->records();
  auto* last = chunk.pieces.empty() ? nullptr : &chunk.pieces.back();
  // The next batch's records may lie right behind these: only the owner tells them apart.
  if (last != nullptr && last->owner == batch && last->records.data() + last->records.size() == &record) {
    last->records = {last->records.data(), last->records.size() + 1};
  } else {
    chunk.pieces.push_back(
        {slots_[slot].source, slots_[slot].partition, records.subspan(queue.at, 1), batch, chunk.size});
  }
  const auto bytes = size_of(record);
  ++chunk.size;
  chunk.bytes += bytes;
  queue.bytes -= bytes;
  --waiting_records_;
  ++position_.records_since_flush;
  position_.next[slot] = record.offset + 1;
  if (++queue.at == records.size()) {
    queue.batches.pop_front();
    queue.at = 0;
  }
}

bool TaskInput::next_chunk(InputChunk& chunk) {
  auto slot = next_slot();
  if (!slot) return false;
  while (slot && chunk.size < chunk_records_ && (chunk.size == 0 || chunk.bytes < chunk_bytes_)) {
    const auto& record = queues_[*slot].head();
    if (flushes_before(record)) {
      chunk.flush = detail::Chunk::Flush::kYes;
      break;
    }
    const auto time = record.timestamp.time_since_epoch().count();
    take(*slot, chunk);
    if (position_.records_since_flush >= flush_records_) {
      position_.records_since_flush = 0;
      position_.last_flush_ms = std::max(position_.last_flush_ms, time);
      chunk.flush = detail::Chunk::Flush::kYes;
      break;
    }
    slot = next_slot();
  }
  chunk.after = position_;
  return true;
}

}  // namespace millrace::streams
