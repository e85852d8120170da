#include "coordinator/transaction.h"

#include <algorithm>
#include <array>
#include <limits>

namespace millrace {
namespace {

using std::chrono::milliseconds;

// The last epochs of a producer id: one is kept for fencing, and one for the marker of that.
constexpr std::int16_t kMaxEpoch = std::numeric_limits<std::int16_t>::max();
constexpr std::int16_t kExhausted = kMaxEpoch - 1;
// How long a call waits for the change before it: longer than markers take, shorter than any client waits.
constexpr milliseconds kMostWait{1000};
constexpr milliseconds kRetryStore{1000};

constexpr std::array<std::string_view, 8> kStateNames = {
    "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead", "PrepareEpochFence",
};

ProducerEpoch epoch_plus(ProducerEpoch epoch, int by) {
  return ProducerEpoch{static_cast<std::int16_t>(std::min<int>(epoch.value() + by, kMaxEpoch))};
}

Timestamp wall_of(std::int64_t unix_ms) { return Timestamp{milliseconds{unix_ms}}; }

bool is_commit(TransactionEnd end) { return end == TransactionEnd::kCommit; }

}  // namespace

std::string_view name_of(TransactionState state) { return kStateNames.at(static_cast<std::size_t>(state)); }

std::optional<TransactionState> transaction_state_of(std::string_view name) {
  const auto found = std::ranges::find(kStateNames, name);
  if (found == kStateNames.end()) return std::nullopt;
  return static_cast<TransactionState>(found - kStateNames.begin());
}

// --- what is written down --------------------------------------------------------------------------------------------

Transaction Transaction::restore(std::string id, const protocol::TransactionLogValue& value, CoordinatorTime time) {
  Transaction restored{std::move(id)};
  auto& data = restored.data_;
  data.producer = {.id = value.producer_id, .epoch = value.producer_epoch};
  data.previous = value.previous_producer_id;
  data.next = value.next_producer_id;
  data.timeout = milliseconds{value.transaction_timeout_ms};
  const auto known =
      value.transaction_status >= 0 && static_cast<std::size_t>(value.transaction_status) < kStateNames.size();
  data.state = known ? static_cast<TransactionState>(value.transaction_status) : TransactionState::kDead;
  for (const auto& topic : value.transaction_partitions.value_or(std::vector<protocol::TransactionPartitions>{})) {
    for (const auto partition : topic.partition_ids) data.partitions.insert({topic.topic, partition});
  }
  data.started = wall_of(value.transaction_start_timestamp_ms);
  data.updated = wall_of(value.transaction_last_update_timestamp_ms);
  data.version = value.client_transaction_version;
  if (restored.is_preparing()) {
    restored.unmarked_ = data.partitions;
    // One without partitions is completed at once.
    if (data.partitions.empty()) restored.retry_ = time.now;
  }
  restored.watch_time_out(time);
  return restored;
}

protocol::TransactionRecord Transaction::record_of(const TransactionData& data) const {
  protocol::TransactionRecord record;
  record.key.transactional_id = id_;
  auto& value = record.value.emplace();
  value.producer_id = data.producer.id;
  value.producer_epoch = data.producer.epoch;
  value.previous_producer_id = data.previous;
  value.next_producer_id = data.next;
  value.transaction_timeout_ms = static_cast<std::int32_t>(data.timeout.count());
  value.transaction_status = static_cast<std::int8_t>(data.state);
  if (data.state != TransactionState::kEmpty) {
    auto& topics = value.transaction_partitions.emplace();
    for (const auto& partition : data.partitions) {
      if (topics.empty() || topics.back().topic != partition.topic) topics.push_back({partition.topic, {}});
      topics.back().partition_ids.push_back(partition.partition);
    }
  }
  value.transaction_last_update_timestamp_ms = data.updated.time_since_epoch().count();
  value.transaction_start_timestamp_ms = data.started.time_since_epoch().count();
  value.client_transaction_version = data.version;
  return record;
}

TransactionMarker Transaction::marker() const {
  return {.producer = data_.producer.id,
          .epoch = data_.producer.epoch,
          .end = data_.state == TransactionState::kPrepareCommit ? TransactionEnd::kCommit : TransactionEnd::kAbort};
}

bool Transaction::is_exhausted() const { return data_.producer.epoch.value() >= kExhausted; }

bool Transaction::is_expired(Timestamp now, milliseconds after) const {
  const bool at_rest = data_.state == TransactionState::kEmpty || data_.state == TransactionState::kCompleteCommit ||
                       data_.state == TransactionState::kCompleteAbort || data_.state == TransactionState::kDead;
  return at_rest && !changing_ && waiting_.empty() && now - data_.updated >= after;
}

// --- calls -----------------------------------------------------------------------------------------------------------

TransactionActions Transaction::init(TransactionRequestId request, InitTransactions call, CoordinatorTime time) {
  return run(request, call, time);
}

TransactionActions Transaction::add(TransactionRequestId request, AddToTransaction call, CoordinatorTime time) {
  return run(request, std::move(call), time);
}

TransactionActions Transaction::end(TransactionRequestId request, EndTransaction call, CoordinatorTime time) {
  return run(request, call, time);
}

TransactionActions Transaction::run(TransactionRequestId request, auto call, CoordinatorTime time) {
  Actions actions;
  if (attempt(request, call, time, actions) == Outcome::kWaits) {
    waiting_.push_back({request, std::move(call), time.now + kMostWait});
  }
  return actions;
}

void Transaction::resume(CoordinatorTime time, Actions& actions) {
  auto waiting = std::exchange(waiting_, {});
  for (auto& one : waiting) {
    const auto outcome = std::visit([&](auto& call) { return attempt(one.request, call, time, actions); }, one.call);
    if (outcome == Outcome::kWaits) waiting_.push_back(std::move(one));
  }
}

bool Transaction::has_fresh_id(Actions& actions) {
  if (fresh_ != kNoProducerId) return true;
  if (!std::exchange(asked_for_id_, true)) actions.wants_producer_id = true;
  return false;
}

Transaction::Outcome Transaction::attempt(TransactionRequestId request, InitTransactions& call, CoordinatorTime time,
                                          Actions& actions) {
  const auto refuse = [&](ErrorCode error) {
    actions.answers.push_back({request, {.error = error, .producer = {}}});
    return Outcome::kDone;
  };
  if (changing_ || is_preparing()) return Outcome::kWaits;
  const auto& current = data_.producer;
  const auto& expected = call.expected;
  const bool is_new = current.epoch == kNoProducerEpoch;
  const bool rotated = expected && expected->id == data_.previous && expected->epoch.value() >= kExhausted;
  if (expected && !is_new && expected->id != current.id && !rotated) return refuse(ErrorCode::kProducerFenced);
  if (data_.state == TransactionState::kOngoing) {
    if (expected && expected->epoch != current.epoch) return refuse(ErrorCode::kProducerFenced);
    fence(time, actions);
    // It asks for the epoch behind the one that fences the transaction.
    if (expected) call.expected = changing_->producer;
    return Outcome::kWaits;
  }
  const bool rotate = is_exhausted() && (!expected || expected->epoch == current.epoch);
  if ((current.id == kNoProducerId || rotate) && !has_fresh_id(actions)) return Outcome::kWaits;

  auto next = data_;
  next.previous = current.id;
  next.last_epoch = expected ? current.epoch : kNoProducerEpoch;
  if (current.id == kNoProducerId || rotate) {
    next.producer = {.id = std::exchange(fresh_, kNoProducerId), .epoch = ProducerEpoch{0}};
  } else if (!expected || is_new || expected->epoch == current.epoch) {
    next.producer.epoch = epoch_plus(current.epoch, 1);
  } else if (expected->epoch == data_.last_epoch) {
    // A retry of a call that has succeeded.
    next.last_epoch = data_.last_epoch;
    next.previous = data_.previous;
  } else {
    return refuse(ErrorCode::kProducerFenced);
  }
  next.state = TransactionState::kEmpty;
  next.partitions.clear();
  next.timeout = call.timeout;
  next.started = kNoTimestamp;
  next.updated = time.wall;
  change(std::move(next), request, actions);
  return Outcome::kDone;
}

Transaction::Outcome Transaction::attempt(TransactionRequestId request, AddToTransaction& call, CoordinatorTime time,
                                          Actions& actions) {
  if (changing_) return Outcome::kWaits;
  auto error = ErrorCode::kNone;
  if (data_.producer.id != call.producer.id) {
    error = ErrorCode::kInvalidProducerIdMapping;
  } else if (data_.producer.epoch != call.producer.epoch) {
    error = ErrorCode::kProducerFenced;
  } else if (is_preparing()) {
    return Outcome::kWaits;
  }
  const bool is_open = data_.state == TransactionState::kOngoing;
  const bool is_in = is_open && std::ranges::includes(data_.partitions, call.partitions);
  if (error != ErrorCode::kNone || is_in) {
    actions.answers.push_back({request, {.error = error, .producer = data_.producer}});
    return Outcome::kDone;
  }
  auto next = data_;
  next.state = TransactionState::kOngoing;
  next.partitions.insert(call.partitions.begin(), call.partitions.end());
  if (!is_open) next.started = time.wall;
  next.updated = time.wall;
  next.version = call.version;
  change(std::move(next), request, actions);
  return Outcome::kDone;
}

ErrorCode Transaction::verify(const ProducerIdentity& producer, const TopicPartition& partition) const {
  if (data_.producer.id != producer.id) return ErrorCode::kInvalidProducerIdMapping;
  if (data_.producer.epoch != producer.epoch) return ErrorCode::kProducerFenced;
  if (is_preparing()) return ErrorCode::kConcurrentTransactions;
  const bool is_in = data_.state == TransactionState::kOngoing && data_.partitions.contains(partition);
  return is_in ? ErrorCode::kNone : ErrorCode::kTransactionAbortable;
}

Transaction::Outcome Transaction::attempt(TransactionRequestId request, EndTransaction& call, CoordinatorTime time,
                                          Actions& actions) {
  if (changing_) return Outcome::kWaits;
  const auto answer = [&](ErrorCode error) {
    const auto told = error == ErrorCode::kNone ? data_.producer : ProducerIdentity{};
    actions.answers.push_back({request, {.error = error, .producer = told}});
    return Outcome::kDone;
  };
  const auto& current = data_.producer;
  const bool bumps = call.version >= kEpochPerTransaction;
  const bool rotated = bumps && current.id != call.producer.id && data_.previous == call.producer.id &&
                       call.producer.epoch.value() == kExhausted && current.epoch.value() == 0;
  if (current.id != call.producer.id && !rotated) return answer(ErrorCode::kInvalidProducerIdMapping);
  // With an epoch for each transaction, the one before is that of the transaction that has just been ended.
  const bool again = rotated || (bumps && call.producer.epoch.value() == current.epoch.value() - 1);
  const bool is_current = !rotated && call.producer.epoch == current.epoch;
  // Without one, whoever ended it may still show the same.
  const auto repeated = [&](TransactionEnd done) {
    if (call.end == done && (again || !bumps)) return answer(ErrorCode::kNone);
    // A producer that has written nothing yet may abort, which gives it the next epoch.
    if (bumps && !again && !is_commit(call.end)) {
      if (is_exhausted() && !has_fresh_id(actions)) return Outcome::kWaits;
      prepare(call, request, time, actions);
      return Outcome::kDone;
    }
    return answer(ErrorCode::kInvalidTxnState);
  };
  if (!is_current && (!again || data_.state == TransactionState::kOngoing)) return answer(ErrorCode::kProducerFenced);
  switch (data_.state) {
    case TransactionState::kOngoing:
      if (bumps && is_exhausted() && !has_fresh_id(actions)) return Outcome::kWaits;
      prepare(call, request, time, actions);
      return Outcome::kDone;
    case TransactionState::kPrepareCommit:
      return is_commit(call.end) ? Outcome::kWaits : answer(ErrorCode::kInvalidTxnState);
    case TransactionState::kPrepareAbort:
      return is_commit(call.end) ? answer(ErrorCode::kInvalidTxnState) : Outcome::kWaits;
    case TransactionState::kCompleteCommit:
      return repeated(TransactionEnd::kCommit);
    case TransactionState::kCompleteAbort:
      return repeated(TransactionEnd::kAbort);
    case TransactionState::kEmpty:
      // Nothing was ended before.
      if (again) return answer(ErrorCode::kProducerFenced);
      return repeated(TransactionEnd::kUnknown);
    case TransactionState::kDead:
    case TransactionState::kPrepareEpochFence:
      break;
  }
  return answer(ErrorCode::kInvalidTxnState);
}

// --- changes ---------------------------------------------------------------------------------------------------------

void Transaction::change(TransactionData next, std::optional<TransactionRequestId> asker, Actions& actions) {
  changing_ = std::move(next);
  asker_ = asker;
  actions.store = changing_;
}

void Transaction::prepare(const EndTransaction& call, TransactionRequestId request, CoordinatorTime time,
                          Actions& actions) {
  auto next = data_;
  next.state = is_commit(call.end) ? TransactionState::kPrepareCommit : TransactionState::kPrepareAbort;
  next.previous = data_.producer.id;
  next.version = call.version;
  if (call.version >= kEpochPerTransaction) {
    if (is_exhausted()) next.next = std::exchange(fresh_, kNoProducerId);
    next.last_epoch = data_.producer.epoch;
    next.producer.epoch = epoch_plus(data_.producer.epoch, 1);
  }
  if (data_.state != TransactionState::kOngoing) {
    next.partitions.clear();
    next.started = time.wall;
  }
  next.updated = time.wall;
  change(std::move(next), request, actions);
}

void Transaction::fence(CoordinatorTime time, Actions& actions) {
  auto next = data_;
  next.state = TransactionState::kPrepareAbort;
  next.previous = data_.producer.id;
  next.last_epoch = kNoProducerEpoch;
  // By two, where the epoch before is taken for a retry of the end.
  next.producer.epoch = epoch_plus(data_.producer.epoch, data_.version >= kEpochPerTransaction ? 2 : 1);
  next.updated = time.wall;
  times_out_.reset();
  change(std::move(next), std::nullopt, actions);
}

void Transaction::complete(CoordinatorTime time, Actions& actions) {
  auto next = data_;
  next.state = data_.state == TransactionState::kPrepareCommit ? TransactionState::kCompleteCommit
                                                               : TransactionState::kCompleteAbort;
  next.partitions.clear();
  if (data_.next != kNoProducerId) {
    next.previous = data_.producer.id;
    next.producer = {.id = data_.next, .epoch = ProducerEpoch{0}};
    next.next = kNoProducerId;
  }
  next.updated = time.wall;
  change(std::move(next), std::nullopt, actions);
}

void Transaction::watch_time_out(CoordinatorTime time) {
  times_out_.reset();
  if (data_.state == TransactionState::kOngoing) times_out_ = time.now + (data_.started + data_.timeout - time.wall);
}

TransactionActions Transaction::stored(ErrorCode error, CoordinatorTime time) {
  Actions actions;
  if (!changing_) return actions;
  auto next = *std::exchange(changing_, std::nullopt);
  const auto asker = std::exchange(asker_, std::nullopt);
  if (error != ErrorCode::kNone) {
    // What waited would fail for the same reason.
    actions = end_waits(error);
    if (asker) actions.answers.push_back({*asker, {.error = error, .producer = {}}});
    // Nobody asks for these again.
    if (!asker) retry_ = time.now + kRetryStore;
    return actions;
  }
  data_ = std::move(next);
  watch_time_out(time);
  if (asker) {
    auto told = data_.producer;
    if (is_preparing() && data_.next != kNoProducerId) told = {.id = data_.next, .epoch = ProducerEpoch{0}};
    actions.answers.push_back({*asker, {.error = ErrorCode::kNone, .producer = told}});
  }
  if (is_preparing()) {
    unmarked_ = data_.partitions;
    actions.markers.assign(unmarked_.begin(), unmarked_.end());
    if (unmarked_.empty()) complete(time, actions);
    return actions;
  }
  resume(time, actions);
  return actions;
}

TransactionActions Transaction::marked(const TopicPartition& partition, CoordinatorTime time) {
  Actions actions;
  if (unmarked_.erase(partition) > 0 && unmarked_.empty() && !changing_) complete(time, actions);
  return actions;
}

TransactionActions Transaction::use_producer_id(const Result<ProducerId>& fresh, CoordinatorTime time) {
  Actions actions;
  asked_for_id_ = false;
  if (fresh) {
    fresh_ = *fresh;
    resume(time, actions);
    return actions;
  }
  // Whoever waits for one is told to ask again.
  return end_waits(ErrorCode::kCoordinatorNotAvailable);
}

TransactionActions Transaction::on_timer(CoordinatorTime time) {
  Actions actions;
  const auto is_over = [&](const Waiting& one) { return one.until <= time.now; };
  for (const auto& one : waiting_) {
    if (is_over(one)) {
      actions.answers.push_back({one.request, {.error = ErrorCode::kConcurrentTransactions, .producer = {}}});
    }
  }
  std::erase_if(waiting_, is_over);
  if (changing_) return actions;
  if (retry_ && *retry_ <= time.now) {
    retry_.reset();
    if (is_preparing() && unmarked_.empty()) complete(time, actions);
    if (data_.state == TransactionState::kOngoing && !times_out_) watch_time_out(time);
  }
  if (!changing_ && times_out_ && *times_out_ <= time.now) fence(time, actions);
  return actions;
}

std::optional<TimePoint> Transaction::next_timer() const {
  std::optional<TimePoint> next;
  const auto consider = [&next](TimePoint when) { next = next ? std::min(*next, when) : when; };
  for (const auto& one : waiting_) consider(one.until);
  if (changing_) return next;
  if (times_out_) consider(*times_out_);
  if (retry_) consider(*retry_);
  return next;
}

TransactionActions Transaction::end_waits(ErrorCode error) {
  Actions actions;
  for (const auto& one : std::exchange(waiting_, {})) {
    actions.answers.push_back({one.request, {.error = error, .producer = {}}});
  }
  return actions;
}

}  // namespace millrace
