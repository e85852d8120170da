#pragma once

namespace millrace::test {

/// Clients of one kind in a simulation: what they do, what they were told, and what must therefore hold.
///
/// Threading: one thread, that of the machine.
class Story {
 public:
  virtual ~Story() = default;
  /// The broker has started: makes the topics that it needs and does not find. The power may fail meanwhile.
  virtual void prepare() {}
  /// Does one thing, chosen at random; the power may fail meanwhile.
  virtual void use() = 0;
  /// The broker has died: what was asked of it will not be answered.
  virtual void forget() {}
  /// With the power on, again and again, while time passes: gets done what was begun. True when nothing is left.
  [[nodiscard]] virtual bool settle() { return true; }
  /// With the power on and everything settled: what must hold holds.
  virtual void check() = 0;
};

}  // namespace millrace::test
