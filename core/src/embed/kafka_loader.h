#pragma once

#include <memory>
#include <string_view>

#include "millrace/client.h"

namespace millrace {

/// A client of a cluster, by the module that is loaded with the first of them: a program that opens none maps neither
/// the module nor librdkafka. The module stays loaded, as its code may still be running.
///
/// It is looked for beside the program or library that this is part of, in lib/millrace beside that one's folder, where
/// it was installed, and then where the system looks for libraries. Errors: `kUnsupported` when it is not there, with
/// the places, or is of another version; those of `Client::open`.
[[nodiscard]] Result<std::unique_ptr<Client>> open_kafka_client(std::string_view brokers, const Properties& properties,
                                                                Logger* logger);

}  // namespace millrace
