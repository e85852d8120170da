#include "sim/transaction_story.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <span>

namespace millrace::test {
namespace {

TopicPartition ledger_at(std::int32_t index) { return {std::string{kLedger}, PartitionIndex{index}}; }
const TopicPartition kBalancesPartition{std::string{kBalances}, PartitionIndex{0}};

bool is_committed(const LedgerTransaction& transaction) {
  return transaction.outcome == LedgerTransaction::Outcome::kCommitted;
}

/// The number of the newest committed transaction that `wrote` holds for; -1: none.
std::int64_t newest_committed(const std::deque<LedgerTransaction>& transactions,
                              const std::function<bool(const LedgerTransaction&)>& wrote) {
  std::int64_t newest = -1;
  for (const auto& transaction : transactions) {
    if (is_committed(transaction) && wrote(transaction)) newest = transaction.number;
  }
  return newest;
}

}  // namespace

TransactionStory::TransactionStory(Machine& machine) : machine_(machine) {
  for (const auto* name : {"alice", "bob", "carol"}) clients_.emplace_back(machine, name);
  const auto watch = [&](const TopicPartition& where) {
    committed_.emplace_back(machine, where, Isolation::kCommitted,
                            [this, where](const std::string& value) { note_seen(value, where); });
  };
  for (std::int32_t i = 0; i < kLedgerPartitions; ++i) {
    uncommitted_.emplace_back(machine, ledger_at(i), Isolation::kHighWatermark);
    watch(ledger_at(i));
  }
}

void TransactionStory::prepare() {
  machine_.create_topic(std::string{kLedger}, kLedgerPartitions, {{"retention.ms", "-1"}});
  machine_.create_topic(std::string{kBalances}, 1,
                        {{"cleanup.policy", "compact"},
                         {"min.cleanable.dirty.ratio", "0"},
                         {"delete.retention.ms", "20000"},
                         {"segment.bytes", "1500"}});
}

void TransactionStory::use() {
  auto& random = machine_.random();
  const auto any = [&](auto& some) -> auto& { return some[random.below(some.size())]; };
  switch (random.below(16)) {
    case 0:
    case 1:
      return any(uncommitted_).look();
    case 2:
    case 3:
      return any(committed_).look();
    case 4:
      (void)fetch_offset(any(clients_));
      return;
    case 5:
      if (random.one_in(8)) trim();
      return;
    default:
      return any(clients_).use();
  }
}

void TransactionStory::forget() {
  for (auto& client : clients_) client.forget();
  for (auto& watcher : uncommitted_) watcher.forget();
  for (auto& watcher : committed_) watcher.forget();
}

bool TransactionStory::settle() {
  bool is_settled = true;
  for (auto& client : clients_) {
    const bool is_done = client.settle();
    const auto found = machine_.core().transactions().describe(client.name());
    // The decision is told before the markers are written.
    const bool has_markers = found && found->data.state != TransactionState::kPrepareCommit &&
                             found->data.state != TransactionState::kPrepareAbort;
    is_settled = is_settled && is_done && has_markers;
  }
  return is_settled;
}

void TransactionStory::trim() {
  const auto where = ledger_at(static_cast<std::int32_t>(machine_.random().below(kLedgerPartitions)));
  const auto high = position_of(machine_, where, OffsetKind::kLatest, Isolation::kHighWatermark);
  if (!high || *high < Offset{1}) return;
  const Offset before{static_cast<std::int64_t>(machine_.random().below(static_cast<std::uint64_t>(high->value())))};
  (void)machine_.core().delete_records({.name = where.topic}, where.partition, before);
}

// --- what must hold --------------------------------------------------------------------------------------------------

void TransactionStory::note_seen(const std::string& value, const TopicPartition& where) {
  for (auto& client : clients_) {
    if (auto* transaction = client.transaction_of(value)) return client.note_seen(*transaction, where.to_string());
  }
  ADD_FAILURE() << where.to_string() << " shows what nobody has written: " << value;
}

Result<std::int64_t> TransactionStory::fetch_offset(TransactionalClient& client) {
  const PartitionRef wanted{.topic = {.name = std::string{kLedger}}, .partition = PartitionIndex{0}};
  MILLRACE_TRY(fetched, machine_.core().groups().fetch_offsets(client.group(), std::span{&wanted, 1}));
  const auto number = fetched.front().offset.offset.value();
  if (number >= 0) client.note_seen(client.transactions().at(static_cast<std::size_t>(number)), client.group());
  return number;
}

void TransactionStory::check() {
  std::deque<Reading> ledger;
  for (std::int32_t i = 0; i < kLedgerPartitions; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const auto everything = uncommitted_[at].check();
    ledger.push_back(committed_[at].check());
    EXPECT_EQ(ledger.back().end, everything.end) << "a transaction hangs in " << ledger_at(i).to_string();
  }
  const auto balances = read_whole(machine_, kBalancesPartition, Isolation::kCommitted);
  const auto high = position_of(machine_, kBalancesPartition, OffsetKind::kLatest, Isolation::kHighWatermark);
  EXPECT_EQ(balances.end, high.value_or(kNoOffset)) << "a transaction hangs in " << kBalances;
  for (const auto& [offset, value] : balances.values) note_seen(value, kBalancesPartition);
  for (auto& client : clients_) (void)fetch_offset(client);
  if (testing::Test::HasFailure()) return;

  for (auto& client : clients_) decide(client);
  for (std::int32_t i = 0; i < kLedgerPartitions; ++i) check_ledger(ledger_at(i), ledger[static_cast<std::size_t>(i)]);
  check_balances(balances);
  for (auto& client : clients_) check_offsets(client);
}

void TransactionStory::decide(TransactionalClient& client) const {
  for (auto& transaction : client.transactions()) {
    auto& outcome = transaction.outcome;
    if (outcome != LedgerTransaction::Outcome::kInDoubt) continue;
    outcome = transaction.seen ? LedgerTransaction::Outcome::kCommitted : LedgerTransaction::Outcome::kAborted;
  }
}

void TransactionStory::check_ledger(const TopicPartition& where, const Reading& reading) {
  std::map<Offset, std::string> expected;
  for (auto& client : clients_) {
    for (const auto& transaction : client.transactions()) {
      if (!is_committed(transaction)) continue;
      for (const auto& write : transaction.writes) {
        if (write.to != where) continue;
        for (std::size_t i = 0; i < write.values.size(); ++i) {
          const auto offset = write.first_offset + static_cast<std::int64_t>(i);
          if (offset >= reading.start) expected.emplace(offset, write.values[i]);
        }
      }
    }
  }
  for (const auto& [offset, value] : expected) {
    const auto found = reading.values.find(offset);
    EXPECT_TRUE(found != reading.values.end() && found->second == value)
        << where.to_string() << " lacks what was committed at offset " << offset.value() << ": " << value;
  }
  for (const auto& [offset, value] : reading.values) {
    EXPECT_TRUE(expected.contains(offset))
        << where.to_string() << " shows what was not committed at offset " << offset.value() << ": " << value;
  }
}

void TransactionStory::check_balances(const Reading& reading) {
  for (auto& client : clients_) {
    std::int64_t found = -1;
    for (const auto& [offset, value] : reading.values) {
      if (const auto* transaction = client.transaction_of(value)) found = transaction->number;
    }
    const auto wrote = [](const LedgerTransaction& transaction) {
      return std::ranges::any_of(transaction.writes, [](const auto& write) { return write.to == kBalancesPartition; });
    };
    EXPECT_EQ(found, newest_committed(client.transactions(), wrote)) << "the balance of " << client.name();
  }
}

void TransactionStory::check_offsets(TransactionalClient& client) {
  const auto offset = fetch_offset(client);
  ASSERT_TRUE(offset) << offset.error().message();
  const auto wrote = [](const LedgerTransaction& transaction) {
    return transaction.offsets == LedgerTransaction::Offsets::kStored;
  };
  EXPECT_EQ(*offset, newest_committed(client.transactions(), wrote)) << "the offset of " << client.group();
}

}  // namespace millrace::test
