#include "client/embedded/embedded_client.h"

#include "client/client_config.h"

namespace millrace {
namespace {

class EmbeddedClient final : public Client {
 public:
  EmbeddedClient(std::shared_ptr<EmbeddedContext> context, Properties properties)
      : context_(std::move(context)), properties_(std::move(properties)) {}

  Result<std::unique_ptr<Producer>> producer(const Properties& properties, DeliveryListener listener,
                                             Partitioner partitioner) override {
    MILLRACE_TRY(merged, handle_configs(producer_config_table(), properties_, properties));
    return make_embedded_producer(context_, merged, std::move(listener), std::move(partitioner));
  }

  Result<std::unique_ptr<Consumer>> consumer(const Properties& properties) override {
    MILLRACE_TRY(merged, handle_configs(consumer_config_table(), properties_, properties));
    return make_embedded_consumer(context_, merged);
  }

  Result<std::unique_ptr<Admin>> admin(const Properties& properties) override {
    MILLRACE_TRY(merged, handle_configs(admin_config_table(), properties_, properties));
    return make_embedded_admin(context_, merged);
  }

 private:
  const std::shared_ptr<EmbeddedContext> context_;
  const Properties properties_;
};

}  // namespace

Result<std::unique_ptr<Client>> make_embedded_client(std::shared_ptr<EmbeddedContext> context,
                                                     const Properties& properties) {
  MILLRACE_CHECK(check_client_configs(properties));
  return std::make_unique<EmbeddedClient>(std::move(context), properties);
}

}  // namespace millrace
