#include "broker/producer_ids.h"

#include <utility>

namespace millrace {
namespace {

// As in Kafka: small enough to lose at a crash, large enough that asking is rare.
constexpr std::int64_t kBlock = 1000;

}  // namespace

void ProducerIds::next(InitProducerIdDone done) {
  ProducerIdentity identity;
  {
    const std::lock_guard lock{mutex_};
    if (next_ == end_) {
      waiting_.push_back(std::move(done));
      if (std::exchange(asking_, true)) return;
    } else {
      identity = {.id = take(), .epoch = ProducerEpoch{0}};
    }
  }
  if (identity.id == kNoProducerId) return ask_for_block();
  done(identity);
}

ProducerId ProducerIds::take() {
  const auto id = next_;
  ++next_;
  return id;
}

void ProducerIds::ask_for_block() {
  // The plan runs inside `change`, before the callback can.
  const auto first = std::make_shared<ProducerId>(0);
  cluster_->change(
      [broker = broker_, first](const MetadataImage& latest) -> Result<MetadataRecords> {
        *first = latest.next_producer_id;
        protocol::ProducerIdsRecord record;
        record.broker_id = broker;
        record.broker_epoch = latest.brokers.at(broker).epoch;
        record.next_producer_id = *first + kBlock;
        return MetadataRecords{record};
      },
      [self = shared_from_this(), first](const Result<void>& result) { self->got_block(*first, result); });
}

void ProducerIds::got_block(ProducerId first, const Result<void>& result) {
  std::vector<InitProducerIdDone> waiting;
  std::vector<ProducerIdentity> given;
  bool ask_again = false;
  {
    const std::lock_guard lock{mutex_};
    asking_ = false;
    if (result) {
      next_ = first;
      end_ = first + kBlock;
    }
    waiting.swap(waiting_);
    while (result && given.size() < waiting.size() && next_ < end_) {
      given.push_back({.id = take(), .epoch = ProducerEpoch{0}});
    }
    if (result) {
      for (auto i = given.size(); i < waiting.size(); ++i) waiting_.push_back(std::move(waiting[i]));
      ask_again = !waiting_.empty();
      asking_ = ask_again;
    }
  }
  if (ask_again) ask_for_block();
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (!result) {
      waiting[i](std::unexpected(result.error()));
    } else if (i < given.size()) {
      waiting[i](given[i]);
    }
  }
}

}  // namespace millrace
