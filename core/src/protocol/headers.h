#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/field.h"

namespace millrace::protocol {

/// What every request begins with. Source: RequestHeader.json. Version 2 goes with the flexible versions of a request.
struct RequestHeader {
  static constexpr const char* kName = "RequestHeader";
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(2);

  std::int16_t request_api_key = 0;
  std::int16_t request_api_version = 0;
  std::int32_t correlation_id = 0;
  std::optional<std::string> client_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("request_api_key", self.request_api_key);
    visit("request_api_version", self.request_api_version);
    visit("correlation_id", self.correlation_id);
    // A broker must be able to read it before it knows whether the version is one of its own.
    visit("client_id", self.client_id, from(1), nullable(from(1)), kNeverCompact);
  }

  friend bool operator==(const RequestHeader&, const RequestHeader&) = default;
};

/// What every response begins with. Source: ResponseHeader.json. Version 1 goes with the flexible versions of a
/// response, except that of ApiVersions.
struct ResponseHeader {
  static constexpr const char* kName = "ResponseHeader";
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(1);

  std::int32_t correlation_id = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("correlation_id", self.correlation_id);
  }

  friend bool operator==(const ResponseHeader&, const ResponseHeader&) = default;
};

}  // namespace millrace::protocol
