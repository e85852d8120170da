#include "client/kafka/kafka_client.h"

#include "client/client_config.h"
#include "client/kafka_module.h"

namespace millrace {
namespace {

class KafkaClient final : public Client {
 public:
  KafkaClient(std::shared_ptr<KafkaContext> context, Properties properties)
      : context_(std::move(context)), properties_(std::move(properties)) {}

  Result<std::unique_ptr<Producer>> producer(const Properties& properties, DeliveryListener listener,
                                             Partitioner partitioner) override {
    MILLRACE_TRY(merged, handle_configs(producer_config_table(), properties_, properties));
    return make_kafka_producer(context_, merged, std::move(listener), std::move(partitioner));
  }
  Result<std::unique_ptr<Consumer>> consumer(const Properties& properties) override {
    MILLRACE_TRY(merged, handle_configs(consumer_config_table(), properties_, properties));
    return make_kafka_consumer(context_, merged);
  }
  Result<std::unique_ptr<Admin>> admin(const Properties& properties) override {
    MILLRACE_TRY(merged, handle_configs(admin_config_table(), properties_, properties));
    return make_kafka_admin(context_, merged);
  }

 private:
  const std::shared_ptr<KafkaContext> context_;
  const Properties properties_;
};

}  // namespace

Result<std::unique_ptr<Client>> make_kafka_client(std::string_view brokers, const Properties& properties,
                                                  Logger* logger) {
  MILLRACE_CHECK(check_client_configs(properties));
  auto context = std::make_shared<KafkaContext>();
  context->brokers = brokers;
  context->logger = logger;
  MILLRACE_TRY(cluster, Cluster::parse(brokers, admin_config_table().get_string(properties, "client.id")));
  context->cluster = std::move(cluster);
  return std::make_unique<KafkaClient>(std::move(context), properties);
}

}  // namespace millrace

extern "C" {
/// What the program looks up: see kafka_module.h.
__attribute__((visibility("default"))) extern const millrace::KafkaModule millrace_kafka_module;
const millrace::KafkaModule millrace_kafka_module{MILLRACE_VERSION, millrace::make_kafka_client};
}
