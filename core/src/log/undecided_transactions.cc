#include "log/undecided_transactions.h"

#include <algorithm>

namespace millrace {

void UndecidedTransactions::begin(ProducerId producer, const DurablePosition& first) {
  if (first_of_.try_emplace(producer.value(), first.offset).second) open_.emplace(first.offset, first);
}

void UndecidedTransactions::end(ProducerId producer, Offset marker) {
  const auto known = first_of_.find(producer.value());
  if (known == first_of_.end()) return;
  const auto first = known->second;
  first_of_.erase(known);
  ended_.insert(open_.extract(first));
  markers_.push_back({.marker = marker, .first = first});
}

void UndecidedTransactions::decide_up_to(Offset high_watermark) {
  for (; !markers_.empty() && markers_.front().marker < high_watermark; markers_.pop_front()) {
    ended_.erase(markers_.front().first);
  }
}

std::optional<DurablePosition> UndecidedTransactions::first() const {
  if (open_.empty() && ended_.empty()) return std::nullopt;
  if (open_.empty()) return ended_.begin()->second;
  if (ended_.empty()) return open_.begin()->second;
  return std::min(open_.begin()->second, ended_.begin()->second);
}

std::optional<Offset> UndecidedTransactions::first_open() const {
  if (open_.empty()) return std::nullopt;
  return open_.begin()->first;
}

}  // namespace millrace
