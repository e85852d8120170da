#include "console/embed/page.h"

namespace millrace::console {

Page page() { return {}; }

}  // namespace millrace::console
