#include "embed/metrics_report.h"

#include <gmock/gmock.h>

#include "coordinator/group_coordinator.h"
#include "server/api_table.h"
#include "unit/broker/simulated_broker.h"

namespace millrace::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MetricsReport : public ::testing::Test {
 protected:
  std::string report() { return metrics_report(*broker_.core, requests_); }

  void commit(const std::string& group, Offset offset) {
    Caught<Result<void>> ensured;
    broker_.core->groups().ensure(ensured.callback());
    broker_.executor.run_all();
    must(ensured.get());
    CommitOffsets call;
    call.group = group;
    call.offsets.push_back({.topic = {.name = "orders"}, .partition = PartitionIndex{0}, .offset = offset});
    Caught<std::vector<ErrorCode>> committed;
    broker_.core->groups().commit_offsets(std::move(call), committed.callback());
    broker_.executor.run_all();
    EXPECT_EQ(committed.get().front(), ErrorCode::kNone);
  }

  SimulatedBroker broker_{{{"offsets.topic.num.partitions", "2"}}};
  RequestMetrics requests_{served_apis().size(), 2, broker_.clock};
};

TEST_F(MetricsReport, NamesEachDeclaredMetricOnce) {
  const auto text = report();
  for (const auto& metric : broker_metrics()) {
    const auto head = "# TYPE " + std::string{metric.name} + " " + std::string{name_of(metric.type)} + "\n";
    const auto found = text.find(head);
    EXPECT_NE(found, std::string::npos) << head;
    EXPECT_EQ(text.find(head, found + 1), std::string::npos) << head;
  }
}

TEST_F(MetricsReport, ShowsPartitionsWithTheirSizesAndEnds) {
  broker_.create("orders", 2);
  const auto batch = broker_.batch({"a", "b", "c"});
  ASSERT_TRUE(broker_.produce_durably("orders", batch));
  const auto text = report();
  EXPECT_THAT(text, HasSubstr("\nmillrace_topics 1\n"));
  EXPECT_THAT(text, HasSubstr("\nmillrace_partitions 2\n"));
  EXPECT_THAT(text, HasSubstr("\nmillrace_partitions_offline 0\n"));
  EXPECT_THAT(text, HasSubstr("\nmillrace_partition_size_bytes{topic=\"orders\",partition=\"0\"} " +
                              std::to_string(batch.size()) + "\n"));
  EXPECT_THAT(text, HasSubstr("\nmillrace_partition_high_watermark{topic=\"orders\",partition=\"0\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("\nmillrace_partition_high_watermark{topic=\"orders\",partition=\"1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nmillrace_disk_usable_bytes{directory=\"/data\"} "));
  EXPECT_THAT(text, Not(HasSubstr("\nmillrace_flush_seconds_count 0\n")));
}

TEST_F(MetricsReport, CountsPartitionsThatAreOffline) {
  broker_.create("orders");
  broker_.disk.inject(
      {.operation = FileOperation::kSync, .path_contains = "orders-0/00000000000000000000.log", .error_number = EIO});
  EXPECT_FALSE(broker_.produce_durably("orders", broker_.batch({"a"})));
  EXPECT_THAT(report(), HasSubstr("\nmillrace_partitions_offline 1\n"));
}

TEST_F(MetricsReport, ShowsHowFarGroupsAreBehind) {
  broker_.create("orders");
  ASSERT_TRUE(broker_.produce_durably("orders", broker_.batch({"a", "b", "c"})));
  EXPECT_THAT(report(), Not(HasSubstr("millrace_group_lag{")));
  commit("billing", Offset{1});
  const auto text = report();
  const std::string where = "{group=\"billing\",topic=\"orders\",partition=\"0\"} ";
  EXPECT_THAT(text, HasSubstr("\nmillrace_group_committed_offset" + where + "1\n"));
  EXPECT_THAT(text, HasSubstr("\nmillrace_group_lag" + where + "2\n"));
  EXPECT_THAT(text, HasSubstr("\nmillrace_groups{state=\"Empty\"} 1\n"));
}

TEST_F(MetricsReport, ShowsOnlyApisThatWereUsed) {
  const auto* fetch = find_api(1);
  ASSERT_NE(fetch, nullptr);
  const auto place = requests_.connected();
  const auto begun = requests_.now();
  broker_.clock.advance(std::chrono::milliseconds{3});
  requests_.answered(place, static_cast<std::size_t>(fetch - served_apis().data()), begun, 100, 2000);
  const auto text = report();
  EXPECT_THAT(text, HasSubstr("\nmillrace_request_seconds_bucket{api=\"Fetch\",le=\"0.005\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nmillrace_request_seconds_sum{api=\"Fetch\"} 0.003\n"));
  EXPECT_THAT(text, HasSubstr("\nmillrace_request_bytes_total{api=\"Fetch\"} 100\n"));
  EXPECT_THAT(text, HasSubstr("\nmillrace_response_bytes_total{api=\"Fetch\"} 2000\n"));
  EXPECT_THAT(text, HasSubstr("\nmillrace_connections 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("api=\"Produce\"")));
}

TEST_F(MetricsReport, ShowsTheProcessItself) {
  const auto text = report();
  EXPECT_THAT(text, HasSubstr("\nmillrace_build_info{version=\""));
  for (const auto* positive :
       {"\nprocess_resident_memory_bytes ", "\nprocess_open_fds ", "\nprocess_start_time_seconds "}) {
    const auto found = text.find(positive);
    ASSERT_NE(found, std::string::npos) << positive;
    EXPECT_GT(std::stod(text.substr(found + std::string_view{positive}.size())), 0) << positive;
  }
}

}  // namespace
}  // namespace millrace::test
