#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace millrace {

void assertion_failed(const char* condition, const std::source_location& where) {
  std::fprintf(stderr, "millrace: internal error: %s does not hold at %s:%u. Please report this.\n", condition,
               where.file_name(), static_cast<unsigned>(where.line()));
  std::abort();
}

}  // namespace millrace
