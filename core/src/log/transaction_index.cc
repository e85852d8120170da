#include "log/transaction_index.h"

#include <algorithm>

#include "base/bytes_io.h"

namespace millrace {
namespace {

constexpr std::int16_t kEntryVersion = 0;

}  // namespace

void TransactionIndexEntry::store(std::byte* to) const {
  store_be<std::int16_t>(to, kEntryVersion);
  store_be<std::int64_t>(to + 2, producer.value());
  store_be<std::int64_t>(to + 10, first.value());
  store_be<std::int64_t>(to + 18, last.value());
  store_be<std::int64_t>(to + 26, last_stable.value());
}

TransactionIndexEntry TransactionIndexEntry::load(const std::byte* from) {
  return {.producer = ProducerId{load_be<std::int64_t>(from + 2)},
          .first = Offset{load_be<std::int64_t>(from + 10)},
          .last = Offset{load_be<std::int64_t>(from + 18)},
          .last_stable = Offset{load_be<std::int64_t>(from + 26)}};
}

Result<bool> TransactionIndex::load(Offset segment_base, Offset segment_end) {
  const auto file = file_.get();
  if (!file) {
    if (file.error().code() == ErrorCode::kNotFound) return false;
    return std::unexpected(file.error());
  }
  has_file_ = true;
  MILLRACE_TRY(size, (*file)->size());
  if (size % TransactionIndexEntry::kBytes != 0) return false;
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  MILLRACE_TRY(got, (*file)->read(0, bytes));
  if (got != bytes.size()) return false;
  std::vector<TransactionIndexEntry> entries;
  entries.reserve(bytes.size() / TransactionIndexEntry::kBytes);
  for (std::size_t at = 0; at < bytes.size(); at += TransactionIndexEntry::kBytes) {
    const auto entry = TransactionIndexEntry::load(&bytes[at]);
    const bool in_segment = entry.last >= segment_base && entry.last < segment_end;
    const bool in_order = in_segment && (entries.empty() || entry.last > entries.back().last);
    if (load_be<std::int16_t>(&bytes[at]) != kEntryVersion || !in_order || entry.first > entry.last) return false;
    entries.push_back(entry);
  }
  const std::lock_guard lock{mutex_};
  entries_ = std::move(entries);
  in_file_ = entries_.size();
  return true;
}

void TransactionIndex::clear() {
  const std::lock_guard lock{mutex_};
  entries_.clear();
  in_file_ = 0;
}

void TransactionIndex::append(const TransactionIndexEntry& entry) {
  const std::lock_guard lock{mutex_};
  entries_.push_back(entry);
}

std::size_t TransactionIndex::count() const {
  const std::lock_guard lock{mutex_};
  return entries_.size();
}

std::optional<TransactionIndexEntry> TransactionIndex::ended_at(Offset last) const {
  const std::lock_guard lock{mutex_};
  const auto found = std::ranges::lower_bound(entries_, last, {}, &TransactionIndexEntry::last);
  if (found == entries_.end() || found->last != last) return std::nullopt;
  return *found;
}

TransactionIndex::Found TransactionIndex::find(Offset from, Offset end) const {
  Found found;
  const std::lock_guard lock{mutex_};
  auto entry = std::ranges::lower_bound(entries_, from, {}, &TransactionIndexEntry::last);
  for (; entry != entries_.end() && !found.complete; ++entry) {
    if (entry->first < end) found.transactions.push_back({entry->producer, entry->first});
    found.complete = entry->last_stable >= end;
  }
  return found;
}

Result<void> TransactionIndex::write_out() {
  std::vector<std::byte> bytes;
  std::size_t first = 0;
  std::size_t count = 0;
  {
    const std::lock_guard lock{mutex_};
    first = in_file_;
    count = entries_.size();
    bytes.resize((count - first) * TransactionIndexEntry::kBytes);
    for (std::size_t i = first; i < count; ++i) {
      entries_[i].store(&bytes[(i - first) * TransactionIndexEntry::kBytes]);
    }
  }
  if (count == 0 && !has_file_) return {};
  MILLRACE_TRY(file, file_.get_or_create());
  has_file_ = true;
  MILLRACE_CHECK(file->truncate(first * TransactionIndexEntry::kBytes));
  if (!bytes.empty()) MILLRACE_CHECK(file->write(first * TransactionIndexEntry::kBytes, bytes));
  const std::lock_guard lock{mutex_};
  in_file_ = count;
  return {};
}

Result<void> TransactionIndex::sync() {
  if (!has_file_) return {};
  MILLRACE_TRY(file, file_.get());
  return file->sync();
}

}  // namespace millrace
