// A member of a group in this process, beside a broker that listens: for members that others wrote.
//
//     conformance_group_member FOLDER TOPIC PARTITIONS STRATEGY
//
// It says where it listens, then "assigned 0,2" after each rebalance and "value PARTITION TEXT" for each record, and
// ends with its standard input.

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "millrace/broker.h"
#include "millrace/client.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

bool input_has_ended() {
  pollfd watched{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (::poll(&watched, 1, 0) <= 0) return false;
  char ignored[256];
  return ::read(STDIN_FILENO, ignored, sizeof ignored) <= 0;
}

Result<void> run(const std::string& folder, const std::string& topic, int partitions, const std::string& strategy) {
  MILLRACE_TRY(broker, Broker::open(folder, {{"group.initial.rebalance.delay.ms", "200"}}));
  MILLRACE_TRY(address, broker->listen("127.0.0.1:0"));
  MILLRACE_TRY(client, broker->client());
  MILLRACE_TRY(admin, client->admin());
  MILLRACE_TRY(made, admin->create_topic({.name = topic, .partitions = partitions}));
  (void)made;
  say(address);
  MILLRACE_TRY(consumer, client->consumer({{"group.id", topic},
                                           {"auto.offset.reset", "earliest"},
                                           {"session.timeout.ms", "6000"},
                                           {"heartbeat.interval.ms", "500"},
                                           {"auto.commit.interval.ms", "100"},
                                           {"partition.assignment.strategy", strategy}}));
  const auto tell = [&consumer](auto) {
    std::string numbers;
    for (const auto& one : consumer->assignment()) {
      numbers += fmt::format("{}{}", numbers.empty() ? "" : ",", one.partition.value());
    }
    say("assigned " + numbers);
  };
  MILLRACE_CHECK(consumer->subscribe({topic}, {.assigned = tell}));
  while (!input_has_ended()) {
    MILLRACE_TRY(batches, consumer->poll(100ms));
    for (const auto& batch : batches) {
      for (const auto& record : batch.records()) {
        say(fmt::format("value {} {}", batch.partition().partition.value(), record.value.text()));
      }
    }
  }
  MILLRACE_CHECK(consumer->close(10s));
  return broker->close(10s);
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const auto done = millrace::run(argv[1], argv[2], std::atoi(argv[3]), argv[4]);
  if (!done) fmt::print(stderr, "{}\n", done.error().message());
  return done ? 0 : 1;
}
