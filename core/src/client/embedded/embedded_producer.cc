#include "client/client_config.h"
#include "client/embedded/embedded_client.h"
#include "client/embedded/producer_core.h"

namespace millrace {
namespace {

class EmbeddedProducer final : public Producer {
 public:
  EmbeddedProducer(std::shared_ptr<EmbeddedContext> context, std::shared_ptr<ProducerCore> core)
      : context_(std::move(context)), core_(std::move(core)) {}
  ~EmbeddedProducer() override {
    const auto closed = core_->close(kPatience);
    core_->detach();
    // A listener has heard it too; without one nobody would.
    if (!closed && context_->logger != nullptr) {
      context_->logger->warn("a producer ended, and not all that was sent is stored: {}", closed.error().message());
    }
  }

  Result<void> send(const ProducerRecord& record) override { return core_->send_all({&record, 1}); }
  Result<void> send_all(std::span<const ProducerRecord> records) override { return core_->send_all(records); }
  Result<void> flush(Duration timeout) override { return core_->flush(timeout); }
  Result<void> close(Duration timeout) override { return core_->close(timeout); }
  Result<void> init_transactions(Duration timeout) override { return core_->init_transactions(timeout); }
  Result<void> begin_transaction() override { return core_->begin_transaction(); }
  Result<void> send_offsets(std::span<const PartitionOffset> offsets, const GroupMetadata& group,
                            Duration timeout) override {
    return core_->send_offsets(offsets, group, timeout);
  }
  Result<void> commit_transaction(Duration timeout) override { return core_->commit_transaction(timeout); }
  Result<void> abort_transaction(Duration timeout) override { return core_->abort_transaction(timeout); }
  TransactionPhase transaction_phase() const override { return core_->transaction_phase(); }

 private:
  static constexpr std::chrono::seconds kPatience{30};
  const std::shared_ptr<EmbeddedContext> context_;
  const std::shared_ptr<ProducerCore> core_;
};

}  // namespace

Result<std::unique_ptr<Producer>> make_embedded_producer(std::shared_ptr<EmbeddedContext> context,
                                                         const Properties& properties, DeliveryListener listener,
                                                         Partitioner partitioner) {
  MILLRACE_CHECK(check_transactions(properties));
  auto core = std::make_shared<ProducerCore>(*context, properties, std::move(listener), std::move(partitioner));
  core->start();
  return std::make_unique<EmbeddedProducer>(std::move(context), std::move(core));
}

}  // namespace millrace
