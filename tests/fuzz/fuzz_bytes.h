#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/types.h"

namespace millrace::test {

/// Takes an input apart. What is not there reads as nothing.
class InputReader {
 public:
  InputReader(const std::uint8_t* data, std::size_t size) : left_(std::as_bytes(std::span{data, size})) {}

  [[nodiscard]] bool at_end() const { return left_.empty(); }
  [[nodiscard]] std::uint8_t byte() {
    const auto taken = bytes(1);
    return taken.empty() ? 0 : std::to_integer<std::uint8_t>(taken[0]);
  }
  /// Big-endian.
  [[nodiscard]] std::uint16_t two_bytes() {
    const auto high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }
  /// As many as there are.
  [[nodiscard]] Bytes bytes(std::size_t size) {
    const auto taken = left_.first(std::min(size, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }

 private:
  Bytes left_;
};

/// Puts an input together.
class InputWriter {
 public:
  void byte(std::size_t value) { input_.push_back(static_cast<std::uint8_t>(value)); }
  void two_bytes(std::size_t value) {
    byte(value >> 8);
    byte(value);
  }
  void bytes(Bytes bytes) {
    for (const auto each : bytes) byte(std::to_integer<std::uint8_t>(each));
  }
  [[nodiscard]] std::vector<std::uint8_t> take() { return std::move(input_); }

 private:
  std::vector<std::uint8_t> input_;
};

}  // namespace millrace::test
