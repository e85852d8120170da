#pragma once

#include <memory>
#include <utility>

#include "base/assert.h"
#include "base/logger.h"
#include "base/simulated_files.h"
#include "broker/broker_core.h"
#include "fuzz/run_to_rest.h"

namespace millrace::test {

/// A broker on a simulated disk, in one thread. It has a topic "t" of two partitions and what coordinators need.
class FuzzBroker {
 public:
  FuzzBroker() {
    open();
    core->advertise(Endpoint{.listener = "PLAINTEXT", .host = "broker.example", .port = 9092});
    core->create_topics({{.name = "t", .partitions = 2}}, ValidateOnly::kNo, [](const auto&) {});
    core->groups().ensure([](const Result<void>&) {});
    core->transactions().ensure([](const Result<void>&) {});
    run_to_rest(executor);
  }
  ~FuzzBroker() { close(); }

  void open() {
    const BrokerEnvironment environment{
        .executor = executor, .clock = clock, .files = disk, .logger = logger, .seed = 7, .flush_threads = 0};
    auto config = BrokerConfig::parse({{"offsets.topic.num.partitions", "1"},
                                       {"transaction.state.log.num.partitions", "1"},
                                       {"group.initial.rebalance.delay.ms", "0"},
                                       {"log.cleaner.dedupe.buffer.size", "1048576"}});
    MILLRACE_ASSERT(config);
    auto opened = BrokerCore::open(environment, "/data", *std::move(config));
    // Whatever it was told before, what it wrote is what it reads.
    MILLRACE_ASSERT(opened);
    core = *std::move(opened);
    run_to_rest(executor);
  }
  void close() {
    if (!core) return;
    MILLRACE_ASSERT(core->close(Duration::max()));
    run_to_rest(executor);
    core.reset();
    run_to_rest(executor);
  }

  void advance(std::chrono::milliseconds by) {
    clock.advance(by);
    run_to_rest(executor);
  }

  ManualClock clock;
  SimulatedFileSystem disk{1};
  NullLogger logger;
  ManualExecutor executor{clock};
  std::shared_ptr<BrokerCore> core;
};

}  // namespace millrace::test
