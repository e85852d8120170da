#include "weblog/runner.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/logger.h"
#include "console/embed/page.h"
#include "weblog/live_pipeline.h"
#include "weblog/page_server.h"
#include "weblog/progress.h"
#include "weblog/report_reader.h"
#include "weblog/temporary_folder.h"
#include "weblog/traffic.h"

namespace millrace::weblog {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// Often enough that a page shows a line within a second of it, and a few wake-ups a second when there is none.
constexpr auto kLiveTick = 200ms;
constexpr auto kProgressTick = 250ms;
constexpr auto kFiguresEvery = 5s;
constexpr double kDemoLinesPerSecond = 200;

/// Something that one thread says once and another can poll() for.
class Event {
 public:
  static Result<Event> make() {
    const int descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor < 0) return fail_errno(errno, "cannot make an event");
    return Event{descriptor};
  }
  Event(Event&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Event& operator=(Event&&) = delete;
  ~Event() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  void say() const {
    const std::uint64_t one = 1;
    static_cast<void>(::write(descriptor_, &one, sizeof one));
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  explicit Event(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

enum class Woken : std::uint8_t { kTick, kDone, kStop };

/// Waits for the pipeline in a thread of its own, so that the caller can look after signals, page and progress.
class Waiter {
 public:
  Waiter(Pipeline& pipeline, Event& done)
      : thread_([&pipeline, &done, this] {
          outcome_ = pipeline.wait();
          done.say();
        }) {}
  ~Waiter() { join(); }

  /// After the pipeline has ended or was stopped.
  [[nodiscard]] Result<void> outcome() {
    join();
    return outcome_;
  }

 private:
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  Result<void> outcome_;
  std::thread thread_;
};

Woken wait_for(int stop_descriptor, const Event& done, steady_clock::duration tick) {
  pollfd waits[] = {{stop_descriptor, POLLIN, 0}, {done.descriptor(), POLLIN, 0}};
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(tick).count();
  if (::poll(waits, std::size(waits), static_cast<int>(std::max<std::int64_t>(ms, 0))) <= 0) return Woken::kTick;
  if (waits[1].revents != 0) return Woken::kDone;
  return waits[0].revents != 0 ? Woken::kStop : Woken::kTick;
}

/// A folder for a log that nobody keeps, when there is none in the settings.
Result<std::unique_ptr<TemporaryFolder>> temporary_data(RunSettings& settings) {
  std::unique_ptr<TemporaryFolder> folder;
  if (settings.is_data_temporary) {
    MILLRACE_TRY(made, TemporaryFolder::make());
    folder = std::move(made);
    settings.pipeline.data = folder->path() / "data";
  }
  return folder;
}

std::string text_of(const Report& report, RunSettings::Print how) {
  return how == RunSettings::Print::kJson ? to_json(report) + '\n' : to_text(report);
}

bool is_all_rejected(const Report& report) { return report.lines > 0 && report.rejected == report.lines; }

/// Most likely the log has another format than it was read with.
void hint_at_format(const Report& report, const PipelineOptions& options) {
  const auto reason = report.rejected_samples.empty() ? "" : " (" + report.rejected_samples.front().reason + ")";
  options.logger->warn(
      "every line so far was rejected{}: is the log's format {}? Give the server's own LogFormat or log_format with "
      "--format.",
      reason, options.format.spec());
}

/// The address is the user's word: it says which option to change.
template <class T>
Result<T> of_option(Result<T> opened, std::string_view option) {
  if (opened) return opened;
  return std::unexpected(std::move(opened).error().in(option));
}

/// One line of figures for people who watch a terminal.
class FiguresLine {
 public:
  /// Prints when it is time.
  void tick(const Pipeline& pipeline) {
    const auto now = steady_clock::now();
    if (now < next_) return;
    next_ = now + kFiguresEvery;
    const auto report = read_report(pipeline.job(), {.entries = 1, .windows = 1});
    if (!report) return;
    const auto stats = pipeline.job().stats();
    fmt::print(stderr,
               "{:%H:%M:%S}  {} lines ({:.0f}/s), {} hits, {} errors, {} rejected, {} visitors, {:.0f} ms behind\n",
               fmt::localtime(std::time(nullptr)), report->lines, stats.records_per_second, report->total.hits,
               report->total.errors, report->rejected, report->unique_visitors, stats.latency_last_ms);
    if (!is_hint_given_ && is_all_rejected(*report)) {
      hint_at_format(*report, pipeline.options());
      is_hint_given_ = true;
    }
  }

 private:
  steady_clock::time_point next_ = steady_clock::now() + kFiguresEvery;
  bool is_hint_given_ = false;
};

/// What a follower shows: page and Kafka listener. Declared after the pipeline, so that it ends before.
class Fronts {
 public:
  static Result<Fronts> open(const RunSettings& settings, Pipeline& pipeline, const LivePipeline& live) {
    Fronts fronts;
    if (!settings.listen.empty()) {
      MILLRACE_TRY(address, of_option(pipeline.listen(settings.listen), "--listen"));
      fmt::print(stderr, "Kafka clients: {} (topic {})\n", address, "access-log");
    }
    if (!settings.page.empty()) {
      auto page = PageServer::open(settings.page, live, console::page());
      if (!page && settings.is_demo && page.error().code() == ErrorCode::kInUse) {
        page = PageServer::open(settings.page.substr(0, settings.page.rfind(':')) + ":0", live, console::page());
      }
      MILLRACE_TRY(opened, of_option(std::move(page), "--page"));
      fronts.page_ = std::move(opened);
      fmt::print(stderr, "page: {}\n", fronts.page_->url());
    }
    return fronts;
  }
  void close() {
    if (page_) page_->close();
  }

 private:
  std::unique_ptr<PageServer> page_;
};

}  // namespace

Result<std::string> run_once(RunSettings settings) {
  MILLRACE_TRY(folder, temporary_data(settings));
  // Nobody can read topics that are gone at the end.
  if (settings.is_data_temporary) settings.pipeline.results = TopologyOptions::Results::kInStores;
  MILLRACE_TRY(done, Event::make());
  MILLRACE_TRY(pipeline, Pipeline::start(settings.pipeline));
  Progress progress;
  Woken woken = Woken::kTick;
  Result<void> outcome;
  {
    Waiter waiter{*pipeline, done};
    while (woken == Woken::kTick) {
      woken = wait_for(settings.stop_descriptor, done, kProgressTick);
      progress.show(*pipeline);
    }
    progress.clear();
    if (woken == Woken::kStop) static_cast<void>(pipeline->stop());
    outcome = waiter.outcome();
  }
  if (woken == Woken::kStop) {
    return fail(ErrorCode::kClosed, settings.is_data_temporary
                                        ? "stopped before the end: no report"
                                        : "stopped before the end: no report; the same command goes on from here");
  }
  MILLRACE_CHECK(std::move(outcome));
  MILLRACE_TRY(report, read_report(pipeline->job(), settings.cut));
  if (settings.is_data_temporary) {
    // Everything is counted and nothing will be read again.
    pipeline.reset();
    folder.reset();
  } else {
    MILLRACE_CHECK(pipeline->stop());
  }
  if (is_all_rejected(report)) hint_at_format(report, settings.pipeline);
  return text_of(report, settings.print);
}

Result<std::string> follow(RunSettings settings) {
  MILLRACE_TRY(folder, temporary_data(settings));
  MILLRACE_TRY(done, Event::make());
  std::unique_ptr<TemporaryFolder> made_up;
  std::unique_ptr<TrafficWriter> traffic;
  if (settings.is_demo) {
    MILLRACE_TRY(made, TemporaryFolder::make());
    made_up = std::move(made);
    const auto log = made_up->path() / "access.log";
    MILLRACE_TRY(started, TrafficWriter::start(log, kDemoLinesPerSecond));
    traffic = std::move(started);
    settings.pipeline.files = {log.string()};
    fmt::print(stderr, "made-up traffic goes to {}\n", log.string());
  }
  MILLRACE_TRY(pipeline, Pipeline::start(settings.pipeline));
  const SystemClock clock;
  LivePipeline live{*pipeline, clock, settings.cut};
  MILLRACE_TRY(fronts, Fronts::open(settings, *pipeline, live));

  const auto end = settings.seconds ? steady_clock::now() + *settings.seconds : steady_clock::time_point::max();
  FiguresLine figures;
  Woken woken = Woken::kTick;
  Result<void> outcome;
  {
    Waiter waiter{*pipeline, done};
    while (woken == Woken::kTick && steady_clock::now() < end) {
      woken = wait_for(settings.stop_descriptor, done,
                       std::min<steady_clock::duration>(kLiveTick, end - steady_clock::now()));
      live.refresh();
      figures.tick(*pipeline);
    }
    // Whatever fails here, the pipeline is stopped: the waiter waits for that.
    auto written = traffic ? traffic->stop() : Result<void>{};
    live.set_stopped();
    fronts.close();
    auto stopped = pipeline->stop();
    outcome = waiter.outcome();
    if (outcome) outcome = std::move(written);
    if (outcome) outcome = std::move(stopped);
  }
  MILLRACE_CHECK(std::move(outcome));
  if (settings.print == RunSettings::Print::kJson) {
    MILLRACE_TRY(report, read_report(pipeline->job(), settings.cut));
    return text_of(report, settings.print);
  }
  return std::string{};
}

}  // namespace millrace::weblog
