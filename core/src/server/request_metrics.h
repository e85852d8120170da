#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/duration_histogram.h"
#include "base/result.h"
#include "protocol/api_key.h"
#include "protocol/message_table.h"

namespace millrace {

/// How often each error is in an answer: the errors of its topics and partitions too.
class AnswerErrors {
 public:
  /// Counts those of an object with these fields.
  void look_at(const protocol::StructTable& fields, const std::byte* object);

  [[nodiscard]] const std::vector<std::pair<ErrorCode, std::uint64_t>>& found() const { return found_; }

 private:
  void count(ErrorCode code);

  std::vector<std::pair<ErrorCode, std::uint64_t>> found_;
};

/// What clients have asked so far, by API: how often, how large, how long it took, what went wrong.
///
/// Threading: any thread may call any function. To count an answer costs a look at the clock and a few additions
/// without a lock, in a place that few other connections share; an error in it also a lock.
class RequestMetrics {
 public:
  /// `apis`: how many rows the table of APIs has. `places`: about as many as threads count at once.
  RequestMetrics(std::size_t apis, std::size_t places, const Clock& clock);

  /// Where one connection counts.
  using Place = std::size_t;
  [[nodiscard]] Place connected();
  void disconnected();

  [[nodiscard]] TimePoint now() const { return clock_.now(); }
  void answered(Place place, std::size_t api, TimePoint begun, std::size_t bytes_in, std::size_t bytes_out);
  void failed(std::size_t api, const AnswerErrors& errors);
  /// A frame that was no request: its connection was closed.
  void refused() { refused_.fetch_add(1, std::memory_order_relaxed); }

  struct OfApi {
    DurationHistogram::Snapshot times;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::map<ErrorCode, std::uint64_t> errors;
  };
  struct Snapshot {
    /// By row of the table.
    std::vector<OfApi> apis;
    std::uint64_t connections = 0;
    std::uint64_t connections_ever = 0;
    std::uint64_t refused = 0;
  };
  [[nodiscard]] Snapshot snapshot() const;

 private:
  struct alignas(64) Counters {
    DurationHistogram times;
    std::atomic<std::uint64_t> bytes_in = 0;
    std::atomic<std::uint64_t> bytes_out = 0;
  };
  [[nodiscard]] Counters& counters(Place place, std::size_t api) { return counters_[place * apis_ + api]; }

  const std::size_t apis_;
  const std::size_t places_;
  const Clock& clock_;
  const std::unique_ptr<Counters[]> counters_;
  std::atomic<std::uint64_t> connections_ = 0;
  std::atomic<std::uint64_t> connections_ever_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;

  mutable std::mutex mutex_;
  std::map<std::pair<std::size_t, ErrorCode>, std::uint64_t> errors_;
};

}  // namespace millrace
