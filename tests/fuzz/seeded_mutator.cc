// How libFuzzer changes inputs here: mostly as it likes, at times by a fresh valid one or by one put behind. So it
// needs neither seeds nor a dictionary to come past the first lengths.

#include <algorithm>
#include <cstring>

#include "base/random.h"
#include "fuzz/fuzz_target.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  millrace::Random random{seed};
  if (size > 0 && !random.one_in(16)) return LLVMFuzzerMutate(data, size, most);
  const auto fresh = millrace::test::valid_input(random());
  const auto kept = random.one_in(2) ? size : 0;
  if (fresh.empty() || kept + fresh.size() > most) return LLVMFuzzerMutate(data, size, most);
  std::memcpy(data + kept, fresh.data(), fresh.size());
  return kept + fresh.size();
}
