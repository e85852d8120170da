#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "base/types.h"

namespace millrace {

/// Bytes to be sent: a few of our own, interleaved with bytes that lie elsewhere and are not copied. Made for one
/// writev.
///
/// Threading: one thread at a time; it may move to another.
class GatherBuffer {
 public:
  /// Copies `bytes` behind what is there.
  void append(Bytes bytes) { own_.insert(own_.end(), bytes.begin(), bytes.end()); }

  /// Puts `bytes` behind what is there without a copy; `owner` keeps them. Small ones are copied: cheaper than a piece.
  void append_shared(Bytes bytes, std::shared_ptr<const void> owner) {
    if (bytes.size() < kCopyBelow || !owner) return append(bytes);
    shared_size_ += bytes.size();
    shared_.push_back({own_.size(), bytes, std::move(owner)});
  }

  /// All bytes, shared ones included.
  [[nodiscard]] std::size_t size() const { return own_.size() + shared_size_; }

  /// Our own bytes: to be written behind, or patched (a length that is known at the end). `at` counts own bytes only.
  [[nodiscard]] std::vector<std::byte>& own() { return own_; }

  /// Calls `use(Bytes)` for each contiguous piece, in order.
  template <class Use>
  void for_each_piece(Use&& use) const {
    const Bytes own{own_};
    std::size_t done = 0;
    for (const auto& piece : shared_) {
      if (piece.before > done) use(own.subspan(done, piece.before - done));
      done = piece.before;
      use(piece.bytes);
    }
    if (own.size() > done) use(own.subspan(done));
  }

  /// Everything in one place: for tests and files.
  [[nodiscard]] std::vector<std::byte> flatten() const {
    std::vector<std::byte> out;
    out.reserve(size());
    for_each_piece([&out](Bytes piece) { out.insert(out.end(), piece.begin(), piece.end()); });
    return out;
  }

 private:
  static constexpr std::size_t kCopyBelow = 512;

  struct Shared {
    std::size_t before;  ///< how many of our own bytes come before it
    Bytes bytes;
    std::shared_ptr<const void> owner;
  };

  std::vector<std::byte> own_;
  std::vector<Shared> shared_;
  std::size_t shared_size_ = 0;
};

}  // namespace millrace
