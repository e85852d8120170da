#include "sim/transactional_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <span>

#include "broker/coordinator_topic.h"

namespace millrace::test {
namespace {

using std::chrono::milliseconds;
using Outcome = LedgerTransaction::Outcome;
using Offsets = LedgerTransaction::Offsets;

constexpr std::size_t kMostUnacknowledged = 4;

/// What a client answers by asking again.
bool is_passing(ErrorCode code) {
  constexpr ErrorCode kPassing[] = {ErrorCode::kConcurrentTransactions,  ErrorCode::kCoordinatorLoadInProgress,
                                    ErrorCode::kCoordinatorNotAvailable, ErrorCode::kNotCoordinator,
                                    ErrorCode::kNotEnoughReplicas,       ErrorCode::kRequestTimedOut};
  return std::ranges::find(kPassing, code) != std::end(kPassing);
}

bool is_fencing(ErrorCode code) {
  return code == ErrorCode::kProducerFenced || code == ErrorCode::kInvalidProducerEpoch;
}

}  // namespace

LedgerTransaction* TransactionalClient::transaction_of(std::string_view value) {
  if (!value.starts_with(name_ + ' ')) return nullptr;
  const auto number = static_cast<std::size_t>(std::atoll(std::string{value.substr(name_.size() + 1)}.c_str()));
  return number < transactions_.size() ? &transactions_[number] : nullptr;
}

void TransactionalClient::note_seen(LedgerTransaction& transaction, std::string_view where) const {
  EXPECT_TRUE(transaction.outcome == Outcome::kCommitted || transaction.outcome == Outcome::kInDoubt)
      << where << " shows transaction " << transaction.number << " of " << name_ << ", which "
      << (transaction.outcome == Outcome::kOpen ? "is open" : "was aborted");
  transaction.seen = true;
}

// --- what it does ----------------------------------------------------------------------------------------------------

void TransactionalClient::use() {
  auto& random = machine_.random();
  if (asking_ || machine_.now() < silent_until_) return;
  if (random.one_in(60)) return crash();
  if (!identity_) return init();
  if (ending_) return end();
  if (!is_open_) return random.one_in(30) ? init() : begin();
  switch (random.below(12)) {
    case 0:
      return be_silent();
    case 1:
    case 2:
      return commit_offsets();
    case 3:
    case 4:
    case 5:
      return finish();
    default:
      return write();
  }
}

bool TransactionalClient::settle() {
  if (asking_ || machine_.now() < silent_until_) return false;
  if (!identity_) {
    init();
  } else if (ending_) {
    end();
  } else if (is_open_) {
    finish();
  }
  return identity_ && !is_open_ && !asking_;
}

void TransactionalClient::forget() {
  asking_ = false;
  if (transactions_.empty()) return;
  for (auto& write : current().writes) write.in_flight = false;
  if (current().offsets == Offsets::kInFlight) current().offsets = Offsets::kWanted;
}

TransactionDone TransactionalClient::asking(std::string what, Answer done) {
  asking_ = true;
  return machine_.in_this_life(
      [this, what = name_ + ": " + std::move(what), done = std::move(done)](const TransactionAnswer& answer) {
        asking_ = false;
        if (answer.error == ErrorCode::kNone) return done(answer);
        if (is_passing(answer.error)) return;
        if (is_fencing(answer.error)) return fenced(what);
        machine_.expect_failed_power(what, std::string{name_of(answer.error)});
      });
}

void TransactionalClient::init() {
  auto& random = machine_.random();
  version_ = random.one_in(2) ? kEpochKept : kEpochPerTransaction;
  timeout_ = milliseconds{6000 + random.below(30000)};
  InitTransactions call{.timeout = timeout_};
  // One that goes on as it is may say so: for a new epoch. Whether an older try has succeeded is not remembered.
  if (identity_ && random.one_in(2)) call.expected = identity_;
  if (identity_) older_ = identity_;
  identity_.reset();
  machine_.core().transactions().init(name_, call, asking("init", [this](const TransactionAnswer& answer) {
                                        begun_.reset();
                                        use_identity(answer.producer);
                                        if (older_ && machine_.random().one_in(3)) write_as(*older_);
                                      }));
}

void TransactionalClient::use_identity(const ProducerIdentity& identity) {
  machine_.expect_owner(identity.id, name_);
  if (older_) {
    EXPECT_EQ(identity.id, older_->id) << name_;
    EXPECT_GT(identity.epoch, older_->epoch) << name_;
  }
  identity_ = identity;
  sequences_.clear();
}

void TransactionalClient::begin() {
  transactions_.push_back({.number = static_cast<std::int64_t>(transactions_.size())});
  is_open_ = true;
  claimed_.clear();
  begun_.reset();
}

void TransactionalClient::note_claim() {
  if (!begun_) begun_ = machine_.now();
}

void TransactionalClient::claim(const TopicPartition& partition) {
  note_claim();
  AddToTransaction call{.producer = *identity_, .partitions = {partition}, .version = kEpochKept};
  machine_.core().transactions().add(
      name_, std::move(call),
      asking("add " + partition.to_string(), [this, partition](const auto&) { claimed_.insert(partition); }));
}

void TransactionalClient::write() {
  auto& random = machine_.random();
  send_waiting();
  const auto waiting = std::ranges::count(current().writes, kNoOffset, &LedgerWrite::first_offset);
  if (!is_open_ || !machine_.is_on() || waiting >= static_cast<std::ptrdiff_t>(kMostUnacknowledged)) return;
  const auto place = static_cast<std::int32_t>(random.below(kLedgerPartitions + 1));
  const bool is_balance = place == kLedgerPartitions;
  const TopicPartition to{std::string{is_balance ? kBalances : kLedger}, PartitionIndex{is_balance ? 0 : place}};
  if (is_old() && !claimed_.contains(to)) return claim(to);
  auto& transaction = current();
  LedgerWrite write{.to = to, .values = {}, .first_sequence = sequences_[to]};
  for (auto count = is_balance ? 1 : 1 + random.below(3); count > 0; --count) {
    write.values.push_back(name_ + ' ' + std::to_string(transaction.number) + ' ' + std::to_string(sequences_[to]++) +
                           std::string(random.below(300), '.'));
  }
  transaction.writes.push_back(std::move(write));
  send_waiting();
}

void TransactionalClient::send_waiting() {
  auto& transaction = current();
  for (std::size_t i = 0; i < transaction.writes.size() && is_open_; ++i) {
    auto& write = transaction.writes[i];
    if (write.first_offset == kNoOffset && !write.in_flight) send(i);
  }
}

void TransactionalClient::send(std::size_t index) {
  note_claim();
  auto& write = current().writes[index];
  write.in_flight = true;
  Sending sending{.to = write.to,
                  .records = {},
                  .producer = *identity_,
                  .first_sequence = write.first_sequence,
                  .transactional_id = name_,
                  .support = support()};
  for (const auto& value : write.values) sending.records.push_back({.key = name_, .value = value});
  produce(machine_, sending,
          [this, index, number = current().number, as = *identity_](const Result<AppendInfo>& where) {
            auto& sent = transactions_[static_cast<std::size_t>(number)].writes[index];
            sent.in_flight = false;
            if (where) {
              sent.first_offset = where->base_offset;
              return;
            }
            if (where.error().code() == ErrorCode::kDuplicateSequenceNumber) {
              sent.first_offset = Offset{0};
              transactions_[static_cast<std::size_t>(number)].must_abort = true;
              return;
            }
            // What comes after the end of its transaction tells nothing.
            if (!is_open_ || current().number != number || identity_ != as) return;
            const auto before = std::span{current().writes}.first(index);
            const bool is_behind = std::ranges::any_of(before, [&](const LedgerWrite& earlier) {
              return earlier.to == sent.to && earlier.first_offset == kNoOffset;
            });
            // It is sent again behind the one that was refused before it.
            if (is_behind && where.error().code() == ErrorCode::kOutOfOrderSequenceNumber) return;
            refused("writing to " + sent.to.to_string() + " (" + where.error().message() + ")", where.error().code());
          });
}

void TransactionalClient::refused(const std::string& what, ErrorCode code) {
  if (is_passing(code)) return;
  if (is_fencing(code)) return fenced(what);
  machine_.expect_failed_power(name_ + ": " + what, std::string{name_of(code)});
}

void TransactionalClient::commit_offsets() {
  auto& transaction = current();
  if (transaction.offsets == Offsets::kInFlight || transaction.offsets == Offsets::kStored) return;
  const auto partition = machine_.core().groups().partition_of(group());
  if (!partition) return refused("looking for its group", partition.error().code());
  const TopicPartition where{std::string{kConsumerOffsetsTopic}, *partition};
  if (is_old() && !claimed_.contains(where)) return claim(where);
  note_claim();
  transaction.offsets = Offsets::kInFlight;
  CommitOffsets call;
  call.group = group();
  call.offsets.push_back(
      {.topic = {.name = std::string{kLedger}}, .partition = PartitionIndex{0}, .offset = Offset{transaction.number}});
  call.transaction = OffsetsTransaction{.producer = *identity_};
  machine_.core().commit_offsets_in_transaction(
      name_, std::move(call), support(),
      machine_.in_this_life([this, number = transaction.number, as = *identity_](const std::vector<ErrorCode>& codes) {
        auto& asked = transactions_[static_cast<std::size_t>(number)];
        asked.offsets = codes.front() == ErrorCode::kNone ? Offsets::kStored : Offsets::kWanted;
        if (asked.offsets == Offsets::kStored || !is_open_ || current().number != number || identity_ != as) return;
        refused("committing offsets", codes.front());
      }));
}

// --- how transactions end --------------------------------------------------------------------------------------------

bool TransactionalClient::waits_for_answers() const {
  const auto& transaction = transactions_.back();
  return transaction.offsets == Offsets::kInFlight || transaction.offsets == Offsets::kWanted ||
         std::ranges::any_of(transaction.writes, [](const auto& write) { return write.first_offset == kNoOffset; });
}

bool TransactionalClient::has_something() const {
  const auto& transaction = transactions_.back();
  return !claimed_.empty() || !transaction.writes.empty() || transaction.offsets == Offsets::kStored;
}

void TransactionalClient::finish() {
  auto& transaction = current();
  if (waits_for_answers()) {
    if (!is_old() && machine_.random().one_in(8)) {
      // It need not know what became of what it takes back.
      ending_ = TransactionEnd::kAbort;
      return end();
    }
    if (transaction.offsets == Offsets::kWanted) return commit_offsets();
    return send_waiting();
  }
  if (!has_something()) return begun_ ? write() : drop();
  ending_ = transaction.must_abort || machine_.random().one_in(3) ? TransactionEnd::kAbort : TransactionEnd::kCommit;
  end();
}

void TransactionalClient::end() {
  auto& transaction = current();
  const bool commits = *ending_ == TransactionEnd::kCommit;
  if (commits) transaction.outcome = Outcome::kInDoubt;
  const EndTransaction call{.producer = *identity_, .end = *ending_, .version = version_};
  machine_.core().transactions().end(
      name_, call, asking(commits ? "commit" : "abort", [this, commits, &transaction](const TransactionAnswer& answer) {
        transaction.outcome = commits ? Outcome::kCommitted : Outcome::kAborted;
        if (is_old()) {
          EXPECT_EQ(answer.producer, *identity_) << name_;
        } else {
          older_ = identity_;
          use_identity(answer.producer);
        }
        drop();
      }));
}

void TransactionalClient::drop() {
  if (current().outcome == Outcome::kOpen) current().outcome = Outcome::kAborted;
  is_open_ = false;
  ending_.reset();
  claimed_.clear();
}

void TransactionalClient::crash() {
  if (is_open_) drop();
  if (identity_) older_ = identity_;
  identity_.reset();
  init();
}

void TransactionalClient::be_silent() {
  if (!begun_ || !machine_.random().one_in(4)) return;
  silent_until_ = machine_.now() + timeout_ + milliseconds{1000};
}

void TransactionalClient::fenced(const std::string& by) {
  if (!machine_.is_on()) return;
  EXPECT_TRUE(begun_ && machine_.now() >= *begun_ + timeout_) << name_ << " was fenced without a cause: " << by;
  if (is_open_) {
    // Nobody else uses its id: had it been committed, the coordinator would have said so again.
    if (current().outcome == Outcome::kInDoubt) current().outcome = Outcome::kAborted;
    drop();
  }
  if (identity_) older_ = identity_;
  identity_.reset();
}

void TransactionalClient::write_as(const ProducerIdentity& older) {
  const TopicPartition to{std::string{kLedger}, PartitionIndex{0}};
  const Sending sending{.to = to,
                        .records = {{.key = name_, .value = "a zombie of " + name_}},
                        .producer = older,
                        .first_sequence = 0,
                        .transactional_id = name_,
                        .support = support()};
  produce(machine_, sending, [this](const Result<AppendInfo>& where) {
    EXPECT_FALSE(where) << "an older self of " << name_ << " has written at offset " << where->base_offset.value();
  });
}

}  // namespace millrace::test
