#include "millrace/streams/test_driver.h"

#include <fmt/core.h>

#include <map>
#include <stdexcept>

#include "base/clock.h"
#include "runtime/task_core.h"

namespace millrace::streams {
namespace {

/// The bytes of one record, and a record over them.
struct Owned {
  std::optional<std::string> key;
  std::string value;
};

}  // namespace

class TopologyTestDriver::Impl final : public OutputSender {
 public:
  Impl(Topology made, const Properties& properties, FlushAt when) : topology(std::move(made)), flush_at(when) {
    auto read = read_config(properties);
    if (!read) throw std::invalid_argument(read.error().message());
    config = *std::move(read);
    make_tasks();
  }

  struct Task {
    std::unique_ptr<TaskCore> core;
    std::unique_ptr<TaskInput> input;
    std::unique_ptr<InputChunk> chunk;
  };

  void make_tasks() {
    tasks.clear();
    for (const auto& sub : topology.sub_topologies()) {
      std::vector<TaskInput::Slot> slots;
      for (const auto id : sub.sources) {
        const auto& source = static_cast<const detail::SourceBase&>(topology.node(id));
        slots.push_back({id, std::make_shared<TopicPartition>(TopicPartition{source.topic, PartitionIndex{0}})});
      }
      Task task;
      task.core = std::make_unique<TaskCore>(topology, sub, config, topology.memory_budget());
      task.input = std::make_unique<TaskInput>(std::move(slots), config);
      task.chunk = task.core->make_chunk();
      tasks.push_back(std::move(task));
    }
    for (const auto& node : topology.nodes()) {
      if (const auto* sink = node->sink()) sinks[node->sink_index] = *sink;
    }
  }

  Result<void> send(std::uint32_t sink, Timestamp time, NullableBytes key, NullableBytes value) override {
    const auto& topic = sinks.at(sink);
    if (topic.kind == detail::SinkTopic::Kind::kRepartition) {
      internal.push_back({topic.name, time, std::string{key.text()}, std::string{value.text()}});
      return {};
    }
    write(topic.name, time, key, value);
    return {};
  }
  Result<void> send_dead_letter(const std::string& topic, const TopicPartition&, const RecordView& record,
                                std::string_view) override {
    write(topic, record.timestamp, record.key, record.value);
    return {};
  }
  void write(const std::string& topic, Timestamp time, NullableBytes key, NullableBytes value) {
    const auto text = [](NullableBytes bytes) {
      return bytes.is_null() ? std::nullopt : std::optional{std::string{bytes.text()}};
    };
    written[topic].push_back({text(key), text(value), time});
  }

  Result<void> push(std::string_view topic, NullableBytes value, NullableBytes key, Timestamp time) {
    for (auto& task : tasks) {
      const auto& slots = task.input->slots();
      for (std::size_t slot = 0; slot < slots.size(); ++slot) {
        if (slots[slot].partition->topic != topic) continue;
        auto bytes = std::make_shared<Owned>();
        if (!key.is_null()) bytes->key = std::string{key.text()};
        bytes->value = std::string{value.text()};
        auto& next = offsets[slots[slot].partition->topic];
        const RecordView record{next,
                                time,
                                bytes->key ? NullableBytes{*bytes->key} : NullableBytes{},
                                value.is_null() ? NullableBytes{} : NullableBytes{bytes->value},
                                {}};
        ++next;
        task.input->push(slot, PolledBatch{slots[slot].partition, {record}, bytes});
        for (std::size_t other = 0; other < slots.size(); ++other) {
          task.input->set_known_end(other, offsets[slots[other].partition->topic]);
        }
        return work();
      }
    }
    return fail(ErrorCode::kUnknownTopicOrPartition, fmt::format("the topology does not read \"{}\"", topic));
  }

  /// Runs every task until nothing waits, repartition topics included.
  Result<void> work() {
    for (auto& task : tasks) {
      while (true) {
        task.chunk->clear();
        if (!task.input->next_chunk(*task.chunk)) break;
        auto& chunk = *task.chunk;
        if (flush_at == FlushAt::kEachRecord) chunk.flush = detail::Chunk::Flush::kYes;
        task.core->decode(chunk);
        task.core->sequence(chunk);
        task.core->front(chunk);
        MILLRACE_CHECK(task.core->back(chunk, *this));
      }
    }
    return pass_internal();
  }

  Result<void> pass_internal() {
    const auto waiting = std::exchange(internal, {});
    for (const auto& record : waiting) MILLRACE_CHECK(push(record.topic, record.value, record.key, record.time));
    return {};
  }

