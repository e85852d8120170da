#include "log/undecided_transactions.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

DurablePosition place(std::int64_t offset) {
  return {.offset = Offset{offset}, .segment = Offset{0}, .position = static_cast<std::uint64_t>(offset) * 100};
}

TEST(UndecidedTransactions, ATransactionIsInTheWayUntilItsMarkerCanBeRead) {
  UndecidedTransactions transactions;
  EXPECT_FALSE(transactions.first());
  transactions.begin(ProducerId{1}, place(5));
  transactions.begin(ProducerId{1}, place(6));  // it goes on
  transactions.begin(ProducerId{2}, place(7));
  EXPECT_EQ(transactions.first(), place(5));
  EXPECT_EQ(transactions.first_open(), Offset{5});

  transactions.end(ProducerId{1}, Offset{8});
  EXPECT_EQ(transactions.first_open(), Offset{7});
  transactions.decide_up_to(Offset{8});
  EXPECT_EQ(transactions.first(), place(5));
  transactions.decide_up_to(Offset{9});
  EXPECT_EQ(transactions.first(), place(7));

  transactions.end(ProducerId{2}, Offset{9});
  EXPECT_FALSE(transactions.first_open());
  transactions.decide_up_to(Offset{10});
  EXPECT_FALSE(transactions.first());
}

TEST(UndecidedTransactions, AProducersNextOneBeginsBeforeTheMarkerOfTheLastCanBeRead) {
  UndecidedTransactions transactions;
  transactions.begin(ProducerId{1}, place(0));
  transactions.end(ProducerId{1}, Offset{1});
  transactions.begin(ProducerId{1}, place(2));
  transactions.decide_up_to(Offset{2});
  EXPECT_EQ(transactions.first(), place(2));
  EXPECT_EQ(transactions.first_open(), Offset{2});
}

TEST(UndecidedTransactions, AMarkerOfNoTransactionChangesNothing) {
  UndecidedTransactions transactions;
  transactions.end(ProducerId{1}, Offset{0});
  transactions.begin(ProducerId{2}, place(1));
  transactions.decide_up_to(Offset{1});
  EXPECT_EQ(transactions.first(), place(1));
  EXPECT_EQ(transactions.size(), 1U);
}

TEST(UndecidedTransactions, OneThatStaysOpenKeepsNoneOfThoseBehindIt) {
  UndecidedTransactions transactions;
  transactions.begin(ProducerId{99}, place(0));
  for (std::int64_t offset = 1; offset < 1000; offset += 2) {
    transactions.begin(ProducerId{offset % 7}, place(offset));
    transactions.end(ProducerId{offset % 7}, Offset{offset + 1});
    transactions.decide_up_to(Offset{offset + 2});
    ASSERT_EQ(transactions.size(), 1U);
  }
  EXPECT_EQ(transactions.first(), place(0));
}

}  // namespace
}  // namespace millrace
