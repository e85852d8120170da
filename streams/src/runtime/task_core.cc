#include "runtime/task_core.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/assert.h"

namespace millrace::streams {

/// Sends outputs on; those of topics that several nodes write are first put in the order of the records they came from.
class TaskCore::Collector final : public detail::Outputs {
 public:
  Collector(OutputSender& sender, const std::vector<std::uint8_t>& sinks_of_topic, TaskCounts& counts)
      : sender_(sender), sinks_of_topic_(sinks_of_topic), counts_(counts) {}

  void send(std::uint32_t topic, std::uint32_t index, std::int64_t time_ms, NullableBytes key,
            NullableBytes value) override {
    if (sinks_of_topic_[topic] > 1) {
      shared_.push_back({topic, index, time_ms, key, value});
    } else {
      pass({topic, index, time_ms, key, value});
    }
  }

  [[nodiscard]] Result<void> finish() {
    std::ranges::stable_sort(shared_, {}, &Waiting::index);
    for (const auto& waiting : shared_) pass(waiting);
    return std::move(result_);
  }

 private:
  struct Waiting {
    std::uint32_t topic;
    std::uint32_t index;
    std::int64_t time_ms;
    NullableBytes key;
    NullableBytes value;
  };
  void pass(const Waiting& output) {
    if (!result_) return;
    ++counts_.outputs;
    result_ =
        sender_.send(output.topic, Timestamp{std::chrono::milliseconds{std::max<std::int64_t>(output.time_ms, 0)}},
                     output.key, output.value);
  }

