#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "millrace/client.h"
#include "support/must.h"

namespace millrace::test {

/// A log for one test, with as many clients as it wants. One kind an implementation of `Client`.
class LogUnderTest {
 public:
  virtual ~LogUnderTest() = default;
  virtual std::unique_ptr<Client> client(const Properties& properties) = 0;
};

struct LogKind {
  /// What holds only for some: the broker's own words, turns of partitions, sizes.
  enum class Kind : std::uint8_t { kEmbedded, kCluster, kForeign };
  std::string name;
  std::function<std::unique_ptr<LogUnderTest>()> make;
  Kind kind = Kind::kEmbedded;
  /// Why it cannot be tested here; empty when it can.
  std::string why_not = {};

  [[nodiscard]] bool is_ours() const { return kind != Kind::kForeign; }

  /// In the names of tests: GoogleTest would print the bytes, addresses among them, which are others in every run.
  friend void PrintTo(const LogKind& kind, std::ostream* out) { *out << kind.name; }
};

/// A record with bytes of its own, to be compared.
struct OwnedRecord {
  std::int64_t offset = 0;
  std::string key;
  std::string value;
  bool operator==(const OwnedRecord&) const = default;
};

inline constexpr std::chrono::seconds kPatience{20};

/// Polls until there are `count` records, or nothing comes any more.
inline std::vector<OwnedRecord> poll_records(Consumer& consumer, std::size_t count) {
  std::vector<OwnedRecord> records;
  while (records.size() < count) {
    auto batches = consumer.poll(kPatience);
    EXPECT_TRUE(batches) << batches.error().message();
    if (!batches || batches->empty()) break;
    for (const auto& batch : *batches) {
      for (const auto& record : batch.records()) {
        records.push_back({record.offset.value(), std::string{record.key.text()}, std::string{record.value.text()}});
      }
    }
  }
  return records;
}

}  // namespace millrace::test
