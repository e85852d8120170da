#pragma once

#include <functional>
#include <map>
#include <string>

#include "sim/machine.h"

namespace millrace::test {

/// A partition as a consumer sees it who begins at the beginning.
struct Reading {
  Offset start;
  /// As far as such a consumer may read.
  Offset end;
  std::map<Offset, std::string> values;
};

/// Shows each record that a consumer gets who reads from `from` to where it may; gives the offset behind. Errors: as of
/// a fetch.
[[nodiscard]] Result<Offset> read_on(Machine& machine, const TopicPartition& where, Isolation isolation, Offset from,
                                     const std::function<void(const RecordView&)>& show);
/// Where the partition begins, and where it ends for such a consumer.
[[nodiscard]] Result<Offset> position_of(Machine& machine, const TopicPartition& where, OffsetKind kind,
                                         Isolation isolation);
/// With the power on.
[[nodiscard]] Reading read_whole(Machine& machine, const TopicPartition& where, Isolation isolation);

/// A consumer that reads on and on, waiting for what comes: what it has seen once, no power cut takes back.
class Watcher {
 public:
  using OnValue = std::function<void(const std::string&)>;

  Watcher(Machine& machine, TopicPartition where, Isolation isolation, OnValue on_value = {})
      : machine_(machine), where_(std::move(where)), isolation_(isolation), on_value_(std::move(on_value)) {}

  /// Asks for more, unless it waits for an answer.
  void look();
  /// The broker has died; whoever reads goes on where it was.
  void forget() { asking_ = false; }
  /// With the power on: what was seen and not deleted since is there. Gives what there is.
  Reading check();

 private:
  void take(const LogSlice& slice);
  void see(Offset offset, const std::string& value);
  void jump_to_start();

  Machine& machine_;
  const TopicPartition where_;
  const Isolation isolation_;
  const OnValue on_value_;
  bool asking_ = false;
  Offset next_{0};
  // The furthest end that it was told of.
  Offset end_{0};
  std::map<Offset, std::string> seen_;
};

}  // namespace millrace::test
