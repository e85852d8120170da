#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/simulated_files.h"
#include "broker/broker_core.h"
#include "record/record_batch_builder.h"
#include "support/manual_executor.h"
#include "support/memory_logger.h"
#include "support/must.h"

namespace millrace::test {

/// What a callback was given, once.
template <class Answer>
class Caught {
 public:
  std::move_only_function<void(Answer)> callback() {
    return [state = state_](Answer answer) {
      EXPECT_FALSE(state->has_value()) << "answered twice";
      state->emplace(std::move(answer));
    };
  }
  [[nodiscard]] bool came() const { return state_->has_value(); }
  [[nodiscard]] Answer& get() const { return state_->value(); }

 private:
  std::shared_ptr<std::optional<Answer>> state_ = std::make_shared<std::optional<Answer>>();
};

/// A broker on a simulated disk, in one thread: everything it waits for happens when the test says so.
class SimulatedBroker {
 public:
  explicit SimulatedBroker(const Properties& config = {}, std::uint64_t seed = 1) : disk(seed) { open(config); }

  void open(const Properties& config = {}) {
    start(config);
    executor.run_all();
  }
  /// As `open`, with all that is then still to be done left to do.
  void start(const Properties& config = {}) {
    const BrokerEnvironment environment{
        .executor = executor, .clock = clock, .files = disk, .logger = logger, .seed = 7, .flush_threads = 0};
    core = must(BrokerCore::open(environment, "/data", must(BrokerConfig::parse(config))));
  }
  /// Ends the broker as it is and opens the folder again.
  void reopen(const Properties& config = {}) {
    core.reset();
    executor.run_all();
    open(config);
  }

  CreatedTopic create(const std::string& topic, std::int32_t partitions = 1, const Properties& configs = {}) {
    Caught<std::vector<Result<CreatedTopic>>> answer;
    core->create_topics({{.name = topic, .partitions = partitions, .configs = configs}}, ValidateOnly::kNo,
                        answer.callback());
    executor.run_all();
    return must(std::move(answer.get().front()));
  }

  /// A batch of `values`.
  std::vector<std::byte> batch(const std::vector<std::string>& values, const BatchProducer& producer = {},
                               std::optional<Timestamp> time = std::nullopt) {
    RecordBatchBuilder builder{buffers, 1 << 20};
    for (const auto& value : values) EXPECT_TRUE(builder.try_append(time.value_or(clock.wall()), nullptr, value));
    const auto packed = must(builder.finish(producer));
    return {packed.bytes.begin(), packed.bytes.end()};
  }

  Caught<ProduceAnswer> produce(const std::string& topic, std::vector<std::byte> bytes, std::int16_t acks = kAcksAll,
                                PartitionIndex partition = PartitionIndex{0}) {
    Caught<ProduceAnswer> answer;
    ProduceCall call{.partitions = {}, .acks = acks, .timeout = std::chrono::seconds{30}};
    call.partitions.push_back({.topic = {.name = topic}, .partition = partition, .batches = bytes});
    core->produce(std::move(call), answer.callback());
    return answer;
  }
  /// The same, waited for.
  Result<AppendInfo> produce_durably(const std::string& topic, std::vector<std::byte> bytes) {
    auto answer = produce(topic, std::move(bytes));
    executor.run_all();
    return answer.get().front();
  }

  Caught<FetchAnswer> fetch(const std::string& topic, Offset from, std::chrono::milliseconds max_wait,
                            std::size_t min_bytes = 1) {
    Caught<FetchAnswer> answer;
    FetchCall call;
    call.partitions.push_back({.topic = {.name = topic}, .partition = PartitionIndex{0}, .from = from});
    call.max_wait = max_wait;
    call.min_bytes = min_bytes;
    last_fetch = core->fetch(std::move(call), answer.callback());
    return answer;
  }

  std::vector<std::string> values(const std::string& topic) {
    std::vector<std::string> found;
    auto from =
        must(core->list_offset({.name = topic}, PartitionIndex{0}, {.kind = OffsetKind::kEarliest}, Isolation::kLogEnd))
            .offset;
    for (;;) {
      const auto answer = fetch(topic, from, std::chrono::milliseconds{0});
      const auto& slice = must(answer.get().front());
      if (slice.bytes.empty()) return found;
      for (BatchCursor batches{slice.bytes}; batches.next();) {
        auto records = must(batches.batch().records(buffers));
        while (records.next()) found.emplace_back(records.record().value.text());
        from = batches.batch().next_offset();
      }
    }
  }

  /// Records that are written, durable or not.
  std::int64_t values_written(const std::string& topic) {
    return must(
               core->list_offset({.name = topic}, PartitionIndex{0}, {.kind = OffsetKind::kLatest}, Isolation::kLogEnd))
        .offset.value();
  }

  ManualClock clock;
  SimulatedFileSystem disk;
  MemoryLogger logger;
  BufferPool buffers;
  ManualExecutor executor{clock};
  std::shared_ptr<BrokerCore> core;
  FetchId last_fetch;
};

}  // namespace millrace::test
