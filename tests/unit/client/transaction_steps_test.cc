// Which call of a transaction may come next.

#include "client/transaction_steps.h"

#include <gmock/gmock.h>

#include "support/must.h"

namespace millrace::test {
namespace {

using ::testing::HasSubstr;

TransactionSteps open_transaction() {
  TransactionSteps steps{"till-1"};
  must(steps.may_init());
  steps.done();
  must(steps.begin());
  return steps;
}

TEST(TransactionSteps, GoRoundFromBeginToCommit) {
  auto steps = open_transaction();
  must(steps.may_send());
  must(steps.may_send_offsets());
  must(steps.commit());
  EXPECT_FALSE(steps.takes_records());
  must(steps.commit());
  steps.done();
  EXPECT_EQ(steps.phase(), TransactionPhase::kReady);
}

TEST(TransactionSteps, SayWhatToDoInsteadOfACallOutOfTurn) {
  TransactionSteps steps{"till-1"};
  const auto early = steps.begin();
  EXPECT_EQ(early.error().code(), ErrorCode::kInvalidTxnState);
  EXPECT_EQ(early.error().message(), "begin_transaction: call init_transactions first");
  EXPECT_EQ(TransactionSteps{""}.begin().error().message(), "begin_transaction: the producer has no transactional.id");
  EXPECT_EQ(steps.phase(), TransactionPhase::kNew);
}

TEST(TransactionSteps, TellTheReasonUntilTheTransactionIsAborted) {
  auto steps = open_transaction();
  steps.failed({ErrorCode::kMessageTooLarge, "a batch is too large"});
  steps.failed({ErrorCode::kUnknownTopicOrPartition, "what comes later is not told"});
  EXPECT_EQ(steps.phase(), TransactionPhase::kMustAbort);
  EXPECT_EQ(steps.commit().error().code(), ErrorCode::kMessageTooLarge);
  EXPECT_EQ(steps.may_send().error().message(), "send: a batch is too large; call abort_transaction");
  must(steps.abort());
  steps.done();
  must(steps.begin());
}

TEST(TransactionSteps, EndWithAProducerThatIsFenced) {
  for (const auto code : {ErrorCode::kProducerFenced, ErrorCode::kInvalidProducerEpoch}) {
    auto steps = open_transaction();
    steps.failed({code, "fenced"});
    EXPECT_EQ(steps.phase(), TransactionPhase::kFatal);
    EXPECT_FALSE(steps.has_to_abort());
    const auto refused = steps.abort();
    EXPECT_EQ(refused.error().code(), ErrorCode::kProducerFenced);
    EXPECT_THAT(refused.error().message(), HasSubstr("close this producer"));
  }
}

TEST(TransactionSteps, LoseNothingWhileAnAbortIsUnderWay) {
  auto steps = open_transaction();
  must(steps.abort());
  steps.failed(dropped_by_abort());
  EXPECT_EQ(steps.phase(), TransactionPhase::kAborting);
  EXPECT_EQ(steps.commit().error().code(), ErrorCode::kInvalidTxnState);
}

TEST(TransactionTurn, IsOneThreadsAtATime) {
  std::atomic<bool> taken = false;
  {
    const TransactionTurn first{taken};
    must(first.check());
    EXPECT_EQ(TransactionTurn{taken}.check().error().code(), ErrorCode::kInvalidTxnState);
    EXPECT_FALSE(TransactionTurn{taken}.check());
  }
  must(TransactionTurn{taken}.check());
}

}  // namespace
}  // namespace millrace::test
