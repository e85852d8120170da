#include "metadata/metadata_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "metadata/metadata_delta.h"
#include "metadata/snapshot.h"
#include "record/record_batch_builder.h"

namespace millrace {

Result<std::unique_ptr<MetadataStore>> MetadataStore::open(FileSystem& files, std::shared_ptr<PartitionLog> log,
                                                           std::string cluster_id, BufferPool& buffers,
                                                           const Clock& clock) {
  std::unique_ptr<MetadataStore> store{new MetadataStore{files, std::move(log), buffers, clock}};
  if (auto replayed = store->replay(std::move(cluster_id)); !replayed) {
    return std::unexpected(std::move(replayed).error().in("cannot read the metadata log"));
  }
  return store;
}

Result<void> MetadataStore::replay(std::string cluster_id) {
  MILLRACE_TRY(snapshot, read_newest_snapshot(files_, log_->directory(), cluster_id, buffers_));
  if (snapshot) {
    latest_ = std::move(snapshot);
  } else {
    auto empty = std::make_shared<MetadataImage>();
    empty->cluster_id = std::move(cluster_id);
    latest_ = std::move(empty);
  }
  if (log_->log_start() > latest_->last_offset + 1) {
    return fail(ErrorCode::kCorruptLog,
                fmt::format("the log begins with offset {}, but the snapshot before it ends with {}",
                            log_->log_start().value(), latest_->last_offset.value()));
  }

  constexpr std::size_t kReadBytes = 4U << 20;
  const auto end = log_->log_end();
  for (auto at = std::max(log_->log_start(), latest_->last_offset + 1); at < end;) {
    MILLRACE_TRY(slice, log_->read(at, kReadBytes, Isolation::kLogEnd));
    BatchCursor batches{slice.bytes};
    MetadataRecords records;
    while (batches.next()) {
      const auto& batch = batches.batch();
      at = batch.next_offset();
      if (batch.is_control() || batch.last_offset() <= latest_->last_offset) continue;
      MILLRACE_TRY(cursor, batch.records(buffers_));
      while (cursor.next()) {
        auto record = protocol::decode_metadata_record(cursor.record().value.bytes());
        if (!record) {
          return std::unexpected(
              std::move(record).error().in(fmt::format("record {}", cursor.record().offset.value())));
        }
        records.push_back(*std::move(record));
      }
      MILLRACE_CHECK(cursor.status());
    }
    MILLRACE_CHECK(batches.status());
    if (slice.bytes.empty()) break;
    note_removed(records);
    MILLRACE_TRY(image, apply_records(*latest_, records, at + -1));
    latest_ = std::move(image);
  }
  durable_ = latest_;
  epoch_ = log_->last_epoch() == kNoLeaderEpoch ? LeaderEpoch{0} : log_->last_epoch() + 1;
  return {};
}

Result<Offset> MetadataStore::commit(const Plan& plan) {
  const std::lock_guard lock{mutex_};
  MILLRACE_TRY(records, plan(*latest_));
  if (records.empty()) return latest_->last_offset + 1;
  // Applied before it is written: what cannot be applied must not reach the log.
  const auto last_offset = log_->log_end() + (static_cast<std::int64_t>(records.size()) - 1);
  MILLRACE_TRY(image, apply_records(*latest_, records, last_offset));
  MILLRACE_TRY(info, append(records));
  MILLRACE_ASSERT(info.last_offset == last_offset);
  note_removed(records);
  latest_ = std::move(image);
  pending_.push_back(latest_);
  return last_offset + 1;
}

Result<AppendInfo> MetadataStore::append(const MetadataRecords& records) {
  RecordBatchBuilder builder{buffers_, std::numeric_limits<std::int32_t>::max()};
  const auto now = clock_.wall();
  for (const auto& record : records) {
    const auto value = protocol::encode_metadata_record(record);
    if (builder.try_append(now, nullptr, Bytes{value})) continue;
    return fail(ErrorCode::kRecordListTooLarge, "the change is too large for one batch of the metadata log");
  }
  MILLRACE_TRY(batch, builder.finish());
  return log_->append(batch.bytes, epoch_);
}

void MetadataStore::note_removed(const MetadataRecords& records) {
  for (const auto& record : records) {
    if (const auto* removed = std::get_if<protocol::RemoveTopicRecord>(&record)) removed_.insert(removed->topic_id);
  }
}

Result<Offset> MetadataStore::snapshot() {
  const auto image = durable();
  MILLRACE_CHECK(write_snapshot(files_, log_->directory(), *image, epoch_, clock_.wall(), buffers_));
  // Only whole segments can be deleted.
  MILLRACE_CHECK(log_->roll());
  return image->last_offset + 1;
}

std::shared_ptr<const MetadataImage> MetadataStore::latest() const {
  const std::lock_guard lock{mutex_};
  return latest_;
}

std::shared_ptr<const MetadataImage> MetadataStore::durable() {
  const auto end = log_->high_watermark();
  const std::lock_guard lock{mutex_};
  while (!pending_.empty() && pending_.front()->last_offset < end) {
    durable_ = std::move(pending_.front());
    pending_.pop_front();
  }
  return durable_;
}

bool MetadataStore::was_removed(const TopicId& id) const {
  const std::lock_guard lock{mutex_};
  return removed_.contains(id);
}

}  // namespace millrace
