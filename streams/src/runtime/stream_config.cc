#include "runtime/stream_config.h"

#include <algorithm>
#include <string_view>
#include <thread>

#include "millrace/streams/job.h"

namespace millrace::streams {
namespace {

constexpr ConfigKey kKeys[] = {
    {"application.id", ConfigType::kString, "", "Names the job: its state folder and its internal topics."},
    {"bootstrap.servers", ConfigType::kString, "", "Where the log is, for `run`: embedded:DIR or kafka:HOST:PORT."},
    {"state.dir", ConfigType::kString, "", "Where checkpoints are kept. Empty: nowhere, a restart begins anew."},
    {"num.stream.threads", ConfigType::kInt, "0", "Threads that process records; 0: one for each processor.", 0, 1024},
    {"stream.scheduler", ConfigType::kString, "tbb", "What runs them.", std::nullopt, std::nullopt, "tbb|threads"},
    {"commit.interval.ms", ConfigType::kLong, "5000",
     "Time between checkpoints; longer while a checkpoint takes more than a twentieth of it.", 1},
    {"chunk.records", ConfigType::kInt, "2048", "The most records that an operator gets at once.", 1, 1 << 20},
    {"chunk.bytes", ConfigType::kLong, "4194304", "The most bytes that an operator gets at once; one record at least.",
     1},
    {"input.buffer.bytes", ConfigType::kLong, "33554432",
     "Input that was read and waits, in bytes, for all partitions together.", 1},
    {"cache.flush.records", ConfigType::kLong, "65536",
     "Changed results are sent after this many input records; 1: after each.", 1},
    {"cache.flush.interval.ms", ConfigType::kLong, "1000",
     "Changed results are sent, too, when the records' own timestamps have advanced this far; -1: never.", -1},
    {"cache.flush.idle.ms", ConfigType::kLong, "200",
     "Changed results are sent, too, when no record came for this long by the wall clock; -1: never. The order of "
     "results "
     "then depends on when records come.",
     -1},
    {"window.close.idle.ms", ConfigType::kLong, "-1",
     "When no record came for this long, stream time goes on with the wall clock, so that windows close; -1: never. A "
     "record "
     "that comes later may then be late.",
     -1},
    {"timestamp.future.max.ms", ConfigType::kLong, "86400000",
     "An event time further than this beyond its record's own timestamp does not advance stream time, so that one "
     "wrong date "
     "cannot make every other record late; -1: no limit.",
     -1},
};
constexpr ConfigTable kTable{"stream job", kKeys};

/// Takes the keys with a prefix out of `all`.
Properties take(Properties& all, std::string_view prefix) {
  Properties taken;
  for (auto at = all.lower_bound(prefix); at != all.end() && at->first.starts_with(prefix);) {
    taken.emplace(at->first.substr(prefix.size()), std::move(at->second));
    at = all.erase(at);
  }
  return taken;
}

}  // namespace

const ConfigTable& job_config() { return kTable; }

Result<StreamConfig> read_config(const Properties& properties) {
  auto own = properties;
  StreamConfig config;
  config.consumer = take(own, "consumer.");
  config.producer = take(own, "producer.");
  MILLRACE_CHECK(kTable.check(own));
  const auto ms = [&](std::string_view key) { return std::chrono::milliseconds{kTable.get_long(own, key)}; };
  config.application_id = kTable.get_string(own, "application.id");
  config.bootstrap_servers = kTable.get_string(own, "bootstrap.servers");
  config.state_dir = kTable.get_string(own, "state.dir");
  config.scheduler = kTable.get_string(own, "stream.scheduler");
  config.threads = static_cast<std::size_t>(kTable.get_long(own, "num.stream.threads"));
  if (config.threads == 0) config.threads = std::max(1U, std::thread::hardware_concurrency());
  config.commit_interval = ms("commit.interval.ms");
  config.chunk_records = static_cast<std::uint32_t>(kTable.get_long(own, "chunk.records"));
  config.chunk_bytes = static_cast<std::size_t>(kTable.get_long(own, "chunk.bytes"));
  config.buffer_bytes = static_cast<std::size_t>(kTable.get_long(own, "input.buffer.bytes"));
  config.flush_records = static_cast<std::uint64_t>(kTable.get_long(own, "cache.flush.records"));
  config.flush_interval = ms("cache.flush.interval.ms");
  config.flush_idle = ms("cache.flush.idle.ms");
  config.close_idle = ms("window.close.idle.ms");
  config.future_max = ms("timestamp.future.max.ms");
  return config;
}

}  // namespace millrace::streams
