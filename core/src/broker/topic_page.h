#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "metadata/metadata_image.h"

namespace millrace {

/// Where a page begins: a topic's partition.
struct TopicCursor {
  std::string topic;
  PartitionIndex partition{0};
};

/// Some partitions of a topic, one after the other, or why there are none.
struct TopicSlice {
  std::string name;
  Result<MetadataImage::TopicPtr> topic;
  std::size_t first = 0;
  std::size_t count = 0;
};

struct TopicPage {
  std::vector<TopicSlice> topics;
  /// Where the next page begins; none after the last.
  std::optional<TopicCursor> next;
};

/// The topics of `names` (none: all) in the order of their names, from `from` on, with `most` partitions at most. Per
/// topic that was named: `kUnknownTopicOrPartition`, `kInvalidTopic`. Errors: `kInvalidRequest` for a cursor that is
/// none.
[[nodiscard]] Result<TopicPage> topic_page(const MetadataImage& image, std::span<const std::string> names,
                                           const std::optional<TopicCursor>& from, std::size_t most);

}  // namespace millrace
