#include "client/assignment.h"

#include <gmock/gmock.h>

#include "unit/client/orders.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Which = Assignment::Which;

PartitionOffset at(std::int32_t partition, std::int64_t offset) {
  return {.partition = orders(partition), .offset = Offset{offset}};
}

std::vector<std::int64_t> offsets(const std::vector<PartitionOffset>& all) {
  std::vector<std::int64_t> values;
  for (const auto& one : all) values.push_back(one.offset.value());
  return values;
}

TEST(Assignment, WhatWasAssignedBeforeKeepsItsPosition) {
  Assignment assignment;
  assignment.assign({orders(0), orders(1)});
  assignment.find(orders(1))->position = Offset{7};
  assignment.assign({orders(1), orders(2)});
  EXPECT_THAT(assignment.names(), ElementsAre(orders(1), orders(2)));
  EXPECT_EQ(assignment.find(orders(1))->position, Offset{7});
  EXPECT_EQ(assignment.find_or_fail(orders(0)).error().code(), ErrorCode::kInvalidArgument);
}

TEST(Assignment, WhatCouldNotBeCommittedIsNewAgainUnlessALaterCommitCame) {
  Assignment assignment;
  assignment.assign({orders(0), orders(1)});
  for (auto& one : assignment) one.position = Offset{5};
  const std::vector committed{at(0, 5), at(1, 5)};
  assignment.note_committed(committed);
  EXPECT_THAT(assignment.positions(Which::kNew), IsEmpty());

  assignment.find(orders(1))->position = Offset{9};
  assignment.note_committed(std::vector{at(1, 9)});
  assignment.forget_committed(committed);
  EXPECT_THAT(offsets(assignment.positions(Which::kNew)), ElementsAre(5));
  EXPECT_THAT(offsets(assignment.positions(Which::kAll)), ElementsAre(5, 9));
}

}  // namespace
}  // namespace millrace::test
