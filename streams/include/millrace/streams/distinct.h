#pragma once

#include <cstdint>
#include <vector>

#include "millrace/streams/codec.h"

namespace millrace::streams {

/// How many different things were added. Exact (a set of 64-bit hashes: among ten million, one chance in 300,000 that
/// two are taken for one) until it is told to need less memory; then an estimate of 16 KiB, HyperLogLog with a standard
/// error of 0.8 % (registers: Flajolet et al. 2007; estimator: Ertl 2017).
///
/// The result depends on what was added and on when `approximate_now` was called, never on the order.
/// Threading: a value.
class DistinctCounter {
 public:
  /// `hash`: 64 well-mixed bits, such as `hash_text` gives.
  void add(std::uint64_t hash);
  void merge(const DistinctCounter& other);
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] bool approximate() const { return !registers_.empty(); }
  void approximate_now();
  /// Bytes needed by what was added.
  [[nodiscard]] std::size_t memory() const { return approximate() ? kRegisters : size_ * 14; }

  void write_state(StateWriter& out) const;
  [[nodiscard]] static DistinctCounter read_state(StateReader& in);
  friend bool operator==(const DistinctCounter& a, const DistinctCounter& b) {
    return a.size_ == b.size_ && a.registers_ == b.registers_ && a.sorted() == b.sorted();
  }

  static constexpr std::size_t kRegisters = std::size_t{1} << 14;

 private:
  void insert(std::uint64_t hash);
  void grow();
  void add_to_registers(std::uint64_t hash);
  [[nodiscard]] std::vector<std::uint64_t> sorted() const;

  /// An ordered hash table (Amble and Knuth 1974): read from left to right it is sorted, whatever the order of adding.
  /// 0: empty.
  std::vector<std::uint64_t> slots_;
  unsigned shift_ = 64;
  std::uint64_t size_ = 0;
  std::vector<std::uint8_t> registers_;
};

}  // namespace millrace::streams
