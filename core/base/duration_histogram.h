#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/types.h"

namespace millrace {

/// Counts how long things took, in fixed buckets from 50 µs to 30 s.
///
/// Threading: any thread may call any function; none waits. Who looks while others count may see a count without its
/// time or the other way round.
class DurationHistogram {
 public:
  /// The largest duration of each bucket; one more bucket holds what is longer.
  static constexpr std::array<std::chrono::microseconds, 18> kBounds{
      std::chrono::microseconds{50},         std::chrono::microseconds{100},
      std::chrono::microseconds{250},        std::chrono::microseconds{500},
      std::chrono::microseconds{1'000},      std::chrono::microseconds{2'500},
      std::chrono::microseconds{5'000},      std::chrono::microseconds{10'000},
      std::chrono::microseconds{25'000},     std::chrono::microseconds{50'000},
      std::chrono::microseconds{100'000},    std::chrono::microseconds{250'000},
      std::chrono::microseconds{500'000},    std::chrono::microseconds{1'000'000},
      std::chrono::microseconds{2'500'000},  std::chrono::microseconds{5'000'000},
      std::chrono::microseconds{10'000'000}, std::chrono::microseconds{30'000'000}};

  /// What was counted up to a moment.
  struct Snapshot {
    /// By bucket, not added up.
    std::array<std::uint64_t, kBounds.size() + 1> counts{};
    std::chrono::nanoseconds total{};

    [[nodiscard]] std::uint64_t count() const {
      std::uint64_t sum = 0;
      for (const auto in_bucket : counts) sum += in_bucket;
      return sum;
    }
  };

  void observe(Duration took) {
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && took > kBounds[bucket]) ++bucket;
    counts_[bucket].fetch_add(1, std::memory_order_relaxed);
    nanoseconds_.fetch_add(std::chrono::nanoseconds{took}.count(), std::memory_order_relaxed);
  }

  void add_to(Snapshot& snapshot) const {
    for (std::size_t i = 0; i < counts_.size(); ++i) snapshot.counts[i] += counts_[i].load(std::memory_order_relaxed);
    snapshot.total += std::chrono::nanoseconds{nanoseconds_.load(std::memory_order_relaxed)};
  }
  [[nodiscard]] Snapshot snapshot() const {
    Snapshot snapshot;
    add_to(snapshot);
    return snapshot;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> counts_{};
  std::atomic<std::int64_t> nanoseconds_ = 0;
};

}  // namespace millrace
