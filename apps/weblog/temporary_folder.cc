#include "weblog/temporary_folder.h"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

namespace millrace::weblog {
namespace {

std::filesystem::path place() {
  if (const char* chosen = std::getenv("TMPDIR"); chosen != nullptr && *chosen != '\0') return chosen;
  std::error_code ignored;
  if (std::filesystem::is_directory("/var/tmp", ignored)) return "/var/tmp";
  return "/tmp";
}

}  // namespace

Result<std::unique_ptr<TemporaryFolder>> TemporaryFolder::make() {
  auto name = (place() / "millrace-weblog-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return fail_errno(errno, "cannot make the temporary folder " + name);
  return std::unique_ptr<TemporaryFolder>{new TemporaryFolder{name}};
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // nobody can do anything about it here
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace millrace::weblog
