#pragma once

#include <optional>
#include <string_view>

#include "base/random.h"
#include "base/types.h"

namespace millrace {

/// Reads `Uuid::to_string`'s form; absent when it is none.
[[nodiscard]] std::optional<Uuid> parse_uuid(std::string_view text);

/// A version 4 id whose text does not begin with '-', as Kafka makes them: command lines would take it for an option.
[[nodiscard]] Uuid random_uuid(Random& random);

}  // namespace millrace
