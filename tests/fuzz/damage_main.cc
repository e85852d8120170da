// Stands in for libFuzzer where there is none: what was wrong once (the files of the folder that is given), then valid
// inputs, damaged at random. MILLRACE_FUZZ_SEED repeats a run.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "base/random.h"
#include "fuzz/fuzz_target.h"

namespace {

constexpr int kInputs = MILLRACE_FUZZ_INPUTS;
constexpr int kDamagedOfEach = 8;

void run(const std::vector<std::uint8_t>& input) {
  // A copy of the exact size, so that the address sanitizer sees a read past the end.
  const std::vector<std::uint8_t> exact{input.begin(), input.end()};
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void run_corpus(const char* folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    std::printf("%s\n", file.c_str());
    std::fflush(stdout);
    std::ifstream in{file, std::ios::binary};
    run({std::istreambuf_iterator<char>{in}, {}});
  }
}

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

int main(int argc, char** argv) {
  if (argc > 1) run_corpus(argv[1]);
  const char* given = std::getenv("MILLRACE_FUZZ_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("MILLRACE_FUZZ_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  millrace::Random random{seed};
  for (int i = 0; i < kInputs; ++i) {
    const auto valid = millrace::test::valid_input(random());
    run(valid);
    for (int j = 0; j < kDamagedOfEach; ++j) {
      auto damaged = valid;
      damage(damaged, random);
      run(damaged);
    }
  }
}
