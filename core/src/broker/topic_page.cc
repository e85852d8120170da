#include "broker/topic_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "metadata/controller.h"

namespace millrace {
namespace {

/// The names from the cursor's on, sorted.
std::set<std::string> names_from(const MetadataImage& image, std::span<const std::string> names,
                                 const std::optional<TopicCursor>& from) {
  std::set<std::string> wanted{names.begin(), names.end()};
  if (names.empty()) {
    for (const auto& [name, topic] : image.topics) wanted.insert(name);
  }
  if (from) wanted.erase(wanted.begin(), wanted.lower_bound(from->topic));
  return wanted;
}

Result<MetadataImage::TopicPtr> topic_or_reason(const MetadataImage& image, const std::string& name) {
  MILLRACE_CHECK(check_topic_name(name));
  return find_topic(image, {.name = name});
}

}  // namespace

Result<TopicPage> topic_page(const MetadataImage& image, std::span<const std::string> names,
                             const std::optional<TopicCursor>& from, std::size_t most) {
  if (from && from->partition.value() < 0) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("a page of topics cannot begin with partition {}", from->partition.value()));
  }
  TopicPage page;
  auto left = std::max<std::size_t>(most, 1);
  for (const auto& name : names_from(image, names, from)) {
    if (left == 0) {
      page.next = TopicCursor{.topic = name, .partition = PartitionIndex{0}};
      break;
    }
    TopicSlice slice{.name = name, .topic = topic_or_reason(image, name)};
    if (slice.topic) {
      const auto partitions = (*slice.topic)->partitions.size();
      const bool is_begun = from && from->topic == name;
      slice.first = is_begun ? std::min(static_cast<std::size_t>(from->partition.value()), partitions) : 0;
      slice.count = std::min(partitions - slice.first, left);
      left -= slice.count;
      if (slice.first + slice.count < partitions) {
        const auto next = static_cast<std::int32_t>(slice.first + slice.count);
        page.next = TopicCursor{.topic = name, .partition = PartitionIndex{next}};
      }
    }
    page.topics.push_back(std::move(slice));
    if (page.next) break;
  }
  return page;
}

}  // namespace millrace
