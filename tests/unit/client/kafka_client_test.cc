// What is special about a log that is somewhere else: it may be gone.

#include <gmock/gmock.h>

#include "millrace/broker.h"
#include "support/memory_logger.h"
#include "support/temporary_folder.h"
#include "unit/client/log_under_test.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(KafkaClient, TellsItsLoggerOfRecordsThatAProducerCouldNotStore) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "librdkafka is not instrumented: the thread sanitizer would not see its locks";
#endif
  const TemporaryFolder folder;
  MemoryLogger logger;
  auto broker = must(Broker::open(folder.path()));
  const auto address = must(broker->listen("127.0.0.1:0"));
  auto producer = must(must(Client::open("kafka:" + address, {}, &logger))->producer({{"delivery.timeout.ms", "300"}}));
  must(producer->send({.topic = "orders", .value = "stored"}));
  must(producer->flush(kPatience));
  must(broker->close(kPatience));

  must(producer->send({.topic = "orders", .value = "lost"}));
  producer.reset();

  EXPECT_THAT(logger.troubles(), ElementsAre(HasSubstr("not all that was sent is stored: 1 records for orders-0")));
}

}  // namespace
}  // namespace millrace::test
