#include "sim/price_story.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace millrace::test {
namespace {

const TopicPartition kPrices{"prices", PartitionIndex{0}};

}  // namespace

void PriceStory::prepare() {
  machine_.create_topic(kPrices.topic, 1,
                        {{"cleanup.policy", "compact"},
                         {"min.cleanable.dirty.ratio", "0"},
                         {"delete.retention.ms", "20000"},
                         {"segment.bytes", "1200"}});
}

void PriceStory::use() {
  if (machine_.random().one_in(3)) {
    (void)read();
  } else {
    set_price();
  }
}

void PriceStory::set_price() {
  const auto number = machine_.random().below(kKeys);
  auto& key = keys_[number];
  const auto version = next_version_++;
  const bool removes = machine_.random().one_in(4);
  if (removes) key.tombstones.insert(version);
  const auto text = std::to_string(version) + std::string(machine_.random().below(200), '.');
  // A tombstone has no value: the version is in the header.
  const Sending sending{
      .to = kPrices,
      .records = {
          {.key = std::to_string(number), .value = removes ? std::nullopt : std::optional{text}, .note = text}}};
  produce(machine_, sending, [this, &key, version](const Result<AppendInfo>& where) {
    if (where) {
      key.told = std::max(key.told, version);
    } else if (where.error().code() != ErrorCode::kRequestTimedOut) {
      machine_.expect_failed_power("setting a price", where.error().message());
    }
  });
}

Result<std::map<std::size_t, std::int64_t>> PriceStory::read() {
  std::map<std::size_t, std::int64_t> found;
  MILLRACE_TRY(start, position_of(machine_, kPrices, OffsetKind::kEarliest, Isolation::kHighWatermark));
  MILLRACE_CHECK(read_on(machine_, kPrices, Isolation::kHighWatermark, start, [&](const RecordView& record) {
    const auto number = static_cast<std::size_t>(std::atoll(std::string{record.key.text()}.c_str()));
    const auto headers = parse_headers(record.raw_headers).value();
    found[number] = std::atoll(std::string{headers.front().value.text()}.c_str());
  }));
  for (const auto& [number, version] : found) keys_.at(number).told = std::max(keys_.at(number).told, version);
  return found;
}

void PriceStory::check() {
  auto before = keys_;
  const auto found = read();
  ASSERT_TRUE(found) << found.error().message();
  for (std::size_t number = 0; number < kKeys; ++number) {
    const auto& was = before.at(number);
    const auto version = found->find(number);
    if (version != found->end()) {
      EXPECT_GE(version->second, was.told) << "key " << number << " went back";
    } else if (was.told >= 0) {
      // Compaction forgets a tombstone, nothing else; one that was never acknowledged may have been met, too.
      EXPECT_TRUE(was.tombstones.lower_bound(was.told) != was.tombstones.end()) << "key " << number << " is lost";
      keys_.at(number).told = *was.tombstones.rbegin();
    }
  }
}

}  // namespace millrace::test
