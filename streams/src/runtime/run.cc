#include "millrace/streams/job.h"
#include "runtime/stream_config.h"

namespace millrace::streams {

Result<void> run(Topology topology, const Properties& config) {
  MILLRACE_TRY(read, read_config(config));
  if (read.bootstrap_servers.empty()) {
    return fail(
        ErrorCode::kInvalidConfig,
        "stream job: \"bootstrap.servers\" is missing: say where the log is, for example embedded:/var/lib/shop");
  }
  MILLRACE_TRY(client, Client::open(read.bootstrap_servers));
  MILLRACE_TRY(job, Job::start(std::move(topology), *client, config));
  return job->wait();
}

}  // namespace millrace::streams
