#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct DeleteTopicState {
  std::optional<std::string> name;
  TopicId topic_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name, nullable(from(6)));
    visit("topic_id", self.topic_id);
  }

  friend bool operator==(const DeleteTopicState&, const DeleteTopicState&) = default;
};

/// Delete topics by name or, since version 6, by id. Source: DeleteTopicsRequest.json of Kafka 3.9 and 4.3.1.
struct DeleteTopicsRequest {
  static constexpr const char* kName = "DeleteTopicsRequest";
  static constexpr auto kApi = ApiKey::kDeleteTopics;
  static constexpr Versions kVersions{0, 6};
  static constexpr Versions kFlexible = from(4);

  std::vector<DeleteTopicState> topics;
  std::vector<std::string> topic_names;
  std::int32_t timeout_ms = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topics", self.topics, from(6));
    visit("topic_names", self.topic_names, between(0, 5));
    visit("timeout_ms", self.timeout_ms);
  }

  friend bool operator==(const DeleteTopicsRequest&, const DeleteTopicsRequest&) = default;
};

struct DeletableTopicResult {
  std::optional<std::string> name;
  TopicId topic_id;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name, nullable(from(6)));
    visit("topic_id", self.topic_id, from(6));
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, from(5), nullable(from(5)));
  }

  friend bool operator==(const DeletableTopicResult&, const DeletableTopicResult&) = default;
};

/// What became of each topic. Source: DeleteTopicsResponse.json of Kafka 3.9 and 4.3.1.
struct DeleteTopicsResponse {
  static constexpr const char* kName = "DeleteTopicsResponse";
  static constexpr auto kApi = ApiKey::kDeleteTopics;
  static constexpr Versions kVersions{0, 6};
  static constexpr Versions kFlexible = from(4);

  std::int32_t throttle_time_ms = 0;
  std::vector<DeletableTopicResult> responses;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms, from(1));
    visit("responses", self.responses);
  }

  friend bool operator==(const DeleteTopicsResponse&, const DeleteTopicsResponse&) = default;
};

}  // namespace millrace::protocol
