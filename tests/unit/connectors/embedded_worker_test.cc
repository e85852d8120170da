// The worker over the embedded log: what the tests over a log in memory can't show.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "connectors_support.h"
#include "millrace/broker.h"
#include "millrace/connect/file_source.h"
#include "millrace/connect/worker.h"
#include "support/patience.h"

namespace millrace::connect {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

class EmbeddedWorkerTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override { EXPECT_TRUE(broker_->close(kPatience)); }

  void open() {
    auto broker = Broker::open(folder_ / "data");
    ASSERT_TRUE(broker) << broker.error().message();
    broker_ = *std::move(broker);
    client_ = broker_->client().value();
  }

  void capture(Properties config, WorkerOptions options = {}) {
    config.emplace("name", "logs");
    config.emplace("topic", "lines");
    config.emplace("mode", "once");
    const auto connector = make_file_source();
    auto worker = SourceWorker::start(*client_, *connector, config, std::move(options));
    ASSERT_TRUE(worker) << worker.error().message();
    const auto ended = (*worker)->wait(kPatience);
    EXPECT_TRUE(ended) << ended.error().message();
  }

  Texts lines() {
    auto consumer = client_->consumer({{"auto.offset.reset", "earliest"}}).value();
    const TopicPartition partition{"lines", PartitionIndex{0}};
    EXPECT_TRUE(consumer->assign({partition}));
    const auto end = client_->admin().value()->list_offset(partition, {.kind = OffsetKind::kLatest}).value().offset;
    Texts lines;
    while (consumer->position(partition).value() < end) {
      const auto batches = consumer->poll(kPatience);
      EXPECT_TRUE(batches);
      for (const auto& batch : *batches) {
        for (const auto& record : batch.records()) lines.emplace_back(record.value.text());
      }
    }
    return lines;
  }

  TempFolder folder_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<Client> client_;
};

TEST_F(EmbeddedWorkerTest, GoesOnWhereItStoppedThoughTheBrokerWasClosed) {
  const auto path = folder_ / "a.log";
  write_file(path, "one\ntwo\n");
  capture({{"file", path}});
  client_.reset();
  ASSERT_TRUE(broker_->close(kPatience));
  broker_.reset();
  open();
  append_file(path, "three\n");
  capture({{"file", path}});
  EXPECT_EQ(lines(), (Texts{"one", "two", "three"}));
}

TEST_F(EmbeddedWorkerTest, RepeatsNothingWhenItsPositionsAreLost) {
  const auto path = folder_ / "a.log";
  Texts expected;
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    expected.push_back("line " + std::to_string(i % 1000));
    text += expected.back() + "\n";
  }
  const auto half = text.find("\nline 500\n", text.size() / 2) + 1;
  write_file(path, std::string_view{text}.substr(0, half));
  capture({{"file", path}}, {.offset_topic = "lost-offsets"});
  append_file(path, std::string_view{text}.substr(half));
  capture({{"file", path}}, {.resume_from = ResumeFrom::kTopic});
  EXPECT_EQ(lines(), expected);
}

TEST_F(EmbeddedWorkerTest, StoresALineOfTheLargestSizeCutAndMarked) {
  const auto path = folder_ / "a.log";
  write_file(path, "before\n" + std::string(10'000'000, 'x') + "\nafter\n");
  capture({{"file", path}});
  const auto stored = lines();
  ASSERT_EQ(stored.size(), 3u);
  EXPECT_EQ(stored[1], std::string(999'000, 'x'));
  EXPECT_EQ(stored[2], "after");
}

}  // namespace
}  // namespace millrace::connect
