#include "client/group/sticky_user_data.h"

#include "base/bytes_io.h"

namespace millrace {
namespace {

protocol::UserData written(const ByteWriter& out) {
  const auto text = as_text(out.bytes());
  return {text.begin(), text.end()};
}

}  // namespace

protocol::UserData encode_generation(std::int32_t generation) {
  ByteWriter out;
  out.write<std::int32_t>(generation);
  return written(out);
}

protocol::UserData encode_sticky(const StickyUserData& data) {
  ByteWriter out;
  out.write<std::int32_t>(static_cast<std::int32_t>(data.owned.size()));
  for (const auto& topic : data.owned) {
    out.write<std::int16_t>(static_cast<std::int16_t>(topic.topic.size()));
    out.write_text(topic.topic);
    out.write<std::int32_t>(static_cast<std::int32_t>(topic.partitions.size()));
    for (const auto index : topic.partitions) out.write<std::int32_t>(index.value());
  }
  out.write<std::int32_t>(data.generation);
  return written(out);
}

void read_user_data(const protocol::UserData& bytes, AssignorUserData kind, AssignorMember& member) {
  ByteReader reader{std::as_bytes(std::span{bytes})};
  if (kind == AssignorUserData::kGeneration) {
    const auto generation = reader.read<std::int32_t>();
    // Newer members say it in the subscription itself.
    if (reader.ok() && member.generation < 0) member.generation = generation;
    return;
  }
  if (kind != AssignorUserData::kOwnedAndGeneration) return;
  std::vector<TopicPartition> owned;
  for (auto topics = reader.read<std::int32_t>(); topics > 0 && reader.ok(); --topics) {
    const auto size = reader.read<std::int16_t>();
    const std::string topic{as_text(reader.read_bytes(size < 0 ? 0 : static_cast<std::size_t>(size)))};
    for (auto indexes = reader.read<std::int32_t>(); indexes > 0 && reader.ok(); --indexes) {
      owned.push_back({topic, PartitionIndex{reader.read<std::int32_t>()}});
    }
  }
  if (!reader.ok()) return;
  member.owned = std::move(owned);
  // The first version ends here.
  if (const auto generation = reader.read<std::int32_t>(); reader.ok()) member.generation = generation;
}

}  // namespace millrace
