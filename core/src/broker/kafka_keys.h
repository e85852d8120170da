#pragma once

#include <string_view>

namespace millrace {

/// Why a key that Kafka's brokers know means nothing here; "" for a key that Kafka does not know. To be asked only for
/// keys that are not served: the list is Kafka's and does not follow what we add.
[[nodiscard]] std::string_view why_kafkas_key_is_unserved(std::string_view key);

}  // namespace millrace
