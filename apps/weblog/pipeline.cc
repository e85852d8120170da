#include "weblog/pipeline.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/logger.h"
#include "millrace/broker.h"
#include "millrace/connect/file_source.h"
#include "weblog/anonymize.h"
#include "weblog/disk_full.h"
#include "weblog/lines_topic.h"
#include "weblog/topology.h"
#include "weblog/warnings_only.h"

namespace millrace::weblog {
namespace {

using namespace std::chrono_literals;

constexpr auto kForever = std::chrono::hours{24 * 365};
/// Shutdown is bounded: what does not end within these is left to the next start, which goes on from what is durable.
constexpr auto kStopCaptureTimeout = 4s;
constexpr auto kCloseTimeout = 4s;

/// Room for what is around a line in a record: its header and lengths.
constexpr std::size_t kRecordOverhead = 1024;

Properties capture_config(const PipelineOptions& options) {
  return {{"name", "weblog"},
          {"connector.class", "FileSource"},
          {"topic", std::string{kLinesTopic}},
          {"file", connect::join_file_list(options.files)},
          {"mode", options.read == PipelineOptions::Read::kOnce ? "once" : "follow"},
          {"max.line.bytes", std::to_string(kMaxLineBytes)}};
}

Properties job_config(const PipelineOptions& options) {
  Properties config{{"application.id", "weblog"},
                    {"state.dir", (options.data / "weblog-state").string()},
                    {"num.stream.threads", std::to_string(options.threads)},
                    {"stream.scheduler", options.scheduler}};
  if (options.read == PipelineOptions::Read::kOnce) {
    // Nobody looks before the end: fewer, larger steps.
    config.emplace("cache.flush.interval.ms", "-1");
    config.emplace("commit.interval.ms", "60000");
  }
  return config;
}

class PipelineImpl final : public Pipeline {
 public:
  explicit PipelineImpl(PipelineOptions options)
      : options_(std::move(options)), warnings_(options_.logger), broker_messages_(options_.logger) {}

  ~PipelineImpl() override { static_cast<void>(stop()); }

  Result<void> begin() {
    MILLRACE_TRY(broker, Broker::open(options_.data.string(), broker_config(), &broker_messages_));
    broker_ = std::move(broker);
    MILLRACE_TRY(client, broker_->client());
    client_ = std::move(client);
    MILLRACE_TRY(lines, LinesTopic::open(*client_, options_.topic_bytes));
    lines_ = std::move(lines);
    MILLRACE_CHECK(start_job());
    MILLRACE_CHECK(start_capture());
    keeper_ = std::thread{[this] { keep_bounded(); }};
    job_watch_ = std::thread{[this] { watch_job(); }};
    return {};
  }

  Result<void> wait() override {
    auto captured = capture_->wait(kForever);
    {
      const std::lock_guard lock{mutex_};
      if (job_error_) return std::unexpected(*job_error_);
    }
    if (!captured || options_.read == PipelineOptions::Read::kFollow) return captured;
    return job_->wait_until_caught_up(kForever);
  }

  Result<std::string> listen(const std::string& address) override { return broker_->listen(address); }
  const streams::Job& job() const override { return *job_; }
  connect::WorkerStatus capture() const override { return capture_->status(); }
  std::uint64_t topic_bytes() const override { return lines_->bytes(); }
  const PipelineOptions& options() const override { return options_; }

  Result<void> stop() override {
    const std::lock_guard only_one{stop_mutex_};
    broker_messages_.set_closing();
    Result<void> outcome;
    const auto note = [&](Result<void> ended) {
      if (outcome && !ended) outcome = std::move(ended);
    };
    if (capture_) note(capture_->stop(kStopCaptureTimeout));
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
      changed_.notify_all();
    }
    if (keeper_.joinable()) keeper_.join();
    if (job_) note(job_->stop());
    if (job_watch_.joinable()) job_watch_.join();
    if (broker_) note(broker_->close(kCloseTimeout));
    return outcome;
  }

 private:
  [[nodiscard]] static Properties broker_config() { return {{"auto.create.topics.enable", "false"}}; }

