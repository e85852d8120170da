#pragma once

#include <memory>

#include "base/buffers.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/logger.h"
#include "broker/broker_core.h"
#include "millrace/client.h"

namespace millrace {

/// What the handles of one embedded client share. It keeps the broker and what that stands on.
struct EmbeddedContext {
  /// Outlives everything below: whoever owns threads, clock and files. May be null when they live on anyway.
  std::shared_ptr<void> host;
  std::shared_ptr<BrokerCore> broker;
  Executor& executor;
  const Clock& clock;
  /// Null: what a handle cannot tell anybody at its end is not told.
  Logger* logger = nullptr;
  BufferPool buffers{};
};

/// A client that calls the broker in this process: no copy, no network in between. Errors: `kInvalidConfig`.
[[nodiscard]] Result<std::unique_ptr<Client>> make_embedded_client(std::shared_ptr<EmbeddedContext> context,
                                                                   const Properties& properties);

/// The handles, each with its checked properties.
[[nodiscard]] Result<std::unique_ptr<Producer>> make_embedded_producer(std::shared_ptr<EmbeddedContext> context,
                                                                       const Properties& properties,
                                                                       DeliveryListener listener,
                                                                       Partitioner partitioner);
[[nodiscard]] Result<std::unique_ptr<Consumer>> make_embedded_consumer(std::shared_ptr<EmbeddedContext> context,
                                                                       const Properties& properties);
[[nodiscard]] Result<std::unique_ptr<Admin>> make_embedded_admin(std::shared_ptr<EmbeddedContext> context,
                                                                 const Properties& properties);

}  // namespace millrace
