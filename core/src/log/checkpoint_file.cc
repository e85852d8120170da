#include "log/checkpoint_file.h"

#include <fmt/core.h>

namespace millrace {
namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const auto begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos) return words;
    const auto end = line.find(' ', begin);
    words.push_back(line.substr(begin, end == std::string_view::npos ? end : end - begin));
    if (end == std::string_view::npos) return words;
    line.remove_prefix(end);
  }
}

}  // namespace

Result<std::vector<std::vector<std::string_view>>> checkpoint_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  if (lines.size() < 2 || lines[0] != "0")
    return fail(ErrorCode::kMalformed, "a checkpoint does not begin with version 0");
  const auto count = parse_number<std::size_t>(lines[1]);
  if (!count || *count != lines.size() - 2) {
    return fail(ErrorCode::kMalformed,
                fmt::format("a checkpoint says it has {} entries and has {}", lines[1], lines.size() - 2));
  }
  std::vector<std::vector<std::string_view>> entries;
  entries.reserve(*count);
  for (std::size_t i = 2; i < lines.size(); ++i) entries.push_back(words_of(lines[i]));
  return entries;
}

Result<OffsetsByPartition> read_offset_checkpoint(FileSystem& files, const Path& path) {
  auto text = read_file(files, path);
  if (!text) {
    if (text.error().code() == ErrorCode::kNotFound) return OffsetsByPartition{};
    return std::unexpected(std::move(text).error());
  }
  auto entries = checkpoint_lines(*text);
  if (!entries) return std::unexpected(std::move(entries).error().in(path));
  OffsetsByPartition offsets;
  for (const auto& entry : *entries) {
    const auto partition = entry.size() == 3 ? parse_number<std::int32_t>(entry[1]) : std::nullopt;
    const auto offset = entry.size() == 3 ? parse_number<std::int64_t>(entry[2]) : std::nullopt;
    if (!partition || !offset) return fail(ErrorCode::kMalformed, path + ": a line is not \"TOPIC PARTITION OFFSET\"");
    offsets[{std::string{entry[0]}, PartitionIndex{*partition}}] = Offset{*offset};
  }
  return offsets;
}

Result<void> write_offset_checkpoint(FileSystem& files, const Path& path, const OffsetsByPartition& offsets) {
  auto text = fmt::format("0\n{}\n", offsets.size());
  for (const auto& [name, offset] : offsets) {
    text += fmt::format("{} {} {}\n", name.topic, name.partition.value(), offset.value());
  }
  return replace_file(files, path, as_bytes(text));
}

}  // namespace millrace
