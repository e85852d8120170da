#include "base/buffers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <new>
#include <vector>

namespace millrace {
namespace {

constexpr std::size_t kSmallestShift = 12;
constexpr std::size_t kClasses = 48;
constexpr auto kAlignment = std::align_val_t{64};

void release(std::byte* memory) { ::operator delete(memory, kAlignment); }

}  // namespace

struct BufferPool::State {
  std::mutex mutex;
  std::array<std::vector<std::byte*>, kClasses> free;
  std::size_t keep_bytes = 0;
  std::size_t kept = 0;
  std::size_t used = 0;
  bool closed = false;

  ~State() {
    for (auto& list : free) std::for_each(list.begin(), list.end(), release);
  }

  static std::size_t size_of(std::size_t size_class) { return std::size_t{1} << (size_class + kSmallestShift); }

  std::byte* take(std::size_t size_class) {
    {
      const std::lock_guard lock{mutex};
      used += size_of(size_class);
      auto& list = free[size_class];
      if (!list.empty()) {
        auto* memory = list.back();
        list.pop_back();
        kept -= size_of(size_class);
        return memory;
      }
    }
    return static_cast<std::byte*>(::operator new(size_of(size_class), kAlignment));
  }

  void give_back(std::byte* memory, std::size_t size_class) {
    {
      const std::lock_guard lock{mutex};
      used -= size_of(size_class);
      if (!closed && kept + size_of(size_class) <= keep_bytes) {
        kept += size_of(size_class);
        free[size_class].push_back(memory);
        return;
      }
    }
    release(memory);
  }
};

BufferPool::BufferPool(std::size_t keep_bytes) : state_(std::make_shared<State>()) { state_->keep_bytes = keep_bytes; }

BufferPool::~BufferPool() {
  // Buffers that are still out hold the state; from now on they are not kept when they come back.
  const std::lock_guard lock{state_->mutex};
  state_->closed = true;
}

SharedBuffer BufferPool::take(std::size_t size) {
  const auto rounded = std::bit_ceil(std::max(size, std::size_t{1} << kSmallestShift));
  const auto size_class = static_cast<std::size_t>(std::countr_zero(rounded)) - kSmallestShift;
  auto* memory = state_->take(size_class);
  return {std::shared_ptr<std::byte>{
              memory, [state = state_, size_class](std::byte* back) { state->give_back(back, size_class); }},
          rounded};
}

std::size_t BufferPool::kept_bytes() const {
  const std::lock_guard lock{state_->mutex};
  return state_->kept;
}

std::size_t BufferPool::used_bytes() const {
  const std::lock_guard lock{state_->mutex};
  return state_->used;
}

}  // namespace millrace
