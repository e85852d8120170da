#pragma once

#include "base/assert.h"
#include "support/manual_executor.h"

namespace millrace::test {

/// Runs what is ready or due. Work that makes work for ever is a mistake of ours.
inline void run_to_rest(ManualExecutor& executor) {
  constexpr int kMostWork = 200'000;
  for (int done = 0; executor.run_one(); ++done) MILLRACE_ASSERT(done < kMostWork);
}

}  // namespace millrace::test
