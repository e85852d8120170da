#pragma once

#include <cstddef>
#include <memory>

#include "base/types.h"

namespace millrace {

/// Memory from a `BufferPool`, shared by its copies and given back with the last of them.
///
/// Threading: copies may be used on different threads; who writes into the bytes is the users' business.
class SharedBuffer {
 public:
  SharedBuffer() = default;
  SharedBuffer(std::shared_ptr<std::byte> memory, std::size_t capacity)
      : memory_(std::move(memory)), capacity_(capacity) {}

  [[nodiscard]] explicit operator bool() const { return memory_ != nullptr; }
  [[nodiscard]] std::byte* data() const { return memory_.get(); }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] MutableBytes bytes() const { return {memory_.get(), capacity_}; }
  /// What keeps the memory.
  [[nodiscard]] const std::shared_ptr<std::byte>& owner() const { return memory_; }

 private:
  std::shared_ptr<std::byte> memory_;
  std::size_t capacity_ = 0;
};

/// Reuses memory, so that large buffers cost neither page faults nor clearing each time. Sizes are rounded up to a
/// power of two of at least 4 KiB. Keeps at most `keep_bytes` of unused memory; gives the rest back to the system.
///
/// Threading: any thread. Buffers may outlive the pool.
class BufferPool {
 public:
  explicit BufferPool(std::size_t keep_bytes = 64U << 20);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// At least `size` bytes, with undefined content.
  [[nodiscard]] SharedBuffer take(std::size_t size);
  /// Bytes kept for reuse, and bytes in use.
  [[nodiscard]] std::size_t kept_bytes() const;
  [[nodiscard]] std::size_t used_bytes() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace
