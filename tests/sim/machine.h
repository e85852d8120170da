#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/simulated_files.h"
#include "broker/broker_core.h"
#include "sim/any_order_executor.h"
#include "support/memory_logger.h"

namespace millrace::test {

/// A broker with default settings, but small files, on a machine whose power fails: disk, clock and the one thread are
/// simulated, and the seed decides what happens.
///
///     machine.fail_power_after(37);     // changes of the disk
///     ... machine.step() ...            // until !machine.is_on()
///     machine.stop();                   // what was not synced is lost, or torn, or there
///     machine.start();                  // a new life
///
/// Threading: one thread.
class Machine {
 public:
  explicit Machine(std::uint64_t seed);
  /// Whoever still waits for an answer may be gone already.
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Starts the broker; true when it serves groups and transactions. `problem` says why not.
  [[nodiscard]] bool start();
  /// The power fails if it has not yet, or only the process dies; what has survived is decided. Nobody is answered.
  void stop();
  /// Closes the broker in good order first.
  void shut_down();

  void fail_power_after(std::uint64_t changes) { disk_.fail_power_after(changes); }
  [[nodiscard]] bool is_on() const { return disk_.power_is_on(); }

  /// Runs a piece of work that is ready; false if there is none.
  bool step();
  /// Runs until nothing is ready.
  void run();
  void pass(std::chrono::milliseconds time) { clock_.advance(time); }
  /// `hook` runs now and then while a step syncs a file: what other threads do meanwhile.
  void while_syncing(std::function<void()> hook) { while_syncing_ = std::move(hook); }

  [[nodiscard]] BrokerCore& core() { return *core_; }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] BufferPool& buffers() { return buffers_; }
  [[nodiscard]] TimePoint now() const { return clock_.now(); }
  [[nodiscard]] Timestamp wall() const { return clock_.wall(); }

  /// `callback`, which does not hear of anything once the broker that was asked has died.
  template <class Callback>
  [[nodiscard]] auto in_this_life(Callback callback) {
    return [this, life = life_, callback = std::move(callback)](auto&&... answer) mutable {
      if (life == life_) callback(std::forward<decltype(answer)>(answer)...);
    };
  }

  void create_topic(const std::string& name, std::int32_t partitions, const Properties& configs);

  /// No two owners are ever given the same producer id.
  void expect_owner(ProducerId producer, const std::string& owner);
  /// A request was refused: right when the power has failed, else not.
  void expect_failed_power(const std::string& what, const std::string& why);
  /// What went wrong last, for messages.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  [[nodiscard]] std::unique_ptr<AnyOrderExecutor> make_executor() {
    return std::make_unique<AnyOrderExecutor>(clock_, random_());
  }

  Random random_;
  ManualClock clock_;
  SimulatedFileSystem disk_;
  MemoryLogger logger_;
  BufferPool buffers_;
  std::unique_ptr<AnyOrderExecutor> executor_;
  std::shared_ptr<BrokerCore> core_;
  std::function<void()> while_syncing_;
  bool in_step_ = false;
  std::uint64_t life_ = 0;
  std::map<ProducerId, std::string> owners_;
  std::string problem_;
};

// --- requests --------------------------------------------------------------------------------------------------------

struct NewRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  /// Of a header, which a record without a value has too.
  std::string note = {};
};

/// One batch for one partition.
struct Sending {
  TopicPartition to;
  std::vector<NewRecord> records;
  ProducerIdentity producer = {};
  std::int32_t first_sequence = -1;
  std::int16_t acks = kAcksAll;
  /// Empty: not within a transaction.
  std::string transactional_id = {};
  TransactionSupport support = TransactionSupport::kVerify;
};

/// `done` is told unless the broker dies first.
void produce(Machine& machine, const Sending& sending, std::function<void(const Result<AppendInfo>&)> done);

}  // namespace millrace::test
