#pragma once

#include <memory>
#include <string_view>

#include "millrace/client.h"

namespace millrace {

/// What the shared object of the Kafka client gives to the program that loads it, under the name `kKafkaModuleSymbol`.
/// Both are of the same build: the version says so.
struct KafkaModule {
  const char* version;
  /// As `Client::open` of "kafka:" and `brokers`, "HOST:PORT,...".
  Result<std::unique_ptr<Client>> (*open)(std::string_view brokers, const Properties& properties, Logger* logger);
};
inline constexpr const char* kKafkaModuleSymbol = "millrace_kafka_module";
inline constexpr const char* kKafkaModuleFile = "libmillrace_kafka.so";

}  // namespace millrace
