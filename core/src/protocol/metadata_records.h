#pragma once

#include <cstddef>
#include <variant>
#include <vector>

#include "protocol/access_records.h"
#include "protocol/broker_records.h"
#include "protocol/topic_records.h"

namespace millrace::protocol {

/// Any record of the metadata log.
using MetadataRecord =
    std::variant<TopicRecord, RemoveTopicRecord, PartitionRecord, PartitionChangeRecord, ConfigRecord,
                 ProducerIdsRecord, FeatureLevelRecord, NoOpRecord, BeginTransactionRecord, EndTransactionRecord,
                 AbortTransactionRecord, ClearElrRecord, RegisterBrokerRecord, UnregisterBrokerRecord,
                 FenceBrokerRecord, UnfenceBrokerRecord, BrokerRegistrationChangeRecord, RegisterControllerRecord,
                 ZkMigrationStateRecord, AccessControlEntryRecord, RemoveAccessControlEntryRecord, ClientQuotaRecord,
                 UserScramCredentialRecord, RemoveUserScramCredentialRecord, DelegationTokenRecord,
                 RemoveDelegationTokenRecord>;

/// The value of a record of `__cluster_metadata` in Kafka's framing: frame version, key and version as varints, then
/// the fields in the record's newest version.
[[nodiscard]] std::vector<std::byte> encode_metadata_record(const MetadataRecord& record);

/// Errors: `kUnsupported` (a record or version that is not known here), `kMalformed`.
[[nodiscard]] Result<MetadataRecord> decode_metadata_record(Bytes bytes);

/// The record as text for people: its name, then its fields.
[[nodiscard]] std::string to_text(const MetadataRecord& record);

}  // namespace millrace::protocol
