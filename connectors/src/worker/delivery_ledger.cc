#include "worker/delivery_ledger.h"

#include <algorithm>
#include <utility>

namespace millrace::connect {

std::uint64_t DeliveryLedger::add(const SourceBatch& batch) {
  const auto token = first_token_ + entries_.size();
  entries_.push_back({{batch.partition, batch.offset, kNoOffset}, batch.records.size(), batch.bytes});
  bytes_in_flight_ += batch.bytes;
  release_front();
  return token;
}

void DeliveryLedger::acknowledge(std::span<const std::uint64_t> tokens, Offset base_offset) {
  // Records of a batch are sent together, so tokens come in long runs.
  while (!tokens.empty()) {
    const auto token = tokens.front();
    const auto run = std::ranges::find_if(tokens, [=](auto other) { return other != token; }) - tokens.begin();
    base_offset += run;
    acknowledge_run(token, static_cast<std::size_t>(run), base_offset);
    tokens = tokens.subspan(static_cast<std::size_t>(run));
  }
  release_front();
}

std::vector<SafePosition> DeliveryLedger::take_positions() { return std::exchange(safe_, {}); }

void DeliveryLedger::acknowledge_run(std::uint64_t token, std::size_t count, Offset end) {
  if (token < first_token_ || token - first_token_ >= entries_.size()) return;
  auto& entry = entries_[token - first_token_];
  count = std::min(count, entry.outstanding);
  entry.outstanding -= count;
  acknowledged_ += count;
  entry.position.topic_end = std::max(entry.position.topic_end, end);
  if (entry.outstanding == 0) bytes_in_flight_ -= std::exchange(entry.bytes, 0);
}

void DeliveryLedger::release_front() {
  while (!entries_.empty() && entries_.front().outstanding == 0) {
    auto& position = entries_.front().position;
    bytes_in_flight_ -= entries_.front().bytes;
    topic_end_ = position.topic_end = std::max(topic_end_, position.topic_end);
    const auto known =
        std::ranges::find_if(safe_, [&](const auto& other) { return *other.partition == *position.partition; });
    if (known == safe_.end()) {
      safe_.push_back(std::move(position));
    } else {
      *known = std::move(position);
    }
    entries_.pop_front();
    ++first_token_;
  }
}

}  // namespace millrace::connect
