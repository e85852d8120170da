#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes_io.h"
#include "support/raw_client.h"

namespace millrace::net {

/// A frame as it goes over the wire: its length, then `content`.
inline std::string wire_frame(std::string_view content) {
  std::string frame(4, '\0');
  store_be<std::int32_t>(reinterpret_cast<std::byte*>(frame.data()), static_cast<std::int32_t>(content.size()));
  return frame.append(content);
}

/// A blocking connection that carries frames.
class FrameClient {
 public:
  explicit FrameClient(const std::string& address) : client_(address) {}
  void send(std::string_view bytes) { client_.send(bytes); }
  void send_frame(std::string_view content) { client_.send(wire_frame(content)); }
  /// The next frame's content.
  [[nodiscard]] std::string receive_frame() {
    const auto length = client_.read(4);
    return client_.read(static_cast<std::size_t>(load_be<std::int32_t>(as_bytes(length).data())));
  }
  /// What comes until the peer closes.
  [[nodiscard]] std::string read_all() { return client_.read_all(); }

 private:
  test::RawClient client_;
};

}  // namespace millrace::net
