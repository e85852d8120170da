#include "worker/delivery_ledger.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/random.h"

namespace millrace::connect {
namespace {

const auto kFileA = std::make_shared<const SourcePartition>(SourcePartition{{"file", "a"}});
const auto kFileB = std::make_shared<const SourcePartition>(SourcePartition{{"file", "b"}});

SourceOffset at(std::int64_t position) { return {{"position", position}}; }

struct Batch {
  std::vector<ProducerRecord> records;
  SourceBatch batch;
  Batch(std::shared_ptr<const SourcePartition> partition, std::int64_t position, std::size_t count)
      : records(count), batch{std::move(partition), at(position), records, count * 10} {}
};

std::map<SourcePartition, std::int64_t> taken(DeliveryLedger& ledger) {
  std::map<SourcePartition, std::int64_t> positions;
  for (const auto& safe : ledger.take_positions()) positions[*safe.partition] = *int_field(*safe.offset, "position");
  return positions;
}
using Positions = std::map<SourcePartition, std::int64_t>;

TEST(DeliveryLedger, GivesAPositionOnceAllBeforeItIsStored) {
  DeliveryLedger ledger;
  const auto first = ledger.add(Batch{kFileA, 100, 2}.batch);
  const auto second = ledger.add(Batch{kFileA, 200, 1}.batch);
  EXPECT_EQ(ledger.bytes_in_flight(), 30u);

  ledger.acknowledge(std::vector{second, first}, Offset{0});
  EXPECT_EQ(taken(ledger), Positions{});
  EXPECT_EQ(ledger.bytes_in_flight(), 20u);
  ledger.acknowledge(std::vector{first}, Offset{0});
  EXPECT_EQ(taken(ledger), (Positions{{*kFileA, 200}}));
  EXPECT_EQ(taken(ledger), Positions{});
  EXPECT_EQ(ledger.bytes_in_flight(), 0u);
  EXPECT_EQ(ledger.acknowledged(), 3u);
}

TEST(DeliveryLedger, KeepsTheSourcesApart) {
  DeliveryLedger ledger;
  const auto a = ledger.add(Batch{kFileA, 1, 1}.batch);
  const auto b = ledger.add(Batch{kFileB, 2, 1}.batch);
  ledger.acknowledge(std::vector{a, b}, Offset{0});
  EXPECT_EQ(taken(ledger), (Positions{{*kFileA, 1}, {*kFileB, 2}}));
}

TEST(DeliveryLedger, LetsABatchWithoutRecordsWaitForThoseBeforeIt) {
  DeliveryLedger ledger;
  const auto first = ledger.add(Batch{kFileA, 1, 1}.batch);
  (void)ledger.add(Batch{kFileA, 0, 0}.batch);
  EXPECT_EQ(taken(ledger), Positions{});
  ledger.acknowledge(std::vector{first}, Offset{0});
  EXPECT_EQ(taken(ledger), (Positions{{*kFileA, 0}}));
  (void)ledger.add(Batch{kFileA, 5, 0}.batch);
  EXPECT_EQ(taken(ledger), (Positions{{*kFileA, 5}}));
}

TEST(DeliveryLedger, IgnoresTokensThatAreNotItsOwn) {
  DeliveryLedger ledger;
  (void)ledger.add(Batch{kFileA, 1, 1}.batch);
  ledger.acknowledge(std::vector<std::uint64_t>{0, 77, std::uint64_t{1} << 63}, Offset{0});
  EXPECT_EQ(taken(ledger), Positions{});
  EXPECT_EQ(ledger.acknowledged(), 0u);
}

TEST(DeliveryLedger, NeverGivesAPositionBehindARecordThatIsNotStored) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Random random{seed};
    DeliveryLedger ledger;
    std::vector<std::uint64_t> pending;    // in any order
    std::vector<std::size_t> outstanding;  // by position
    for (int step = 0; step < 300; ++step) {
      if (random.one_in(2)) {
        const auto count = random.below(4);
        outstanding.push_back(count);
        const auto token = ledger.add(Batch{kFileA, static_cast<std::int64_t>(outstanding.size()), count}.batch);
        ASSERT_EQ(token, outstanding.size());
        pending.insert(pending.end(), count, token);
      } else if (!pending.empty()) {
        const auto index = random.below(pending.size());
        const std::vector tokens{pending[index]};
        pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(index));
        --outstanding[tokens[0] - 1];
        ledger.acknowledge(tokens, Offset{0});
      }
      std::size_t safe = 0;
      while (safe < outstanding.size() && outstanding[safe] == 0) ++safe;
      for (const auto& [partition, position] : taken(ledger)) EXPECT_EQ(position, static_cast<std::int64_t>(safe));
    }
  }
}

}  // namespace
}  // namespace millrace::connect
