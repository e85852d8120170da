#include "unit/client/logs.h"

#include <cstdlib>

#include "millrace/broker.h"
#include "support/temporary_folder.h"

namespace millrace::test {
namespace {

const Properties kBrokerSettings{{"group.initial.rebalance.delay.ms", "0"},
                                 {"offsets.topic.num.partitions", "4"},
                                 {"transaction.state.log.num.partitions", "4"}};

/// The broker in this process, called directly.
class EmbeddedLog final : public LogUnderTest {
 public:
  std::unique_ptr<Client> client(const Properties& properties) override { return must(broker_->client(properties)); }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<Broker> broker_ = must(Broker::open(folder_.path(), kBrokerSettings));
};

/// The same over its own protocol, by librdkafka.
class ServedLog final : public LogUnderTest {
 public:
  std::unique_ptr<Client> client(const Properties& properties) override {
    return must(Client::open("kafka:" + address_, properties));
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<Broker> broker_ = must(Broker::open(folder_.path(), kBrokerSettings));
  std::string address_ = must(broker_->listen("127.0.0.1:0"));
};

/// Somebody else's broker, which runs already: what earlier tests left there is deleted.
class ForeignLog final : public LogUnderTest {
 public:
  explicit ForeignLog(std::string address) : address_(std::move(address)) {
    auto admin = must(must(Client::open("kafka:" + address_))->admin());
    for (const auto& group : must(admin->list_groups())) (void)admin->delete_group(group.id);
    for (const auto& topic : must(admin->list_topics())) {
      if (!topic.starts_with("__")) must(admin->delete_topic(topic));
    }
  }
  std::unique_ptr<Client> client(const Properties& properties) override {
    return must(Client::open("kafka:" + address_, properties));
  }

 private:
  const std::string address_;
};

}  // namespace

std::vector<LogKind> log_kinds() {
#ifdef __SANITIZE_THREAD__
  const std::string uninstrumented = "librdkafka is not instrumented: the thread sanitizer would not see its locks";
#else
  const std::string uninstrumented;
#endif
  const char* foreign = std::getenv("MILLRACE_KAFKA");
  const std::string address = foreign == nullptr ? "" : foreign;
  return {
      {.name = "embedded", .make = [] { return std::make_unique<EmbeddedLog>(); }},
      {.name = "kafka",
       .make = [] { return std::make_unique<ServedLog>(); },
       .kind = LogKind::Kind::kCluster,
       .why_not = uninstrumented},
      {.name = "apache",
       .make = [address] { return std::make_unique<ForeignLog>(address); },
       .kind = LogKind::Kind::kForeign,
       .why_not = address.empty() ? "MILLRACE_KAFKA names no broker (tests/conformance/client_contract_test.py)" : ""}};
}

}  // namespace millrace::test
