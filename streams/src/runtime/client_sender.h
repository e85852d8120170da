#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "millrace/client.h"
#include "runtime/task_core.h"

namespace millrace::streams {

/// Sends a job's outputs through a producer.
///
/// Threading: any thread.
class ClientSender final : public OutputSender {
 public:
  /// `topics`: the names, by sink number.
  ClientSender(std::unique_ptr<Producer> producer, std::vector<std::string> topics)
      : producer_(std::move(producer)), topics_(std::move(topics)) {}

  Result<void> send(std::uint32_t sink, Timestamp time, NullableBytes key, NullableBytes value) override;
  Result<void> send_dead_letter(const std::string& topic, const TopicPartition& from, const RecordView& record,
                                std::string_view reason) override;
  /// Waits until all that was sent is acknowledged.
  Result<void> flush(Duration timeout) { return producer_->flush(timeout); }
  Result<void> close(Duration timeout) { return producer_->close(timeout); }

 private:
  std::unique_ptr<Producer> producer_;
  std::vector<std::string> topics_;
};

}  // namespace millrace::streams
