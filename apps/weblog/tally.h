#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "millrace/streams/record.h"
#include "millrace/types.h"
#include "weblog/hit.h"
#include "weblog/hit_facts.h"

namespace millrace::weblog {

// What the topology adds up: aggregate types of streams (`add` a record, `merge` another aggregate, list the fields for
// checkpoints and result topics).

/// Hits and what they add up to.
struct Tally {
  std::uint64_t hits = 0;
  std::uint64_t bytes = 0;
  std::uint64_t errors = 0;

  void add(const Hit& hit) {
    ++hits;
    bytes += hit.bytes;
    errors += is_error(hit) ? 1 : 0;
  }
  void merge(const Tally& other) {
    hits += other.hits;
    bytes += other.bytes;
    errors += other.errors;
  }
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("hits", self.hits);
    visit("bytes", self.bytes);
    visit("errors", self.errors);
  }
  friend bool operator==(const Tally&, const Tally&) = default;
};

/// All hits, and the time they span.
struct Totals {
  std::uint64_t hits = 0;
  std::uint64_t bytes = 0;
  std::uint64_t errors = 0;
  Timestamp first = Timestamp::max();
  Timestamp last = Timestamp::min();

  void add(const Hit& hit) {
    ++hits;
    bytes += hit.bytes;
    errors += is_error(hit) ? 1 : 0;
    first = std::min(first, hit.time);
    last = std::max(last, hit.time);
  }
  void merge(const Totals& other) {
    hits += other.hits;
    bytes += other.bytes;
    errors += other.errors;
    first = std::min(first, other.first);
    last = std::max(last, other.last);
  }
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("hits", self.hits);
    visit("bytes", self.bytes);
    visit("errors", self.errors);
    visit("first", self.first);
    visit("last", self.last);
  }
};

/// The hits of one path. Those that found nothing are kept apart: they make a list of their own.
struct PathTally {
  Tally found;
  Tally not_found;

  void add(const Hit& hit) { (is_not_found(hit) ? not_found : found).add(hit); }
  void merge(const PathTally& other) {
    found.merge(other.found);
    not_found.merge(other.not_found);
  }
  [[nodiscard]] std::uint64_t hits() const { return found.hits + not_found.hits; }
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("found", self.found);
    visit("not_found", self.not_found);
  }
};

/// Lines that were no hits: how many for each reason, and the first of them.
struct RejectedLines {
  struct Sample {
    std::string line;  ///< its first bytes
    std::string reason;
    std::int64_t offset = 0;
    template <class Self, class Visitor>
    static void fields(Self& self, Visitor& visit) {
      visit("line", self.line);
      visit("reason", self.reason);
      visit("offset", self.offset);
    }
  };
  static constexpr std::size_t kMostSamples = 10;
  static constexpr std::size_t kSampleBytes = 500;

  std::map<std::string, std::uint64_t> by_reason;
  std::vector<Sample> samples;

  void add(const streams::Rejected& rejected);
  void merge(const RejectedLines& later);
  [[nodiscard]] std::uint64_t count() const;
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("by_reason", self.by_reason);
    visit("samples", self.samples);
  }
};

}  // namespace millrace::weblog
