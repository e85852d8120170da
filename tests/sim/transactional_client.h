#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sim/machine.h"

namespace millrace::test {

/// Where transactions write: a topic of two partitions,
inline constexpr std::string_view kLedger = "ledger";
inline constexpr std::int32_t kLedgerPartitions = 2;
/// and a compacted one that keeps the number of each client's newest transaction.
inline constexpr std::string_view kBalances = "balances";

/// A batch of a transaction.
struct LedgerWrite {
  TopicPartition to;
  std::vector<std::string> values;
  std::int32_t first_sequence = 0;
  bool in_flight = false;
  /// None until it is acknowledged.
  Offset first_offset = kNoOffset;
};

/// What a client knows of one of its transactions.
struct LedgerTransaction {
  enum class Outcome : std::uint8_t {
    kOpen,     ///< nobody has asked to commit it
    kInDoubt,  ///< it was asked to commit and has no answer
    kCommitted,
    kAborted,
  };
  enum class Offsets : std::uint8_t { kNone, kWanted, kInFlight, kStored };

  std::int64_t number = 0;
  std::vector<LedgerWrite> writes = {};
  /// Those of the client's group: the transaction's number.
  Offsets offsets = Offsets::kNone;
  Outcome outcome = Outcome::kOpen;
  /// A batch is stored, but nobody says where: what cannot be checked is not committed.
  bool must_abort = false;
  /// Somebody who reads what is committed has seen some of it.
  bool seen = false;
};

/// A transactional producer with a group of its own whose offsets it commits in its transactions. It outlives the
/// broker, and does what a well-behaved client does: what was not answered it asks again, it commits only what was
/// acknowledged, and begins anew when it is fenced. By chance it follows the older rules or the newer ones (KIP-890),
/// forgets what it was doing, as one that was killed, or falls silent until its transaction has timed out.
///
/// It fails the test when it is fenced without a cause, when an epoch does not grow, or when an older self can write.
class TransactionalClient {
 public:
  /// `name` has no space in it.
  TransactionalClient(Machine& machine, std::string name) : machine_(machine), name_(std::move(name)) {}

  void use();
  /// The broker has died.
  void forget();
  /// One step towards having no transaction open; true when it has none.
  [[nodiscard]] bool settle();

  /// Its transactions, by number. Of each value of a record, the transaction; null for another client's.
  [[nodiscard]] std::deque<LedgerTransaction>& transactions() { return transactions_; }
  [[nodiscard]] LedgerTransaction* transaction_of(std::string_view value);
  /// A reader of what is committed has seen a sign of it.
  void note_seen(LedgerTransaction& transaction, std::string_view where) const;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string group() const { return name_ + "-group"; }

 private:
  using Answer = std::function<void(const TransactionAnswer&)>;

  [[nodiscard]] LedgerTransaction& current() { return transactions_.back(); }
  [[nodiscard]] bool is_old() const { return version_ < kEpochPerTransaction; }
  [[nodiscard]] TransactionSupport support() const {
    return is_old() ? TransactionSupport::kVerify : TransactionSupport::kAdd;
  }
  /// `done` is told what is answered, but of a refusal that passes.
  [[nodiscard]] TransactionDone asking(std::string what, Answer done);

  void init();
  void begin();
  void write();
  void send_waiting();
  void send(std::size_t index);
  void commit_offsets();
  /// By the older rules, before the first write to a partition.
  void claim(const TopicPartition& partition);
  void finish();
  void end();
  void drop();
  /// It forgets what it was doing.
  void crash();
  void be_silent();
  /// Another has its id, or the transaction has timed out; only the latter can be.
  void fenced(const std::string& by);
  /// A refused write or offset of the current transaction.
  void refused(const std::string& what, ErrorCode code);
  void use_identity(const ProducerIdentity& identity);
  void write_as(const ProducerIdentity& older);
  void note_claim();
  [[nodiscard]] bool waits_for_answers() const;
  [[nodiscard]] bool has_something() const;

  Machine& machine_;
  const std::string name_;
  std::int16_t version_ = kEpochKept;
  std::chrono::milliseconds timeout_{};
  std::optional<ProducerIdentity> identity_;
  /// It was before.
  std::optional<ProducerIdentity> older_;
  std::map<TopicPartition, std::int32_t> sequences_;

  std::deque<LedgerTransaction> transactions_;
  bool is_open_ = false;
  std::optional<TransactionEnd> ending_;
  std::set<TopicPartition> claimed_;
  /// When the coordinator can have heard of the transaction first.
  std::optional<TimePoint> begun_;
  bool asking_ = false;
  TimePoint silent_until_{};
};

}  // namespace millrace::test
