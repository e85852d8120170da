#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "metadata/metadata_delta.h"
#include "metadata/metadata_image.h"

// Quotas of users, clients and addresses: kept in the metadata log and shown. Nothing is held to them yet.

namespace millrace {

/// A type of entity and the name of one; null: all that have none of their own.
using QuotaEntityName = std::pair<std::string, std::optional<std::string>>;

struct QuotaChange {
  std::string key;
  /// None: the quota is taken back.
  std::optional<double> value;
};

struct AlterQuotas {
  /// "user", "client-id", both, or "ip".
  std::vector<QuotaEntityName> owner;
  std::vector<QuotaChange> changes;
};

/// The records that make these changes. Errors: `kInvalidRequest` for an owner that cannot have quotas, a key that its
/// kind of owner does not have, and a value that makes no sense for the key.
[[nodiscard]] Result<MetadataRecords> change_quotas(const MetadataImage& image, const AlterQuotas& call);

/// Numbers as on the wire (DescribeClientQuotas).
enum class QuotaMatch : std::int8_t { kName = 0, kDefault = 1, kAny = 2 };

struct QuotaFilter {
  struct Component {
    std::string type;
    QuotaMatch match = QuotaMatch::kAny;
    /// With `kName` only.
    std::optional<std::string> name;
  };
  std::vector<Component> components;
  /// Owners that are of a further type do not match.
  enum class Others : std::uint8_t { kAllowed, kRefused } others = Others::kAllowed;
};

struct OwnedQuotas {
  QuotaOwner owner;
  Quotas quotas;
};

/// The quotas whose owners match every component. Errors: `kInvalidRequest` (a component that cannot match, a type that
/// is named twice), `kUnsupportedVersion` (a type that there is not).
[[nodiscard]] Result<std::vector<OwnedQuotas>> find_quotas(const MetadataImage& image, const QuotaFilter& filter);

}  // namespace millrace