  Result<void> start_job() {
    streams::JobOptions options;
    options.logger = &warnings_;
    options.on_checkpoint = [this](const streams::CheckpointInfo& checkpoint) {
      for (const auto& input : checkpoint.inputs) lines_->counted_up_to(input.next);
    };
    const TopologyOptions counted{
        .keep = options_.keep, .memory_bytes = options_.memory_bytes, .results = options_.results};
    MILLRACE_TRY(job, streams::Job::start(topology(options_.format, counted), *client_, job_config(options_), options));
    job_ = std::move(job);
    return {};
  }

  Result<void> start_capture() {
    const bool masked = options_.addresses == PipelineOptions::Addresses::kMasked;
    source_ = connect::make_file_source(masked ? connect::LineTransform{anonymize} : connect::LineTransform{},
                                        {.once = "--once"});
    connect::WorkerOptions options;
    // Nobody else writes to the topic of lines, so a run that was killed is resumed without counting a line twice.
    options.resume_from = connect::ResumeFrom::kTopic;
    options.max_topic_bytes = options_.topic_bytes;
    options.producer = {{"message.max.bytes", std::to_string(kMaxLineBytes + kRecordOverhead)}};
    options.logger = &warnings_;
    MILLRACE_TRY(capture, connect::SourceWorker::start(*client_, *source_, capture_config(options_), options));
    capture_ = std::move(capture);
    return {};
  }

  /// Deletes lines that were counted when the topic comes near its bound. Nothing else deletes lines.
  void keep_bounded() {
    auto next_forced_checkpoint = std::chrono::steady_clock::time_point::min();
    std::unique_lock lock{mutex_};
    while (!changed_.wait_for(lock, 100ms, [&] { return stopping_; })) {
      lock.unlock();
      auto trimmed = lines_->trim();
      const auto now = std::chrono::steady_clock::now();
      if (trimmed && *trimmed == LinesTopic::Trimmed::kNeedsCheckpoint && now >= next_forced_checkpoint) {
        // Full of lines that no checkpoint covers: make one. If it fails the job has ended, and says so itself.
        if (job_->checkpoint_now()) trimmed = lines_->trim();
        next_forced_checkpoint = now + forced_checkpoint_pause();
      }
      if (trimmed && *trimmed == LinesTopic::Trimmed::kYes) capture_->topic_trimmed();
      if (!trimmed) warnings_.warn("{}", trimmed.error().message());
      lock.lock();
    }
  }

  /// A job that is slower than capture is not to spend its time on saving its state.
  [[nodiscard]] std::chrono::steady_clock::duration forced_checkpoint_pause() const {
    const std::chrono::duration<double> ten_times_the_last{10 * job_->stats().checkpoint_seconds};
    return std::max<std::chrono::steady_clock::duration>(
        200ms, std::chrono::duration_cast<std::chrono::steady_clock::duration>(ten_times_the_last));
  }

  /// A job that ends by itself ends capture: nobody counts any more.
  void watch_job() {
    auto ended = job_->wait();
    if (ended) return;
    {
      const std::lock_guard lock{mutex_};
      job_error_ = ended.error();
    }
    static_cast<void>(capture_->stop(kStopCaptureTimeout));
  }

  const PipelineOptions options_;
  WarningsOnly warnings_;
  BrokerMessages broker_messages_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<LinesTopic> lines_;
  std::unique_ptr<streams::Job> job_;
  std::unique_ptr<connect::SourceConnector> source_;
  std::unique_ptr<connect::SourceWorker> capture_;

  std::mutex stop_mutex_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::optional<Error> job_error_;
  std::thread keeper_;
  std::thread job_watch_;
};

}  // namespace

Result<std::unique_ptr<Pipeline>> Pipeline::start(PipelineOptions options) {
  std::error_code error;
  std::filesystem::create_directories(options.data, error);
  if (error) return fail_errno(error.value(), fmt::format("cannot make the data folder {}", options.data.string()));
  auto pipeline = std::make_unique<PipelineImpl>(std::move(options));
  MILLRACE_CHECK(pipeline->begin());
  return pipeline;
}

}  // namespace millrace::weblog
