#pragma once

#include <optional>

#include "base/config_table.h"
#include "base/result.h"
#include "millrace/client.h"

namespace millrace {

/// The keys of the handles, named as librdkafka names them. A key that tunes a network has no effect on an embedded
/// log, so that one set of properties fits both.
[[nodiscard]] const ConfigTable& producer_config_table();
[[nodiscard]] const ConfigTable& consumer_config_table();
[[nodiscard]] const ConfigTable& admin_config_table();

/// Checks the properties of a client: each key has to be one of some handle. Errors: `kInvalidConfig`.
[[nodiscard]] Result<void> check_client_configs(const Properties& properties);

/// What a handle is given: its own properties, checked, over those of the client that are meant for it. Errors:
/// `kInvalidConfig`.
[[nodiscard]] Result<Properties> handle_configs(const ConfigTable& table, const Properties& client,
                                                const Properties& own);

/// Whether what a producer of transactions needs is set so. Errors: `kInvalidConfig`.
[[nodiscard]] Result<void> check_transactions(const Properties& producer);

/// Where a consumer with these properties begins without a position; none: nowhere.
[[nodiscard]] std::optional<StartAt> reset_of(const Properties& consumer);
/// How often it commits by itself; none: only when told, or it has no group.
[[nodiscard]] std::optional<Duration> auto_commit_of(const Properties& consumer);

}  // namespace millrace
