#include <fmt/format.h>

#include <string>
#include <string_view>

#include "embed/broker_registry.h"
#include "embed/kafka_loader.h"
#include "millrace/broker.h"
#include "millrace/client.h"

namespace millrace {
namespace {

constexpr std::string_view kEmbedded = "embedded:";
constexpr std::string_view kKafka = "kafka:";

class HostedBroker final : public Broker {
 public:
  explicit HostedBroker(std::shared_ptr<BrokerHost> host) : host_(std::move(host)) {}

  Result<std::unique_ptr<Client>> client(const Properties& properties) override {
    return BrokerHost::client(host_, properties);
  }
  Result<std::string> listen(std::string_view address) override { return host_->listen(address); }
  Result<void> close(Duration timeout) override { return host_->close(timeout); }

 private:
  const std::shared_ptr<BrokerHost> host_;
};

}  // namespace

Result<std::unique_ptr<Broker>> Broker::open(std::string_view directory, const Properties& config, Logger* logger) {
  MILLRACE_TRY(host, BrokerRegistry::instance().open(directory, config, logger));
  return std::make_unique<HostedBroker>(std::move(host));
}

Result<std::unique_ptr<Client>> Client::open(std::string_view address, const Properties& properties, Logger* logger) {
  if (address.starts_with(kEmbedded)) {
    const auto directory = address.substr(kEmbedded.size());
    if (directory.empty()) {
      return fail(ErrorCode::kInvalidArgument, "\"embedded:\" names no folder; write embedded:DIR");
    }
    MILLRACE_TRY(host, BrokerRegistry::instance().share(directory, logger));
    return BrokerHost::client(host, properties);
  }
  if (address.starts_with(kKafka)) {
    const auto brokers = address.substr(kKafka.size());
    if (brokers.empty()) {
      return fail(ErrorCode::kInvalidArgument, "\"kafka:\" names no broker; write kafka:HOST:PORT");
    }
    return open_kafka_client(brokers, properties, logger);
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("\"{}\" is no address of a log; write embedded:DIR or kafka:HOST:PORT", address));
}

}  // namespace millrace
