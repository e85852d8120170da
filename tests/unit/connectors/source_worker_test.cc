#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "connectors_support.h"
#include "fake_client.h"
#include "millrace/connect/file_source.h"
#include "millrace/connect/worker.h"
#include "support/patience.h"
#include "worker/offset_topic.h"
#include "worker/topic_limit.h"

namespace millrace::connect {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

/// Long enough for any machine: a test that needs it has failed.
class SourceWorkerTest : public testing::Test {
 protected:
  std::unique_ptr<SourceWorker> start(Properties config, WorkerOptions options = {}) {
    config.emplace("name", "logs");
    config.emplace("topic", "lines");
    auto worker = SourceWorker::start(client_, *connector_, config, std::move(options));
    EXPECT_TRUE(worker) << worker.error().message();
    return *std::move(worker);
  }

  /// Waits until the log satisfies the condition.
  template <class Condition>
  bool await(Condition condition) {
    std::unique_lock lock{log_.mutex};
    return log_.changed.wait_for(lock, kPatience, condition);
  }
  void set(auto change) {
    const std::lock_guard lock{log_.mutex};
    change();
    log_.changed.notify_all();
  }

  TempFolder folder_;
  FakeClient client_;
  FakeLog& log_ = *client_.log;
  std::unique_ptr<SourceConnector> connector_ = make_file_source();
};

TEST_F(SourceWorkerTest, ReadsFilesOnceAndStoresWhereTheyEnded) {
  write_file(folder_ / "a.log", "one\ntwo\n");
  auto worker = start({{"file", folder_ / "a.log"}, {"mode", "once"}});
  ASSERT_TRUE(worker->wait(kPatience));
  EXPECT_EQ(log_.values("lines"), (Texts{"one", "two"}));
  const auto status = worker->status();
  EXPECT_EQ(status.state, WorkerState::kDone);
  EXPECT_EQ(status.records, 2u);
  EXPECT_EQ(status.acknowledged, 2u);
  EXPECT_EQ(status.source_position, 8u);
  EXPECT_EQ(status.source_size, 8u);

  auto again = start({{"file", folder_ / "a.log"}, {"mode", "once"}});
  ASSERT_TRUE(again->wait(kPatience));
  EXPECT_EQ(log_.values("lines"), (Texts{"one", "two"}));
}

TEST_F(SourceWorkerTest, RepeatsNothingAfterAStopInTheMiddle) {
  std::string text;
  Texts expected;
  for (int i = 0; i < 5000; ++i) {
    expected.push_back("line " + std::to_string(i));
    text += expected.back() + "\n";
  }
  write_file(folder_ / "a.log", text);
  const Properties config{{"file", folder_ / "a.log"}, {"mode", "once"}, {"block.bytes", "4096"}};
  for (std::size_t stop_at = 500; stop_at < 5000; stop_at += 500) {
    auto worker = start(config);
    ASSERT_TRUE(await([&] { return log_.topics["lines"].size() >= stop_at; }));
    ASSERT_TRUE(worker->stop(kPatience));
  }
  ASSERT_TRUE(start(config)->wait(kPatience));
  EXPECT_EQ(log_.values("lines"), expected);
}

TEST_F(SourceWorkerTest, FollowsAFileUntilItIsStopped) {
  write_file(folder_ / "a.log", "one\n");
  auto worker = start({{"file", folder_ / "a.log"}});
  ASSERT_TRUE(await([&] { return log_.topics["lines"].size() == 1; }));
  append_file(folder_ / "a.log", "two\n");
  ASSERT_TRUE(await([&] { return log_.topics["lines"].size() == 2; }));
  ASSERT_TRUE(worker->stop(kPatience));
  ASSERT_TRUE(worker->stop(kPatience)) << "a second stop is no error";
  EXPECT_EQ(worker->status().state, WorkerState::kStopped);
}

TEST_F(SourceWorkerTest, FollowsThroughPollingWhereInotifyCannotBeUsed) {
  write_file(folder_ / "a.log", "one\n");
  auto worker = start({{"file", folder_ / "*.log"}, {"watch", "poll"}, {"poll.interval.ms", "1"}});
  ASSERT_TRUE(await([&] { return log_.topics["lines"].size() == 1; }));
  std::filesystem::rename(folder_ / "a.log", folder_ / "a.old");
  append_file(folder_ / "a.old", "two\n");
  ASSERT_TRUE(await([&] { return log_.topics["lines"].size() == 2; }));
  write_file(folder_ / "b.log", "three\n");
  ASSERT_TRUE(await([&] { return log_.topics["lines"].size() == 3; }));
  ASSERT_TRUE(worker->stop(kPatience));
}

TEST_F(SourceWorkerTest, StoresNoPositionBehindWhatIsNotAcknowledged) {
  write_file(folder_ / "a.log", "one\n");
  set([&] { log_.holds_back = true; });
  auto worker = start({{"file", folder_ / "a.log"}, {"mode", "once"}}, {.offset_flush_interval = 1ms});
  ASSERT_TRUE(await([&] { return log_.sent == 1; }));
  const auto stopped = worker->stop(50ms);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), ErrorCode::kTimedOut);
  EXPECT_EQ(log_.values("connect-offsets"), Texts{});
  worker.reset();

  set([&] { log_.holds_back = false; });
  auto again = start({{"file", folder_ / "a.log"}, {"mode", "once"}});
  ASSERT_TRUE(again->wait(kPatience));
  EXPECT_EQ(log_.values("lines"), (Texts{"one"}));
}