  OutputSender& sender_;
  const std::vector<std::uint8_t>& sinks_of_topic_;
  TaskCounts& counts_;
  std::vector<Waiting> shared_;
  Result<void> result_;
};

TaskCore::TaskCore(const Topology& topology, const Topology::SubTopology& sub, const StreamConfig& config,
                   std::uint64_t memory_budget)
    : topology_(topology),
      states_(topology.nodes().size()),
      shared_scratches_(topology.nodes().size()),
      back_scratches_(topology.nodes().size()),
      memory_budget_(memory_budget),
      future_max_ms_(config.future_max.count()) {
  for (const auto id : sub.nodes) {
    const auto& node = topology.node(id);
    nodes_.push_back(&node);
    states_[id] = node.make_state();
    if (node.place == detail::Place::kBack) shared_scratches_[id] = node.make_scratch();
    back_scratches_[id] = node.make_back_scratch();
    if (const auto* source = dynamic_cast<const detail::SourceBase*>(&node)) sources_.push_back(source);
    if (node.sink() != nullptr) {
      if (sinks_of_topic_.size() <= node.sink_index) sinks_of_topic_.resize(node.sink_index + 1);
      ++sinks_of_topic_[node.sink_index];
    }
  }
}

TaskCore::~TaskCore() = default;

std::unique_ptr<InputChunk> TaskCore::make_chunk() const {
  auto chunk = std::make_unique<InputChunk>();
  std::vector<std::shared_ptr<detail::Scratch>> scratches(topology_.nodes().size());
  for (const auto* node : nodes_) {
    scratches[node->id] = shared_scratches_[node->id] ? shared_scratches_[node->id] : node->make_scratch();
  }
  chunk->set_scratches(std::move(scratches), back_scratches_);
  return chunk;
}

void TaskCore::decode(InputChunk& chunk) const {
  chunk.event_times.assign(chunk.size, detail::kNoTime);
  for (const auto* source : sources_) source->decode(chunk);
  auto latest = detail::kNoTime;
  for (const auto& piece : chunk.pieces) {
    auto index = piece.first_index;
    for (const auto& record : piece.records) {
      auto& time = chunk.event_times[index++];
      const auto own = record.timestamp.time_since_epoch().count();
      if (future_max_ms_ >= 0 && own >= 0) time = std::min(time, own + future_max_ms_);
      latest = std::max(latest, time);
    }
  }
  chunk.max_event_time = latest;
}

void TaskCore::sequence(InputChunk& chunk) {
  chunk.stream_time_before = sequenced_stream_time_;
  sequenced_stream_time_ = std::max(sequenced_stream_time_, chunk.max_event_time);
  chunk.stream_time_after = sequenced_stream_time_;
}

void TaskCore::front(InputChunk& chunk) const {
  for (const auto* node : nodes_) {
    if (node->place == detail::Place::kFront) node->process(chunk);
  }
}

Result<void> TaskCore::back(InputChunk& chunk, OutputSender& outputs) {
  auto applied = apply(chunk, outputs);
  if (!applied) broken_ = true;
  return applied;
}

Result<void> TaskCore::apply(InputChunk& chunk, OutputSender& outputs) {
  MILLRACE_CHECK(handle_failures(chunk, outputs));
  Collector collector{outputs, sinks_of_topic_, counts_};
  for (const auto* node : nodes_) {
    if (node->place == detail::Place::kBack) node->process(chunk);
    node->apply(chunk, states_[node->id].get(), collector);
  }
  MILLRACE_CHECK(collector.finish());
  for (const auto* node : nodes_) {
    if (states_[node->id]) states_[node->id]->settle();
  }
  MILLRACE_CHECK(handle_failures(chunk, outputs));
  if (chunk.flush == detail::Chunk::Flush::kYes) keep_budget();
  applied_stream_time_ = chunk.stream_time_after;
  counts_.records += chunk.size;
  counts_.bytes += chunk.bytes;
  return {};
}

void TaskCore::make_flush(InputChunk& chunk) const {
  decode(chunk);
  chunk.flush = detail::Chunk::Flush::kYes;
  chunk.stream_time_before = chunk.stream_time_after = applied_stream_time_;
  front(chunk);
}

void TaskCore::make_clock_tick(InputChunk& chunk, std::int64_t stream_time) {
  decode(chunk);
  front(chunk);
  chunk.stream_time_before = applied_stream_time_;
  sequenced_stream_time_ = std::max(sequenced_stream_time_, stream_time);
  chunk.stream_time_after = sequenced_stream_time_;
}

Error TaskCore::describe_failure(const InputChunk& chunk, const detail::Failure& failure) const {
  const auto& node = topology_.node(failure.node);
  if (failure.index >= chunk.size) {
    return {failure.code, fmt::format("operator {} ({}) failed on a result: {}", node.id, node.kind, failure.reason)};
  }
  const auto& piece = chunk.piece_of(failure.index);
  const auto* const doing = failure.code == ErrorCode::kUserFunctionFailed ? "process" : "decode";
  return {failure.code,
          fmt::format(
              "cannot {} the record at offset {} of {} (operator {}, {}): {}. To go on without such records, give the "
              "stream .on_error(ErrorPolicy::skip()) or .on_error(dead_letter(\"TOPIC\")).",
              doing, chunk.record(failure.index).offset.value(), piece.partition->to_string(), node.id, node.kind,
              failure.reason)};
}

Result<void> TaskCore::handle_failures(InputChunk& chunk, OutputSender& outputs) {
  if (chunk.failures.empty()) return {};
  std::ranges::stable_sort(chunk.failures, {}, &detail::Failure::index);
  for (const auto& failure : chunk.failures) {
    if (failure.index >= chunk.size) return std::unexpected(describe_failure(chunk, failure));
    const auto& piece = chunk.piece_of(failure.index);
    const auto& source = static_cast<const detail::SourceBase&>(topology_.node(piece.source));
    switch (source.policy.action) {
      case ErrorPolicy::Action::kFail:
        return std::unexpected(describe_failure(chunk, failure));
      case ErrorPolicy::Action::kSkip:
        ++counts_.skipped;
        break;
      case ErrorPolicy::Action::kDeadLetter:
        ++counts_.dead_letters;
        MILLRACE_CHECK(outputs.send_dead_letter(source.policy.dead_letter_topic, *piece.partition,
                                                chunk.record(failure.index), failure.reason));
        break;
    }
  }
  chunk.failures.clear();
  return {};
}

bool TaskCore::has_unflushed() const {
  return std::ranges::any_of(states_, [](const auto& state) { return state && state->has_unflushed(); });
}

detail::StateFigures TaskCore::figures() const {
  detail::StateFigures all;
  for (const auto& state : states_) {
    if (!state) continue;
    const auto one = state->figures();
    all.entries += one.entries;
    all.bytes += one.bytes;
    all.late_records += one.late_records;
    all.approximate = all.approximate || one.approximate;
  }
  return all;
}

/// Cuts the largest stores to one level so that all of them take four fifths of the budget: room until the next time.
void TaskCore::keep_budget() {
  if (memory_budget_ == 0) return;
  std::vector<std::pair<std::uint64_t, detail::State*>> sizes;
  std::uint64_t total = 0;
  for (const auto& state : states_) {
    if (!state) continue;
    sizes.emplace_back(state->figures().bytes, state.get());
    total += sizes.back().first;
  }
  if (total <= memory_budget_) return;
  std::ranges::stable_sort(sizes, {}, &std::pair<std::uint64_t, detail::State*>::first);
  auto left = memory_budget_ / 5 * 4;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto level = left / (sizes.size() - i);
    if (sizes[i].first > level) sizes[i].second->shrink_to(level);
    left -= std::min(sizes[i].first, level);
  }
}

void TaskCore::write(StateWriter& out) const {
  write_state(out, applied_stream_time_);
  for (const auto* node : nodes_) {
    if (!states_[node->id]) continue;
    out.text(node->store_name());
    states_[node->id]->write(out);
  }
}

void TaskCore::read(StateReader& in) {
  applied_stream_time_ = sequenced_stream_time_ = read_state<std::int64_t>(in);
  for (const auto* node : nodes_) {
    if (!states_[node->id]) continue;
    if (in.text() != node->store_name()) return in.spoil();
    states_[node->id]->read(in);
  }
}

}  // namespace millrace::streams
