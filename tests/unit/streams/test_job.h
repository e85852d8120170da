#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/random.h"
#include "fake_client.h"
#include "millrace/streams.h"
#include "support/temporary_folder.h"

// A job that uses every stateful operator, its input, and what it gives: for tests that compare runs.

namespace millrace::streams {

struct Visit {
  Timestamp time;
  std::string_view path;
  std::int64_t client = 0;
  std::int64_t bytes = 0;
};

/// "MS PATH CLIENT BYTES"
Result<Visit> parse_visit(std::string_view line);

struct Totals {
  std::int64_t visits = 0;
  std::int64_t bytes = 0;
  void add(const Visit& visit) {
    ++visits;
    bytes += visit.bytes;
  }
  void merge(const Totals& other) {
    visits += other.visits;
    bytes += other.bytes;
  }
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("visits", self.visits);
    visit("bytes", self.bytes);
  }
};

/// Stateless and keyed results, windows that close and windows that change, a distinct count, a reduce without merge.
Topology visits_topology();

/// `count` lines of visits with out-of-order times, late ones, and now and then a garbled one; record timestamps
/// ascend.
std::vector<FakeClient::Stored> visits_input(std::uint64_t seed, std::size_t count);

/// What each store holds, as text, in its order.
std::map<std::string, std::vector<std::string>> dump_stores(const Job& job);

inline const std::vector<std::string>& output_topics() {
  static const std::vector<std::string> kTopics{"big", "by-path", "by-minute", "closed", "last", "garbled"};
  return kTopics;
}

using test::TemporaryFolder;

}  // namespace millrace::streams
