#include "server/request_metrics.h"

#include <algorithm>

namespace millrace {

void AnswerErrors::look_at(const protocol::StructTable& fields, const std::byte* object) {
  for (const auto& row : fields.rows) {
    const auto& type = *row.type;
    const auto* member = object + row.offset;
    if (type.kind == protocol::WireKind::kErrorCode) {
      const auto code = protocol::member_at<ErrorCode>(member);
      if (code != ErrorCode::kNone) count(code);
    } else if (type.kind == protocol::WireKind::kStruct) {
      look_at(type.fields(), member);
    } else if (type.elements != nullptr) {
      const auto* inner = type.element != nullptr ? type.element : &type;
      const auto elements = type.elements->count(member);
      if (inner->fields == nullptr || elements <= 0) continue;
      const auto* element = type.elements->data(member);
      for (std::int64_t i = 0; i < elements; ++i, element += inner->size) look_at(inner->fields(), element);
    }
  }
}

void AnswerErrors::count(ErrorCode code) {
  const auto known = std::ranges::find(found_, code, &std::pair<ErrorCode, std::uint64_t>::first);
  if (known == found_.end()) {
    found_.emplace_back(code, 1);
  } else {
    ++known->second;
  }
}

RequestMetrics::RequestMetrics(std::size_t apis, std::size_t places, const Clock& clock)
    : apis_(apis),
      places_(std::max<std::size_t>(places, 1)),
      clock_(clock),
      counters_(std::make_unique<Counters[]>(apis_ * places_)) {}

RequestMetrics::Place RequestMetrics::connected() {
  connections_.fetch_add(1, std::memory_order_relaxed);
  return connections_ever_.fetch_add(1, std::memory_order_relaxed) % places_;
}

void RequestMetrics::disconnected() { connections_.fetch_sub(1, std::memory_order_relaxed); }

void RequestMetrics::answered(Place place, std::size_t api, TimePoint begun, std::size_t bytes_in,
                              std::size_t bytes_out) {
  auto& at = counters(place, api);
  at.times.observe(clock_.now() - begun);
  at.bytes_in.fetch_add(bytes_in, std::memory_order_relaxed);
  at.bytes_out.fetch_add(bytes_out, std::memory_order_relaxed);
}

void RequestMetrics::failed(std::size_t api, const AnswerErrors& errors) {
  const std::lock_guard lock{mutex_};
  for (const auto& [code, count] : errors.found()) errors_[{api, code}] += count;
}

RequestMetrics::Snapshot RequestMetrics::snapshot() const {
  Snapshot snapshot;
  snapshot.apis.resize(apis_);
  for (std::size_t i = 0; i < apis_ * places_; ++i) {
    auto& api = snapshot.apis[i % apis_];
    counters_[i].times.add_to(api.times);
    api.bytes_in += counters_[i].bytes_in.load(std::memory_order_relaxed);
    api.bytes_out += counters_[i].bytes_out.load(std::memory_order_relaxed);
  }
  snapshot.connections = connections_.load(std::memory_order_relaxed);
  snapshot.connections_ever = connections_ever_.load(std::memory_order_relaxed);
  snapshot.refused = refused_.load(std::memory_order_relaxed);
  const std::lock_guard lock{mutex_};
  for (const auto& [key, count] : errors_) snapshot.apis[key.first].errors[key.second] += count;
  return snapshot;
}

}  // namespace millrace
