#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "broker/broker_calls.h"
#include "broker/cluster_state.h"

namespace millrace {

/// Hands out producer ids from blocks that the metadata log has given to this broker: an id is never given twice, not
/// even after a crash; what is left of a block then is lost, as in Kafka.
///
/// Threading: any thread may call any function.
class ProducerIds : public std::enable_shared_from_this<ProducerIds> {
 public:
  ProducerIds(std::shared_ptr<ClusterState> cluster, BrokerId broker) : cluster_(std::move(cluster)), broker_(broker) {}

  /// As `BrokerCore::init_producer_id`.
  void next(InitProducerIdDone done);

 private:
  /// With the mutex held, and `next_` before `end_`.
  ProducerId take();
  void ask_for_block();
  void got_block(ProducerId first, const Result<void>& result);

  const std::shared_ptr<ClusterState> cluster_;
  const BrokerId broker_;

  std::mutex mutex_;
  ProducerId next_{0};
  ProducerId end_{0};
  bool asking_ = false;
  std::vector<InitProducerIdDone> waiting_;
};

}  // namespace millrace
