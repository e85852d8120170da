#include "weblog/tally.h"

namespace millrace::weblog {

void RejectedLines::add(const streams::Rejected& rejected) {
  ++by_reason[std::string{rejected.reason}];
  if (samples.size() < kMostSamples) {
    samples.push_back({std::string{rejected.value.text().substr(0, kSampleBytes)}, std::string{rejected.reason},
                       rejected.offset.value()});
  }
}

void RejectedLines::merge(const RejectedLines& later) {
  for (const auto& [reason, lines] : later.by_reason) by_reason[reason] += lines;
  for (const auto& sample : later.samples) {
    if (samples.size() == kMostSamples) break;
    samples.push_back(sample);
  }
}

std::uint64_t RejectedLines::count() const {
  std::uint64_t all = 0;
  for (const auto& [reason, lines] : by_reason) all += lines;
  return all;
}

}  // namespace millrace::weblog
