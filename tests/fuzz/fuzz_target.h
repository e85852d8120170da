#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

// What a fuzz target offers: libFuzzer's entry, and valid inputs to begin with.

/// Runs one input. Never fails by returning: what is wrong ends the process.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace millrace::test {

/// A valid input for the target, a different one for each seed. Where an input is a sequence, so are two in a row.
[[nodiscard]] std::vector<std::uint8_t> valid_input(std::uint64_t seed);

}  // namespace millrace::test
