#include <cstring>
#include <memory>
#include <string_view>

#include "client/kafka/rdkafka_handles.h"

// librdkafka keeps a consumer's place in its group to itself; what it writes it down in has all of it.

namespace millrace {
namespace {

// Then the generation, the group, the member, whether there is no instance, and the instance; texts end with a zero.
constexpr std::string_view kMetadataMagic = "CGMDv2:";

struct RdFree {
  void operator()(void* data) const { rd_kafka_mem_free(nullptr, data); }
};

class MetadataReader {
 public:
  explicit MetadataReader(std::string_view rest) : rest_(rest) {}

  std::string_view bytes(std::size_t count) {
    is_whole_ = is_whole_ && rest_.size() >= count;
    if (!is_whole_) return {};
    const auto read = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return read;
  }
  std::string_view text() {
    const auto end = rest_.find('\0');
    is_whole_ = is_whole_ && end != std::string_view::npos;
    if (!is_whole_) return {};
    const auto read = bytes(end + 1);
    return read.substr(0, end);
  }
  [[nodiscard]] bool is_whole() const { return is_whole_; }

 private:
  std::string_view rest_;
  bool is_whole_ = true;
};

}  // namespace

RdGroupMetadata to_rd(const GroupMetadata& metadata) {
  const auto* const instance = metadata.instance ? metadata.instance->c_str() : nullptr;
  return RdGroupMetadata{rd_kafka_consumer_group_metadata_new_with_genid(metadata.group.c_str(), metadata.generation,
                                                                         metadata.member.c_str(), instance)};
}

Result<GroupMetadata> group_metadata_of(rd_kafka_t* consumer) {
  const RdGroupMetadata metadata{rd_kafka_consumer_group_metadata(consumer)};
  if (!metadata) return fail(ErrorCode::kInvalidGroupId, "kafka: the consumer has no group");
  void* data = nullptr;
  std::size_t size = 0;
  MILLRACE_CHECK(rd_result("cannot read the place in the group",
                           RdError{rd_kafka_consumer_group_metadata_write(metadata.get(), &data, &size)}));
  const std::unique_ptr<void, RdFree> written{data};

  MetadataReader reader{{static_cast<const char*>(data), size}};
  const bool is_known = reader.bytes(kMetadataMagic.size()) == kMetadataMagic;
  GroupMetadata found;
  if (const auto generation = reader.bytes(sizeof found.generation); reader.is_whole()) {
    std::memcpy(&found.generation, generation.data(), generation.size());
  }
  found.group = reader.text();
  found.member = reader.text();
  const bool has_instance = reader.bytes(1) == std::string_view{"\0", 1};
  if (has_instance) found.instance = reader.text();
  if (is_known && reader.is_whole()) return found;
  return fail(
      ErrorCode::kUnsupported,
      std::string{"kafka: librdkafka "} + rd_kafka_version_str() +
          " says in a form of its own where a consumer stands in its group; transactions with offsets need 2.0");
}

}  // namespace millrace
