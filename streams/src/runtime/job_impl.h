#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/logger.h"
#include "millrace/streams/job.h"
#include "runtime/client_sender.h"
#include "runtime/job_plan.h"
#include "runtime/stream_config.h"
#include "runtime/task_checkpoint.h"
#include "runtime/task_runner.h"

namespace millrace::streams {

/// A job on a client: the tasks, a thread that polls and a thread that keeps time (checkpoints, idle flushes, rates).
///
///                        +-- keeper: checkpoints, idle flush, rates
///     poller --push--> TaskRunner (one or more) ---> ClientSender ---> result topics
///       ^  waits while the input's bytes are spent
///
/// State lock order: a runner's locks are never taken while `mutex_` is held.
class JobImpl final : public Job {
 public:
  JobImpl(Topology topology, Client& client, StreamConfig config, JobOptions options);
  ~JobImpl() override;

  /// Before anything else.
  [[nodiscard]] Result<void> open();

  Result<void> stop() override;
  Result<void> wait() override;
  Result<void> wait_until_caught_up(Duration timeout) override;
  Result<void> checkpoint_now() override;
  [[nodiscard]] JobStats stats() const override;

 protected:
  Result<void> read_state(std::string_view store, const void* type, const detail::StateQuery& query) const override;

 private:
  struct Task {
    std::unique_ptr<TaskRunner> runner;
    std::unique_ptr<CheckpointFolder> folder;  ///< null: nothing is saved
    std::uint32_t sub_topology = 0;
    bool reads_internal_topics = false;
    InputPosition saved;        ///< guarded by `checkpoint_`
    TimePoint next_checkpoint;  ///< guarded by `checkpoint_`
  };
  struct Route {
    Task* task;
    std::size_t slot;
    TopicPartition partition;
    std::int64_t begin = 0;  ///< where reading began
    bool paused = false;
    std::atomic<std::int64_t> polled_to{0};  ///< nothing before it is still to be polled
  };

  Result<void> open_task(const JobPlan::TaskPlan& plan, std::uint64_t memory_budget);
  Result<void> open_consumer();
  Result<void> start_at(Route& route, Offset next);

  void poll_loop();
  Result<void> poll_once();
  Result<void> keep_backpressure();
  Result<void> find_awaited_ends();

  void keeper_loop();
  void keep();
  Result<void> update_figures(TimePoint now);
  Result<void> keep_task(Task& task, TimePoint now);
  Result<void> checkpoint_when_due(Task& task, TimePoint now);
  /// Holding `checkpoint_`.
  Result<void> checkpoint(Task& task);
  Result<void> tell_checkpoint(const Task& task, const InputPosition& position, std::uint64_t bytes);

  Result<void> finish_task(Task& task);
  void failed(const Error& error);
  [[nodiscard]] Result<void> failure() const;
  [[nodiscard]] Result<void> catch_up(std::uint32_t sub_topology, TimePoint deadline);
  [[nodiscard]] bool has_reached(const std::unordered_map<TopicPartition, Offset>& ends) const;

  const Topology topology_;
  Client& client_;
  const StreamConfig config_;
  const JobOptions options_;
  SystemClock system_clock_;
  NullLogger null_logger_;
  const Clock& clock_;
  Logger& logger_;
  PosixFileSystem files_;

  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<Admin> admin_;
  std::unique_ptr<Consumer> consumer_;
  std::unique_ptr<ClientSender> sender_;
  std::unique_ptr<Scheduler> scheduler_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<std::unique_ptr<Route>> routes_;
  std::unordered_map<TopicPartition, Route*> route_of_;
  std::size_t buffer_bytes_of_route_ = 0;

  std::mutex checkpoint_;  ///< one checkpoint at a time
  std::mutex stop_;        ///< one `stop` at a time

  mutable std::mutex mutex_;  ///< all below
  std::condition_variable changed_;
  std::optional<Error> failure_;
  bool stopping_ = false;
  bool stopped_ = false;
  bool opened_ = false;
  std::size_t turn_waiters_ = 0;  ///< threads that want to hear of the next turn
  std::uint64_t turns_ = 0;
  std::uint64_t checkpoints_ = 0;
  double checkpoint_seconds_ = 0;
  double records_per_second_ = 0;
  std::uint64_t rate_records_ = 0;
  std::uint64_t lag_ = 0;
  TimePoint rate_since_;

  std::thread poller_;
  std::thread keeper_;
};

}  // namespace millrace::streams