TEST_F(SourceWorkerTest, SendsNoMoreThanItsBoundOfBytesInFlight) {
  write_file(folder_ / "a.log", std::string(100'000, '\n') + std::string(100, 'x') + "\n");
  write_file(folder_ / "b.log", std::string(1000, 'y') + "\n");
  set([&] { log_.holds_back = true; });
  const std::vector files{folder_ / "a.log", folder_ / "b.log"};
  auto worker = start({{"file", join_file_list(files)}, {"mode", "once"}, {"block.bytes", "200000"}},
                      {.offset_flush_interval = 1ms, .max_in_flight_bytes = 100});
  ASSERT_TRUE(await([&] { return log_.sent == 100'001; }));
  EXPECT_FALSE(worker->wait(20ms));
  EXPECT_EQ(worker->status().bytes, 100u);
  set([&] { log_.holds_back = false; });
  // What is held back goes with the next record or flush; stopping flushes.
  ASSERT_TRUE(worker->stop(kPatience));
}

TEST_F(SourceWorkerTest, WaitsWhileTheTopicIsFullAndGoesOnWhenItWasTrimmed) {
  write_file(folder_ / "a.log", "one\n");
  set([&] { log_.topic_bytes = 1000; });
  auto worker = start({{"file", folder_ / "a.log"}, {"mode", "once"}},
                      {.offset_flush_interval = 1h, .max_topic_bytes = 1000, .limit_check_interval = 1h});
  EXPECT_FALSE(worker->wait(20ms));
  EXPECT_EQ(worker->status().state, WorkerState::kTopicFull);
  EXPECT_EQ(worker->status().topic_bytes, 1000u);
  EXPECT_EQ(log_.values("lines"), Texts{});
  set([&] { log_.topic_bytes = 10; });
  worker->topic_trimmed();
  ASSERT_TRUE(worker->wait(kPatience));
  EXPECT_EQ(log_.values("lines"), (Texts{"one"}));
}

TEST_F(SourceWorkerTest, FailsWithTheReasonWhenARecordCannotBeStored) {
  write_file(folder_ / "a.log", "one\n");
  set([&] { log_.failure = Error{ErrorCode::kNoSpace, "cannot write 0.log: no space left on device"}; });
  auto worker = start({{"file", folder_ / "a.log"}});
  const auto ended = worker->wait(kPatience);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().message(), "connector \"logs\": cannot write 0.log: no space left on device");
  EXPECT_EQ(worker->status().state, WorkerState::kFailed);
  EXPECT_EQ(worker->status().acknowledged, 0u);
}

TEST_F(SourceWorkerTest, RepeatsNothingAfterACrashWhenItResumesFromTheTopic) {
  std::string text;
  Texts expected;
  for (int i = 0; i < 5000; ++i) {
    expected.push_back("line " + std::to_string(i % 100));
    text += expected.back() + "\n";
  }
  write_file(folder_ / "a.log", text);
  const Properties config{{"file", folder_ / "a.log"}, {"mode", "once"}, {"block.bytes", "4096"}};
  for (std::size_t crash_at = 500; crash_at < 5000; crash_at += 900) {
    auto worker = start(config, {.resume_from = ResumeFrom::kTopic, .offset_flush_interval = 1ms});
    ASSERT_TRUE(await([&] { return log_.topics["lines"].size() >= crash_at; }));
    worker.reset();
    // As if the end had come before the last positions, and some records, were stored.
    set([&] {
      auto& positions = log_.topics["connect-offsets"];
      positions.resize(positions.size() * 2 / 3);
      auto& lines = log_.topics["lines"];
      const auto known = positions.empty() ? 0 : *int_field(*fields_from_json(*positions.back().value), "topic.offset");
      lines.resize(lines.size() - (lines.size() - static_cast<std::size_t>(known)) / 3);
    });
  }
  ASSERT_TRUE(start(config, {.resume_from = ResumeFrom::kTopic})->wait(kPatience));
  EXPECT_EQ(log_.values("lines"), expected);
}

TEST_F(SourceWorkerTest, TakesNoLineForStoredTwiceThoughAllAreEqual) {
  const auto path = folder_ / "a.log";
  const Properties config{{"file", path}, {"mode", "once"}};
  std::string same;
  for (int i = 0; i < 1000; ++i) same += "same\n";
  write_file(path, same);
  ASSERT_TRUE(start(config)->wait(kPatience));
  set([&] { log_.topics["connect-offsets"].clear(); });
  ASSERT_TRUE(start(config, {.resume_from = ResumeFrom::kTopic})->wait(kPatience));
  EXPECT_EQ(log_.values("lines").size(), 1000u);
  EXPECT_THAT(log_.values("connect-offsets").back(), testing::HasSubstr(R"("topic.offset":1000)"));
  append_file(path, same);
  ASSERT_TRUE(start(config, {.resume_from = ResumeFrom::kTopic})->wait(kPatience));
  EXPECT_EQ(log_.values("lines").size(), 2000u);
}

TEST_F(SourceWorkerTest, DoesNotResumeFromTheTopicWhereAPositionDoesNotKnowItsEnd) {
  const auto path = folder_ / "a.log";
  const Properties config{{"file", path}, {"mode", "once"}};
  write_file(path, "same\nsame\n");
  ASSERT_TRUE(start(config)->wait(kPatience));
  set([&] {
    auto& value = *log_.topics["connect-offsets"].back().value;
    auto fields = *fields_from_json(value);
    ASSERT_EQ(fields.erase("topic.offset"), 1u);
    value = to_json(fields);
  });
  append_file(path, "same\nsame\n");
  ASSERT_TRUE(start(config, {.resume_from = ResumeFrom::kTopic})->wait(kPatience));
  EXPECT_EQ(log_.values("lines").size(), 4u);
}

TEST_F(SourceWorkerTest, NamesAnUnknownKeyAndAMissingFile) {
  const auto message_for = [&](Properties config) {
    config.emplace("topic", "lines");
    const auto worker = SourceWorker::start(client_, *connector_, config);
    return worker ? "no error" : worker.error().message();
  };
  EXPECT_EQ(message_for({{"files", "a"}}), "file source: unknown key \"files\". Did you mean \"file\"?");
  EXPECT_EQ(message_for({{"file", ""}}), "file source: \"file\" names no file");
  EXPECT_EQ(message_for({{"file", folder_ / "no"}, {"mode", "once"}}),
            "cannot read " + folder_ / "no" + ": no such file");
}

TEST_F(SourceWorkerTest, ReadsItsOwnPositionsOnly) {
  log_.topics["connect-offsets"] = {
      {offset_key("logs", {{"inode", std::int64_t{1}}}), R"({"position":1})", {}},
      {offset_key("other", {{"inode", std::int64_t{1}}}), R"({"position":2})", {}},
      {offset_key("logs", {{"inode", std::int64_t{2}}}), R"({"position":3})", {}},
      {"nonsense", "nonsense", {}},
      {offset_key("logs", {{"inode", std::int64_t{1}}}), R"({"position":4})", {}},
      {offset_key("logs", {{"inode", std::int64_t{2}}}), std::nullopt, {}},
  };
  auto admin = client_.admin({});
  const auto offsets = read_offsets(client_, **admin, "connect-offsets", "logs", kPatience);
  ASSERT_TRUE(offsets);
  EXPECT_EQ(offsets->offsets, (StoredOffsets{{{{"inode", std::int64_t{1}}}, {{"position", std::int64_t{4}}}}}));
}

TEST(TopicLimit, AsksForTheSizeOnlyWhenItMayBeReached) {
  TopicLimit limit{1000, 100ms};
  TimePoint now{};
  now += 1h;
  limit.on_size(400, 0, now);
  limit.on_sent(599);
  EXPECT_TRUE(limit.has_room());
  EXPECT_FALSE(limit.wants_size(now + 1h));
  limit.on_sent(1);
  EXPECT_FALSE(limit.has_room());
  EXPECT_FALSE(limit.wants_size(now));
  EXPECT_TRUE(limit.wants_size(now + 100ms));
  limit.on_size(1000, 0, now + 100ms);
  EXPECT_FALSE(limit.wants_size(now + 150ms));
  limit.on_trimmed();
  EXPECT_TRUE(limit.wants_size(now + 150ms));
  limit.on_size(10, 0, now + 150ms);
  EXPECT_TRUE(limit.has_room());
}

TEST(TopicLimit, CountsWhatIsOnItsWayAndLooksAgainSoon) {
  TopicLimit limit{1000, 1h};
  const TimePoint now{};
  limit.on_size(600, 400, now);
  EXPECT_FALSE(limit.has_room());
  EXPECT_TRUE(limit.wants_size(now + 10ms));
  limit.on_size(900, 50, now + 10ms);
  EXPECT_TRUE(limit.has_room());
}

}  // namespace
}  // namespace millrace::connect
