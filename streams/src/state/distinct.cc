#include "millrace/streams/distinct.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace millrace::streams {
namespace {

constexpr unsigned kRegisterBits = 14;
constexpr unsigned kRankBits = 64 - kRegisterBits;
constexpr unsigned kFirstBits = 4;

/// Ertl 2017, "New cardinality estimation algorithms for HyperLogLog sketches", section 2.3.
double sigma(double x) {
  if (x == 1.0) return HUGE_VAL;
  double y = 1;
  double z = x;
  double before = 0;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (z != before);
  return z;
}

double tau(double x) {
  if (x == 0.0 || x == 1.0) return 0;
  double y = 1;
  double z = 1 - x;
  double before = 0;
  do {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  } while (z != before);
  return z / 3;
}

}  // namespace

void DistinctCounter::add(std::uint64_t hash) {
  if (hash == 0) hash = 1;
  approximate() ? add_to_registers(hash) : insert(hash);
}

void DistinctCounter::insert(std::uint64_t hash) {
  if (shift_ == 64 || size_ * 5 >= (std::uint64_t{1} << (64 - shift_)) * 3) grow();
  auto at = static_cast<std::size_t>(hash >> shift_);
  while (slots_[at] != 0 && slots_[at] < hash) ++at;
  if (slots_[at] == hash) return;
  ++size_;
  while (hash != 0) std::swap(hash, slots_[at++]);
  // Nothing wraps around: behind the last home there is as much room as is needed, and one empty place.
  if (slots_.back() != 0) slots_.push_back(0);
}

void DistinctCounter::grow() {
  const auto old = std::exchange(slots_, {});
  shift_ = shift_ == 64 ? 64 - kFirstBits : shift_ - 1;
  const auto homes = std::size_t{1} << (64 - shift_);
  slots_.assign(homes + 1, 0);
  std::size_t free = 0;
  for (const auto hash : old) {  // sorted, so each goes to its home or right behind the one before
    if (hash == 0) continue;
    free = std::max(free, static_cast<std::size_t>(hash >> shift_));
    if (free + 1 >= slots_.size()) slots_.resize(free + 2);
    slots_[free++] = hash;
  }
}

void DistinctCounter::add_to_registers(std::uint64_t hash) {
  const auto place = hash >> kRankBits;
  const auto rest = hash << kRegisterBits;
  const auto rank = rest == 0 ? kRankBits + 1 : static_cast<unsigned>(std::countl_zero(rest)) + 1;
  registers_[place] = std::max(registers_[place], static_cast<std::uint8_t>(rank));
}

void DistinctCounter::merge(const DistinctCounter& other) {
  if (other.approximate()) {
    approximate_now();
    for (std::size_t i = 0; i < kRegisters; ++i) registers_[i] = std::max(registers_[i], other.registers_[i]);
    return;
  }
  for (const auto hash : other.slots_) {
    if (hash != 0) add(hash);
  }
}

void DistinctCounter::approximate_now() {
  if (approximate()) return;
  registers_.assign(kRegisters, 0);
  for (const auto hash : slots_) {
    if (hash != 0) add_to_registers(hash);
  }
  slots_ = {};
  size_ = 0;
}

std::uint64_t DistinctCounter::count() const {
  if (!approximate()) return size_;
  std::uint32_t counts[kRankBits + 2] = {};
  for (const auto rank : registers_) ++counts[rank];
  constexpr auto kCount = static_cast<double>(kRegisters);
  auto z = kCount * tau(1.0 - counts[kRankBits + 1] / kCount);
  for (auto rank = kRankBits; rank >= 1; --rank) z = 0.5 * (z + counts[rank]);
  z += kCount * sigma(counts[0] / kCount);
  return static_cast<std::uint64_t>(std::llround(kCount * kCount / (2.0 * std::log(2.0)) / z));
}

std::vector<std::uint64_t> DistinctCounter::sorted() const {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(size_);
  for (const auto hash : slots_) {
    if (hash != 0) hashes.push_back(hash);
  }
  return hashes;
}

void DistinctCounter::write_state(StateWriter& out) const {
  out.number(approximate() ? 1 : 0);
  if (approximate()) {
    out.bytes({reinterpret_cast<const char*>(registers_.data()), registers_.size()});
    return;
  }
  out.number(size_);
  for (const auto hash : slots_) {
    if (hash != 0) out.bytes({reinterpret_cast<const char*>(&hash), sizeof hash});
  }
}

DistinctCounter DistinctCounter::read_state(StateReader& in) {
  DistinctCounter counter;
  if (in.number() != 0) {
    const auto bytes = in.bytes(kRegisters);
    counter.registers_.assign(bytes.begin(), bytes.end());
    if (!in.ok() || std::ranges::any_of(counter.registers_, [](auto rank) { return rank > kRankBits + 1; })) in.spoil();
    return counter;
  }
  for (auto left = in.number(); left > 0 && in.ok(); --left) {
    std::uint64_t hash = 0;
    const auto bytes = in.bytes(sizeof hash);
    if (!in.ok()) break;
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(&hash));
    counter.add(hash);
  }
  return counter;
}

}  // namespace millrace::streams
