#pragma once

#include <deque>
#include <map>
#include <string>

#include "sim/story.h"
#include "sim/transactional_client.h"
#include "sim/watcher.h"

namespace millrace::test {

/// Clients whose transactions span partitions, a compacted topic and committed offsets.
///
/// What was committed is there whole, once and in order; nothing of what was aborted, timed out or left behind is ever
/// shown to a reader of what is committed, and of what is in doubt all or nothing. In the end nothing hangs: such a
/// reader gets to the end of each partition.
class TransactionStory final : public Story {
 public:
  explicit TransactionStory(Machine& machine);

  void prepare() override;
  void use() override;
  void forget() override;
  [[nodiscard]] bool settle() override;
  void check() override;

 private:
  /// Finds whose record it is, which a reader of what is committed sees.
  void note_seen(const std::string& value, const TopicPartition& where);
  [[nodiscard]] Result<std::int64_t> fetch_offset(TransactionalClient& client);
  void trim();
  void decide(TransactionalClient& client) const;
  void check_ledger(const TopicPartition& where, const Reading& reading);
  void check_balances(const Reading& reading);
  void check_offsets(TransactionalClient& client);

  Machine& machine_;
  std::deque<TransactionalClient> clients_;
  std::deque<Watcher> uncommitted_;
  std::deque<Watcher> committed_;
};

}  // namespace millrace::test
