#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "metadata/metadata_image.h"
#include "protocol/metadata_records.h"

namespace millrace {

using protocol::MetadataRecord;
using MetadataRecords = std::vector<MetadataRecord>;

/// The image after `records`, the last of which has offset `last_offset`. `image` stays as it is. Errors: `kCorruptLog`
/// when a record speaks of a topic or partition that does not exist, or makes a topic that does; `kUnsupported` for a
/// record that means something we do not serve: leaving it out would change what the log says.
[[nodiscard]] Result<std::shared_ptr<const MetadataImage>> apply_records(const MetadataImage& image,
                                                                         std::span<const MetadataRecord> records,
                                                                         Offset last_offset);

/// Sets one of `owner`'s quotas; without a value it takes it back.
[[nodiscard]] MetadataRecord quota_record(const QuotaOwner& owner, const std::string& key, std::optional<double> value);

/// The records that make `image` out of nothing: a snapshot.
[[nodiscard]] MetadataRecords records_of(const MetadataImage& image);

}  // namespace millrace
