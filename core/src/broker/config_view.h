#pragma once

#include <span>
#include <string>
#include <vector>

#include "broker/broker_calls.h"
#include "broker/broker_config.h"
#include "metadata/metadata_image.h"

namespace millrace {

/// As `BrokerCore::describe_configs`.
[[nodiscard]] Result<std::vector<ConfigEntry>> describe_configs(const MetadataImage& image, const BrokerConfig& broker,
                                                                const ConfigResource& resource,
                                                                std::span<const std::string> keys);

/// The settings that are set for the resource itself. Errors: `kUnknownTopicOrPartition`, `kInvalidRequest`.
[[nodiscard]] Result<Properties> own_configs(const MetadataImage& image, const BrokerConfig& broker,
                                             const ConfigResource& resource);

/// The same after the changes, checked. Errors also: `kInvalidConfig`.
[[nodiscard]] Result<Properties> changed_configs(const MetadataImage& image, const BrokerConfig& broker,
                                                 const ConfigResource& resource, std::span<const ConfigChange> changes,
                                                 AlterMode mode);

}  // namespace millrace
