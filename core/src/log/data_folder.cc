#include "log/data_folder.h"

#include <fmt/core.h>

#include "base/config_table.h"
#include "log/checkpoint_file.h"

namespace millrace {
namespace {

constexpr int kFormat = 1;
constexpr std::string_view kDeleted = "-delete";

/// The file's text; none if there is no such file.
Result<std::optional<std::string>> read_if_there(FileSystem& files, const Path& path) {
  auto text = read_file(files, path);
  if (text) return std::optional{*std::move(text)};
  if (text.error().code() == ErrorCode::kNotFound) return std::optional<std::string>{};
  return std::unexpected(std::move(text).error());
}

Result<std::optional<Properties>> read_properties(FileSystem& files, const Path& path) {
  MILLRACE_TRY(text, read_if_there(files, path));
  if (!text) return std::optional<Properties>{};
  auto properties = parse_properties(*text);
  if (!properties) return fail(ErrorCode::kMalformed, path + ": " + properties.error().message());
  return std::optional{*std::move(properties)};
}

}  // namespace

Uuid directory_id_of(FileSystem& files, const Path& folder) {
  const auto there = read_properties(files, join(folder, kIdentityFile));
  if (!there || !*there) return {};
  const auto found = (*there)->find("directory.id");
  return found == (*there)->end() ? Uuid{} : parse_uuid(found->second).value_or(Uuid{});
}

Result<FolderIdentity> establish_identity(FileSystem& files, const Path& folder, std::string_view cluster_id,
                                          BrokerId node_id, Random& random) {
  const auto path = join(folder, kIdentityFile);
  const auto write = [&](const FolderIdentity& identity) {
    const auto text = fmt::format("cluster.id={}\ndirectory.id={}\nnode.id={}\nversion=1\n", identity.cluster_id,
                                  identity.directory_id.to_string(), node_id.value());
    return replace_file(files, path, as_bytes(text));
  };
  MILLRACE_TRY(there, read_properties(files, path));
  if (!there) {
    FolderIdentity identity{std::string{cluster_id}, node_id, random_uuid(random)};
    if (identity.cluster_id.empty()) identity.cluster_id = random_uuid(random).to_string();
    MILLRACE_CHECK(write(identity));
    return identity;
  }
  const auto value = [&there](std::string_view key) {
    const auto found = there->find(key);
    return found == there->end() ? std::string{} : found->second;
  };
  if (value("version").empty()) return fail(ErrorCode::kMalformed, path + ": version is missing");
  if (value("version") != "1") {
    return fail(ErrorCode::kUnsupported, fmt::format("{}: version \"{}\" is not understood", path, value("version")));
  }
  const auto node = parse_number<std::int32_t>(value("node.id"));
  if (!node || value("cluster.id").empty())
    return fail(ErrorCode::kMalformed, path + ": node.id or cluster.id is missing");
  if (BrokerId{*node} != node_id) {
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("{} belongs to node {}, and this is node {}; set node.id={} or choose another folder",
                            folder, *node, node_id.value(), *node));
  }
  if (!cluster_id.empty() && cluster_id != value("cluster.id")) {
    return fail(ErrorCode::kInconsistentClusterId,
                fmt::format("{} belongs to cluster {}, not {}", folder, value("cluster.id"), cluster_id));
  }
  FolderIdentity identity{value("cluster.id"), node_id, parse_uuid(value("directory.id")).value_or(Uuid{})};
  if (identity.directory_id.is_nil()) {
    // From before a broker had several.
    identity.directory_id = random_uuid(random);
    MILLRACE_CHECK(write(identity));
  }
  return identity;
}

Result<void> establish_format(FileSystem& files, const Path& folder) {
  const auto path = join(folder, "millrace.format");
  MILLRACE_TRY(there, read_properties(files, path));
  if (!there) return replace_file(files, path, as_bytes(fmt::format("format={}\n", kFormat)));
  const auto found = there->find("format");
  const auto format = found == there->end() ? std::nullopt : parse_number<int>(found->second);
  if (!format || *format < 1) return fail(ErrorCode::kMalformed, path + ": there is no format number");
  if (*format > kFormat) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} was written by a newer version of millrace (format {}, this one "
                            "understands {}); use that version",
                            folder, *format, kFormat));
  }
  return {};
}

Result<TopicId> read_partition_metadata(FileSystem& files, const Path& directory) {
  const auto path = join(directory, "partition.metadata");
  MILLRACE_TRY(text, read_file(files, path));
  auto properties = parse_properties(text);
  if (!properties || (*properties)["version"] != "0") return fail(ErrorCode::kMalformed, path + ": it is damaged");
  const auto id = parse_uuid((*properties)["topic_id"]);
  if (!id) return fail(ErrorCode::kMalformed, path + ": topic_id is no id");
  return *id;
}

Result<void> write_partition_metadata(FileSystem& files, const Path& directory, TopicId id) {
  const auto text = fmt::format("version: 0\ntopic_id: {}", id.to_string());
  return replace_file(files, join(directory, "partition.metadata"), as_bytes(text));
}

Result<Offset> read_compacted_to(FileSystem& files, const Path& directory) {
  const auto path = join(directory, kCompactionCheckpoint);
  MILLRACE_TRY(text, read_if_there(files, path));
  if (!text) return Offset{0};
  const auto lines = checkpoint_lines(*text);
  const bool one = lines && lines->size() == 1 && lines->front().size() == 1;
  const auto offset = one ? parse_number<std::int64_t>(lines->front().front()) : std::nullopt;
  if (!offset) return fail(ErrorCode::kMalformed, path + ": it is damaged");
  return Offset{*offset};
}

Result<void> write_compacted_to(FileSystem& files, const Path& directory, Offset offset) {
  const auto text = fmt::format("0\n1\n{}\n", offset.value());
  return replace_file(files, join(directory, kCompactionCheckpoint), as_bytes(text));
}

std::optional<TopicPartition> partition_of_folder(std::string_view name) {
  const auto dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0 || dash + 1 == name.size()) return std::nullopt;
  const auto partition = parse_number<std::int32_t>(name.substr(dash + 1));
  if (!partition || *partition < 0) return std::nullopt;
  return TopicPartition{std::string{name.substr(0, dash)}, PartitionIndex{*partition}};
}

std::string deleted_folder_name(const TopicPartition& name, Random& random) {
  const auto suffix = fmt::format("-{}.{:016x}{:016x}{}", name.partition.value(), random(), random(), kDeleted);
  // Names end at 255 bytes.
  return name.topic.substr(0, 255 - suffix.size()) + suffix;
}

bool is_deleted_folder(std::string_view name) { return name.ends_with(kDeleted) && name.contains('.'); }

Result<void> write_clean_shutdown(FileSystem& files, const Path& folder) {
  return replace_file(files, join(folder, kCleanShutdownFile), as_bytes(R"({"version":0,"brokerEpoch":-1})"));
}

Result<void> remove_clean_shutdown(FileSystem& files, const Path& folder) {
  auto removed = files.remove(join(folder, kCleanShutdownFile));
  if (!removed && removed.error().code() != ErrorCode::kNotFound) return removed;
  return files.sync_directory(folder);
}

}  // namespace millrace
