// Stands in for libFuzzer where there is none: valid inputs, damaged at random. MILLRACE_FUZZ_SEED repeats a run.

#include <cstdio>
#include <cstdlib>
#include <random>

#include "base/random.h"
#include "fuzz/fuzz_target.h"

namespace {

constexpr int kInputs = 4000;
constexpr int kDamagedOfEach = 8;

void damage(std::vector<std::uint8_t>& input, millrace::Random& random) {
  if (input.empty()) return;
  for (auto left = 1 + random.below(4); left > 0; --left) {
    auto& byte = input[random.below(input.size())];
    // Lengths are what hurts most: large, negative, and one off.
    const std::uint8_t choices[] = {
        0xff, 0x7f, 0x80, 0, static_cast<std::uint8_t>(byte + 1), static_cast<std::uint8_t>(random())};
    byte = choices[random.below(std::size(choices))];
  }
  if (random.one_in(4)) input.resize(random.below(input.size() + 1));
}

}  // namespace

int main() {
  const char* given = std::getenv("MILLRACE_FUZZ_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("MILLRACE_FUZZ_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  millrace::Random random{seed};
  for (int i = 0; i < kInputs; ++i) {
    const auto valid = millrace::test::valid_input(random());
    LLVMFuzzerTestOneInput(valid.data(), valid.size());
    for (int j = 0; j < kDamagedOfEach; ++j) {
      auto damaged = valid;
      damage(damaged, random);
      // A copy of the exact size, so that the address sanitizer sees a read past the end.
      const std::vector<std::uint8_t> exact{damaged.begin(), damaged.end()};
      LLVMFuzzerTestOneInput(exact.data(), exact.size());
    }
  }
}
