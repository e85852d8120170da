// What an embedded log costs a record on one partition, with the defaults (idempotent, synced): in processor time,
// which other programs disturb least. How many records a core writes and reads back is reckoned from that of all
// threads.
//
//   embedded_log [RECORDS [BYTES [KEY VALUE]...]]        producer settings by key

#include <fmt/format.h>

#include <time.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "millrace/client.h"

namespace millrace {
namespace {

constexpr std::size_t kChunk = 256;
constexpr std::chrono::seconds kPatience{60};

template <class T>
T must(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "{}\n", result.error().message());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

double cpu_nanoseconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// What passed since it was made: on the wall, on this thread's processor, on the process's.
class Stopwatch {
 public:
  [[nodiscard]] double wall() const {
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start_).count();
  }
  [[nodiscard]] double thread() const { return cpu_nanoseconds(CLOCK_THREAD_CPUTIME_ID) - thread_; }
  [[nodiscard]] double process() const { return cpu_nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - process_; }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double thread_ = cpu_nanoseconds(CLOCK_THREAD_CPUTIME_ID);
  double process_ = cpu_nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
};

void measure(const std::string& directory, std::size_t count, std::size_t record_bytes, const Properties& properties) {
  auto client = must(Client::open("embedded:" + directory));
  auto admin = must(client->admin());
  must(admin->create_topic({.name = "bench", .partitions = 1}));
  const std::string value(record_bytes, 'x');
  const std::vector<ProducerRecord> chunk(kChunk, ProducerRecord{.topic = "bench", .value = value});

  auto producer = must(client->producer(properties));
  must(producer->send_all(chunk));
  must(producer->flush(kPatience));
  const auto each = static_cast<double>(count);
  double produced = 0;
  {
    const Stopwatch watch;
    for (std::size_t sent = 0; sent < count; sent += kChunk) must(producer->send_all(chunk));
    const auto caller = watch.thread() / each;
    must(producer->flush(kPatience));
    produced = watch.process() / each;
    fmt::print("send_all {:5.1f} ns on the caller's processor, {:5.1f} ns on all, durable after {:6.1f} ns | ", caller,
               produced, watch.wall() / each);
  }
  {
    const Stopwatch watch;
    for (std::size_t sent = 0; sent < count / 4; ++sent) must(producer->send(chunk.front()));
    fmt::print("send {:5.1f} ns | ", watch.thread() / each * 4);
    must(producer->flush(kPatience));
  }

  auto consumer = must(client->consumer({{"auto.offset.reset", "earliest"}}));
  must(consumer->assign({{"bench", PartitionIndex{0}}}));
  const Stopwatch watch;
  std::size_t polled = 0;
  std::size_t bytes = 0;
  while (polled < count) {
    for (const auto& batch : must(consumer->poll(kPatience))) {
      polled += batch.records().size();
      for (const auto& record : batch.records()) bytes += record.value.size();
    }
  }
  const auto consumed = watch.process() / static_cast<double>(polled);
  fmt::print("poll {:5.1f} ns, {:5.1f} ns on all | written and read: {:4.1f} M records/s a core\n",
             watch.thread() / static_cast<double>(polled), consumed, 1e3 / (produced + consumed));
  if (bytes != polled * record_bytes) std::exit(1);
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2'000'000;
  const std::size_t record_bytes = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100;
  millrace::Properties properties;
  for (int i = 3; i + 1 < argc; i += 2) properties[argv[i]] = argv[i + 1];
  for (int round = 0; round < 3; ++round) {
    auto directory = (std::filesystem::temp_directory_path() / "millrace-bench-XXXXXX").string();
    if (::mkdtemp(directory.data()) == nullptr) return 1;
    millrace::measure(directory, count, record_bytes, properties);
    std::filesystem::remove_all(directory);
  }
}
