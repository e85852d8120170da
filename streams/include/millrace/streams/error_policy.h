#pragma once

#include <cstdint>
#include <string>

namespace millrace::streams {

/// What becomes of a record that cannot be decoded, or on which a function of the topology throws.
///
/// Threading: a value.
struct ErrorPolicy {
  enum class Action : std::uint8_t { kFail, kSkip, kDeadLetter };

  Action action = Action::kFail;
  std::string dead_letter_topic;

  /// The job stops with an error that names topic, partition, offset and reason. The default.
  [[nodiscard]] static ErrorPolicy fail() { return {}; }
  /// The record is left out and counted.
  [[nodiscard]] static ErrorPolicy skip() { return {Action::kSkip, {}}; }
};

/// The record is copied to `topic` with headers `error.topic`, `error.partition`, `error.offset`, `error.reason`, and
/// counted.
[[nodiscard]] inline ErrorPolicy dead_letter(std::string topic) {
  return {ErrorPolicy::Action::kDeadLetter, std::move(topic)};
}

}  // namespace millrace::streams
