#include "sim/group_story.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

namespace millrace::test {
namespace {

const std::string kReaders = "readers";

}  // namespace

void GroupStory::use() {
  const auto partition = machine_.random().below(kPartitions);
  if (machine_.random().one_in(3)) {
    (void)fetch(partition);
  } else {
    commit(partition);
  }
}

void GroupStory::commit(std::size_t partition) {
  auto& range = committed_.at(partition);
  const auto offset = ++range.newest;
  const auto where = place(partition);
  CommitOffsets call;
  call.group = kReaders;
  call.offsets.push_back({.topic = where.topic, .partition = where.partition, .offset = Offset{offset}});
  machine_.core().groups().commit_offsets(
      std::move(call), machine_.in_this_life([this, &range, offset](const std::vector<ErrorCode>& errors) {
        if (errors.front() == ErrorCode::kNone) {
          range.told = std::max(range.told, offset);
        } else {
          machine_.expect_failed_power("committing an offset", std::string{name_of(errors.front())});
        }
      }));
}

Result<std::int64_t> GroupStory::fetch(std::size_t partition) {
  const auto wanted = place(partition);
  MILLRACE_TRY(fetched, machine_.core().groups().fetch_offsets(kReaders, std::span{&wanted, 1}));
  const auto offset = fetched.front().offset.offset.value();
  auto& range = committed_.at(partition);
  EXPECT_GE(offset, range.told) << "the committed offset of partition " << partition << " went back";
  EXPECT_LE(offset, range.newest);
  range.told = std::max(range.told, offset);
  return offset;
}

void GroupStory::check() {
  for (std::size_t p = 0; p < kPartitions; ++p) {
    const auto fetched = fetch(p);
    EXPECT_TRUE(fetched) << fetched.error().message();
  }
}

}  // namespace millrace::test
