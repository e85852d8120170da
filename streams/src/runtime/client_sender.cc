#include "runtime/client_sender.h"

#include <fmt/core.h>

namespace millrace::streams {

Result<void> ClientSender::send(std::uint32_t sink, Timestamp time, NullableBytes key, NullableBytes value) {
  auto sent = producer_->send({.topic = topics_[sink], .key = key, .value = value, .timestamp = time});
  if (!sent)
    return std::unexpected(std::move(sent).error().in(fmt::format("cannot send a result to {}", topics_[sink])));
  return {};
}

Result<void> ClientSender::send_dead_letter(const std::string& topic, const TopicPartition& from,
                                            const RecordView& record, std::string_view reason) {
  const auto partition = std::to_string(from.partition.value());
  const auto offset = std::to_string(record.offset.value());
  auto headers = headers_of(record);
  headers.push_back({"error.topic", from.topic});
  headers.push_back({"error.partition", partition});
  headers.push_back({"error.offset", offset});
  headers.push_back({"error.reason", reason});
  auto sent = producer_->send(
      {.topic = topic, .key = record.key, .value = record.value, .timestamp = record.timestamp, .headers = headers});
  if (!sent) return std::unexpected(std::move(sent).error().in(fmt::format("cannot send a dead letter to {}", topic)));
  return {};
}

}  // namespace millrace::streams
