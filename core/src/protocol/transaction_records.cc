#include "protocol/transaction_records.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(TransactionLogKey);
MILLRACE_WIRE_MESSAGE(TransactionLogValue);

EncodedRecord encode_transaction_record(const TransactionRecord& record) {
  // With transaction.version=2 Kafka writes the version that has tagged fields.
  constexpr auto kWritten = TransactionLogValue::kVersions.last;
  EncodedRecord encoded;
  encoded.key = prefixed(TransactionLogKey::kKey, record.key, 0);
  if (record.value) encoded.value = prefixed(kWritten, *record.value, kWritten);
  return encoded;
}

Result<TransactionRecord> decode_transaction_record(NullableBytes key, NullableBytes value) {
  ByteReader reader{key.bytes()};
  const auto kind = reader.read<std::int16_t>();
  if (!reader.ok()) {
    return millrace::fail(ErrorCode::kMalformed, "cannot decode a transaction record: its key is too short");
  }
  if (kind != TransactionLogKey::kKey) {
    return millrace::fail(ErrorCode::kUnsupported,
                          fmt::format("cannot decode a transaction record: unknown kind {}", kind));
  }
  MILLRACE_TRY(decoded_key, decode<TransactionLogKey>(key.bytes().subspan(reader.position()), 0));
  MILLRACE_TRY(decoded_value, decode_versioned<TransactionLogValue>(value));
  return TransactionRecord{.key = std::move(decoded_key), .value = std::move(decoded_value)};
}

}  // namespace millrace::protocol
