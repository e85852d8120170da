#include "client/transaction_answers.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace {

std::unexpected<Error> unknown_transaction(std::string_view id) {
  return fail(ErrorCode::kTransactionalIdNotFound, fmt::format("there is no transactional.id \"{}\"", id));
}

Result<void> check_open(const TopicPartition& partition, std::span<const PartitionProducer> now,
                        const PartitionProducer& wanted) {
  const auto found = std::ranges::find(now, wanted.producer, &PartitionProducer::producer);
  const bool is_open = found != now.end() && found->open_from != kNoOffset;
  if (is_open && found->open_from == wanted.open_from && found->epoch == wanted.epoch) return {};
  return fail(ErrorCode::kInvalidTxnState,
              fmt::format("nothing to abort in {}: producer {} {}", partition.to_string(), wanted.producer.value(),
                          is_open ? "has another transaction open by now" : "has no transaction open"));
}

std::int32_t marker_epoch(const PartitionProducer& producer) { return std::max(producer.coordinator_epoch, 0); }

}  // namespace millrace
