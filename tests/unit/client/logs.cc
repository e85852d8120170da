#include "unit/client/logs.h"

#include "millrace/broker.h"
#include "support/temporary_folder.h"

namespace millrace::test {
namespace {

const Properties kBrokerSettings{{"group.initial.rebalance.delay.ms", "0"}, {"offsets.topic.num.partitions", "4"}};

/// The broker in this process, called directly.
class EmbeddedLog final : public LogUnderTest {
 public:
  std::unique_ptr<Client> client(const Properties& properties) override { return must(broker_->client(properties)); }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<Broker> broker_ = must(Broker::open(folder_.path(), kBrokerSettings));
};

}  // namespace

std::vector<LogKind> log_kinds() {
  return {{.name = "embedded", .make = [] { return std::make_unique<EmbeddedLog>(); }}};
}

}  // namespace millrace::test
