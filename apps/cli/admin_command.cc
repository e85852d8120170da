#include "cli/admin_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"

namespace millrace::cli {

int run_admin_command(std::span<const AdminCommand> commands, const LogAddress& log) {
  const auto given = std::ranges::find_if(commands, [](const auto& one) { return one.command->parsed(); });
  if (given == commands.end()) return kWrongUse;
  const auto name = full_name(*given->command);
  const auto client = open_log(log, given->folder);
  if (!client) return say_failure(name, client.error());
  const auto admin = (*client)->admin();
  if (!admin) return say_failure(name, admin.error());
  Output output{"the answer"};
  const auto done = given->act(**admin, output);
  const auto written = output.finish();
  if (!done) return say_failure(name, done.error());
  return written ? kDone : say_failure(name, written.error());
}

}  // namespace millrace::cli
