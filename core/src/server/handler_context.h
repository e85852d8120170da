#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "broker/broker_core.h"

namespace millrace {

/// What a connection knows about itself while requests of it wait.
///
/// Threading: any thread.
class ConnectionState {
 public:
  explicit ConnectionState(std::string client_host) : client_host_(std::move(client_host)) {}

  [[nodiscard]] const std::string& client_host() const { return client_host_; }

  /// A fetch of this connection waits. When the connection is gone, so is the wait.
  void waits(BrokerCore& broker, FetchId fetch) {
    {
      const std::lock_guard lock{mutex_};
      if (!closed_) {
        fetch_ = fetch;
        return;
      }
    }
    broker.end_wait(fetch);
  }

  void closed(BrokerCore& broker) {
    std::optional<FetchId> fetch;
    {
      const std::lock_guard lock{mutex_};
      closed_ = true;
      fetch = std::exchange(fetch_, std::nullopt);
    }
    if (fetch) broker.end_wait(*fetch);
  }

 private:
  const std::string client_host_;
  std::mutex mutex_;
  bool closed_ = false;
  std::optional<FetchId> fetch_;
};

/// What a handler may know about who asks, and what it asks.
///
/// Threading: one thread at a time. Lives until the request is answered.
class HandlerContext {
 public:
  HandlerContext(BrokerCore& broker, std::shared_ptr<const std::string> listener,
                 std::shared_ptr<ConnectionState> connection, std::string client_id)
      : broker_(broker),
        listener_(std::move(listener)),
        connection_(std::move(connection)),
        client_id_(std::move(client_id)) {}

  [[nodiscard]] BrokerCore& broker() const { return broker_; }
  /// The name of the listener that the client came through: it is told the brokers' addresses on that one.
  [[nodiscard]] const std::string& listener() const { return *listener_; }
  /// What the client calls itself; empty when it does not.
  [[nodiscard]] const std::string& client_id() const { return client_id_; }
  /// Where it is, as Kafka writes it: "/127.0.0.1".
  [[nodiscard]] const std::string& client_host() const { return connection_->client_host(); }
  void waits(FetchId fetch) const { connection_->waits(broker_, fetch); }

 private:
  BrokerCore& broker_;
  std::shared_ptr<const std::string> listener_;
  std::shared_ptr<ConnectionState> connection_;
  std::string client_id_;
};

}  // namespace millrace
