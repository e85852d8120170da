#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "millrace/client.h"
#include "millrace/result.h"

namespace millrace::weblog {

/// Longer lines are captured cut, and rejected as too long.
inline constexpr std::size_t kMaxLineBytes = 999'000;

/// The topic of captured lines, and its bound.
///
/// Threading: any thread may call any function, `trim` by one at a time.
/// Lines are deleted only up to where a checkpoint has counted them: the report comes from the state, not from the
/// topic.
class LinesTopic {
 public:
  enum class Trimmed : std::uint8_t {
    kNo,               ///< there is room
    kYes,              ///< lines were deleted
    kNeedsCheckpoint,  ///< there is no room, and every line that is left is not covered by a checkpoint
  };

  /// Makes the topic if it is absent, with one partition and no retention of its own, and sees to it that its segments
  /// are small enough for the bound. Errors: those of `Admin::create_topic`.
  static Result<std::unique_ptr<LinesTopic>> open(Client& client, std::uint64_t bound);

  /// Every line before `offset` is in a saved state.
  void counted_up_to(Offset offset) { counted_.store(offset.value(), std::memory_order_relaxed); }

  /// Bytes on disk, as `trim` last saw them.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

  /// When the topic has come near its bound, deletes the oldest lines until half of it is free, as far as they were
  /// counted. Errors: those of `Admin::delete_records`.
  [[nodiscard]] Result<Trimmed> trim();

 private:
  LinesTopic(std::unique_ptr<Admin> admin, std::uint64_t bound) : admin_(std::move(admin)), bound_(bound) {}

  std::unique_ptr<Admin> admin_;
  const std::uint64_t bound_;
  std::atomic<std::int64_t> counted_{0};
  std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace millrace::weblog
