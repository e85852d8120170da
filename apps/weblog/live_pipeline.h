#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "weblog/live.h"
#include "weblog/pipeline.h"

namespace millrace::weblog {

/// What the page shows of a running pipeline.
///
/// Threading: as `LiveModel`; `refresh` and `set_stopped` by one thread.
class LivePipeline final : public LiveModel {
 public:
  /// `pipeline` and `clock` must outlive it. `report_cut` is that of `report_json`.
  LivePipeline(const Pipeline& pipeline, const Clock& clock, ReportCut report_cut);

  /// Looks whether anything has changed since the last call; only then `version` grows. Call it a few times a second.
  void refresh();
  /// The pipeline is about to end: what pages are told last.
  void set_stopped();

  [[nodiscard]] std::uint64_t version() const override { return version_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::string report_json() const override;
  [[nodiscard]] std::string snapshot_json() const override;

 private:
  [[nodiscard]] std::string build_snapshot() const;

  const Pipeline& pipeline_;
  const Clock& clock_;
  const ReportCut report_cut_;
  std::atomic<std::uint64_t> version_{1};
  std::atomic<bool> stopped_{false};
  std::string last_seen_;  ///< what `refresh` saw, as text

  mutable std::mutex mutex_;
  mutable std::uint64_t built_version_ = 0;
  mutable std::string built_;
};

}  // namespace millrace::weblog
