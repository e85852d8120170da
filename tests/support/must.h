#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace millrace::test {

/// The value, where a test cannot go on without it.
template <class T>
T must(Result<T> result) {
  EXPECT_TRUE(result) << result.error().message();
  if (!result) std::abort();
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace millrace::test
