#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/config.h"
#include "millrace/result.h"
#include "millrace/streams/detail/query.h"
#include "millrace/streams/job.h"
#include "millrace/streams/topology.h"

namespace millrace::streams {

/// A record that a topology wrote.
struct OutputRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  Timestamp timestamp;
  friend bool operator==(const OutputRecord&, const OutputRecord&) = default;
};

/// Runs a topology for tests: no broker, no threads, no files, a clock moved by hand.
///
///     TopologyTestDriver driver{builder.build()};
///     driver.pipe("access-log", line);
///     driver.advance(10min);
///     EXPECT_EQ(driver.read("errors-by-path").at(0).value, "1");
///
/// Each topic has one partition. Every record is a turn of its own, followed by a flush, so that its results can be
/// read at once; `FlushAt::kFlushPoints` waits for flush points and for `flush()`, as a job does. Threading: one
/// thread.
class TopologyTestDriver {
 public:
  enum class FlushAt : std::uint8_t { kEachRecord, kFlushPoints };

  /// Throws `std::invalid_argument` when `config` is wrong.
  explicit TopologyTestDriver(Topology topology, const Properties& config = {}, FlushAt flush = FlushAt::kEachRecord);
  ~TopologyTestDriver();
  TopologyTestDriver(TopologyTestDriver&&) noexcept;

  /// A record at the end of a topic; its timestamp is the clock's unless given. Errors: what would stop the job (the
  /// policy is `fail`), `kUnknownTopicOrPartition`.
  Result<void> pipe(std::string_view topic, NullableBytes value, NullableBytes key = nullptr,
                    std::optional<Timestamp> timestamp = std::nullopt);
  /// Moves the clock; windows that close by the wall clock do.
  Result<void> advance(std::chrono::milliseconds by);
  [[nodiscard]] Timestamp now() const;
  /// Gives the results that wait for a flush point.
  Result<void> flush();

  /// What was written to a topic since the last call.
  [[nodiscard]] std::vector<OutputRecord> read(std::string_view topic);
  [[nodiscard]] JobStats stats() const;

  /// State and input offsets as a checkpoint has them, and a driver that goes on from there.
  [[nodiscard]] std::vector<std::string> checkpoint() const;
  Result<void> restore(const std::vector<std::string>& checkpoint);

  /// As `Job::read`.
  template <class F>
  Result<void> read_store(std::string_view store, F&& query) const {
    using StoreType = detail::QueriedStore<F>;
    return read_state(store, detail::store_type<StoreType>(), detail::query_of<StoreType>(query));
  }
  template <class StoreType, class F>
  Result<void> read_store(const StoreHandle<StoreType>& store, F&& query) const {
    return read_state(store.name, detail::store_type<StoreType>(), detail::query_of<StoreType>(query));
  }

 private:
  Result<void> read_state(std::string_view store, const void* type, const detail::StateQuery& query) const;

  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::streams