  Result<void> flush() {
    for (auto& task : tasks) {
      task.chunk->clear();
      task.core->make_flush(*task.chunk);
      MILLRACE_CHECK(task.core->back(*task.chunk, *this));
      MILLRACE_CHECK(pass_internal());
    }
    return {};
  }

  Result<void> advance(std::chrono::milliseconds by) {
    clock.advance(by);
    if (config.close_idle.count() < 0) return {};
    for (auto& task : tasks) {
      if (task.core->stream_time() == detail::kNoTime) continue;
      task.chunk->clear();
      task.core->make_clock_tick(*task.chunk, task.core->stream_time() + by.count());
      MILLRACE_CHECK(task.core->back(*task.chunk, *this));
      MILLRACE_CHECK(pass_internal());
    }
    return {};
  }

  struct Internal {
    std::string topic;
    Timestamp time;
    std::string key;
    std::string value;
  };

  Topology topology;
  FlushAt flush_at;
  StreamConfig config;
  ManualClock clock;
  std::vector<Task> tasks;
  std::map<std::uint32_t, detail::SinkTopic> sinks;
  std::map<std::string, Offset, std::less<>> offsets;
  std::map<std::string, std::vector<OutputRecord>, std::less<>> written;
  std::vector<Internal> internal;
};

TopologyTestDriver::TopologyTestDriver(Topology topology, const Properties& config, FlushAt flush)
    : impl_(std::make_unique<Impl>(std::move(topology), config, flush)) {}
TopologyTestDriver::~TopologyTestDriver() = default;
TopologyTestDriver::TopologyTestDriver(TopologyTestDriver&&) noexcept = default;

Result<void> TopologyTestDriver::pipe(std::string_view topic, NullableBytes value, NullableBytes key,
                                      std::optional<Timestamp> timestamp) {
  return impl_->push(topic, value, key, timestamp.value_or(now()));
}
Result<void> TopologyTestDriver::advance(std::chrono::milliseconds by) { return impl_->advance(by); }
Timestamp TopologyTestDriver::now() const { return impl_->clock.wall(); }
Result<void> TopologyTestDriver::flush() { return impl_->flush(); }

std::vector<OutputRecord> TopologyTestDriver::read(std::string_view topic) {
  const auto found = impl_->written.find(topic);
  if (found == impl_->written.end()) return {};
  return std::exchange(found->second, {});
}

JobStats TopologyTestDriver::stats() const {
  JobStats stats;
  for (const auto& task : impl_->tasks) {
    const auto& counts = task.core->counts();
    const auto figures = task.core->figures();
    stats.records += counts.records;
    stats.bytes += counts.bytes;
    stats.outputs += counts.outputs;
    stats.skipped += counts.skipped;
    stats.dead_letters += counts.dead_letters;
    stats.late_records += figures.late_records;
    stats.state_entries += figures.entries;
    stats.state_bytes += figures.bytes;
    stats.approximate = stats.approximate || figures.approximate;
  }
  return stats;
}

std::vector<std::string> TopologyTestDriver::checkpoint() const {
  std::vector<std::string> contents;
  for (const auto& task : impl_->tasks) {
    StateWriter writer;
    streams::write_state(writer, task.input->position());
    task.core->write(writer);
    contents.push_back(writer.buffer());
  }
  return contents;
}

Result<void> TopologyTestDriver::restore(const std::vector<std::string>& checkpoint) {
  impl_->make_tasks();
  if (checkpoint.size() != impl_->tasks.size()) {
    return fail(ErrorCode::kUnsupported, "the checkpoint is not one of this topology");
  }
  for (std::size_t i = 0; i < checkpoint.size(); ++i) {
    auto& task = impl_->tasks[i];
    StateReader in{checkpoint[i]};
    task.input->restore(streams::read_state<InputPosition>(in));
    task.core->read(in);
    if (!in.ok() || in.left() != 0) return fail(ErrorCode::kCorruptLog, "the checkpoint is damaged");
  }
  return {};
}

Result<void> TopologyTestDriver::read_state(std::string_view store, const void* type,
                                            const detail::StateQuery& query) const {
  const auto* node = impl_->topology.find_store(store);
  if (node == nullptr) {
    return fail(ErrorCode::kNotFound, fmt::format("the topology has no store \"{}\"", store));
  }
  for (const auto& task : impl_->tasks) {
    const auto* state = task.core->state(node->id);
    if (state == nullptr) continue;
    if (state->type() != type) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("store \"{}\" has other types than the query", store));
    }
    query(*node, *state);
  }
  return {};
}

}  // namespace millrace::streams
