#include "sim/machine.h"

#include <gtest/gtest.h>

#include "record/record_batch_builder.h"

namespace millrace::test {
namespace {

// Files so small that they end all the time, and housekeeping so often that it meets everything.
const Properties kSmall = {{"offsets.topic.num.partitions", "2"},
                           {"offsets.topic.segment.bytes", "1500"},
                           {"transaction.state.log.num.partitions", "2"},
                           {"transaction.state.log.segment.bytes", "1500"},
                           {"metadata.log.max.record.bytes.between.snapshots", "3000"},
                           {"log.cleaner.backoff.ms", "5000"},
                           {"log.retention.check.interval.ms", "7000"},
                           {"log.segment.bytes", "3000"},
                           {"log.index.interval.bytes", "300"}};

}  // namespace

Machine::Machine(std::uint64_t seed) : random_(seed), disk_(seed * 7919), executor_(make_executor()) {
  disk_.on_sync([this] {
    if (!while_syncing_ || !std::exchange(in_step_, false)) return;
    if (random_.one_in(4)) while_syncing_();
    in_step_ = true;
  });
}

Machine::~Machine() { stop(); }

bool Machine::start() {
  const BrokerEnvironment environment{.executor = *executor_,
                                      .clock = clock_,
                                      .files = disk_,
                                      .logger = logger_,
                                      .seed = random_(),
                                      .flush_threads = 0};
  auto opened = BrokerCore::open(environment, "/data", BrokerConfig::parse(kSmall).value());
  if (!opened) {
    problem_ = opened.error().message();
    return false;
  }
  core_ = *std::move(opened);
  int ready = 0;
  const auto count = in_this_life([&ready](const Result<void>& done) { ready += done ? 1 : 0; });
  core_->groups().ensure(count);
  core_->transactions().ensure(count);
  run();
  if (ready < 2) problem_ = "the coordinators are not ready";
  return ready == 2;
}

void Machine::stop() {
  disk_.fail_power();
  ++life_;
  core_.reset();
  // What was still to be run died with the process.
  executor_ = make_executor();
  if (random_.one_in(4)) {
    disk_.restart_process();
  } else {
    disk_.restore_power();
  }
}

void Machine::shut_down() {
  ++life_;
  EXPECT_TRUE(core_->close(std::chrono::seconds{10}));
  stop();
}

bool Machine::step() {
  in_step_ = true;
  const bool ran = executor_->run_one();
  in_step_ = false;
  return ran;
}

void Machine::run() {
  while (step()) {
  }
}

void Machine::create_topic(const std::string& name, std::int32_t partitions, const Properties& configs) {
  core_->create_topics({{.name = name, .partitions = partitions, .configs = configs}}, ValidateOnly::kNo, [](auto) {});
  run();
}

void Machine::expect_owner(ProducerId producer, const std::string& owner) {
  const auto known = owners_.emplace(producer, owner).first;
  EXPECT_EQ(known->second, owner) << "both were given the producer id " << producer.value();
}

void Machine::expect_failed_power(const std::string& what, const std::string& why) {
  problem_ = what + ": " + why;
  if (is_on()) ADD_FAILURE() << "refused with the power on: " << problem_;
}

void produce(Machine& machine, const Sending& sending, std::function<void(const Result<AppendInfo>&)> done) {
  RecordBatchBuilder builder{machine.buffers(), 1 << 20, {.transactional = !sending.transactional_id.empty()}};
  const auto bytes_of = [](const std::optional<std::string>& text) {
    return text ? NullableBytes{*text} : NullableBytes{nullptr};
  };
  for (const auto& record : sending.records) {
    const Header header{"note", record.note};
    EXPECT_TRUE(
        builder.try_append(machine.wall(), bytes_of(record.key), bytes_of(record.value), std::span{&header, 1}));
  }
  const auto packed =
      builder
          .finish({.id = sending.producer.id, .epoch = sending.producer.epoch, .base_sequence = sending.first_sequence})
          .value();
  // The broker needs them until it has answered.
  const auto bytes = std::make_shared<std::vector<std::byte>>(packed.bytes.begin(), packed.bytes.end());
  ProduceCall call{.partitions = {},
                   .transactional_id = sending.transactional_id,
                   .transactions = sending.support,
                   .acks = sending.acks,
                   .timeout = std::chrono::seconds{30}};
  call.partitions.push_back(
      {.topic = {.name = sending.to.topic}, .partition = sending.to.partition, .batches = *bytes});
  machine.core().produce(std::move(call), machine.in_this_life([bytes, done = std::move(done)](ProduceAnswer answer) {
    done(answer.front());
  }));
}

}  // namespace millrace::test
