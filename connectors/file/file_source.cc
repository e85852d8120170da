#include "millrace/connect/file_source.h"

#include <fmt/core.h>

#include <algorithm>

#include "file/file_task.h"

namespace millrace::connect {
namespace {

constexpr ConfigKey kKeys[] = {
    {"name", ConfigType::kString, "file-source", "The connector's name; its positions are stored under it."},
    {"connector.class", ConfigType::kString, "FileSource", "The kind of connector."},
    {"tasks.max", ConfigType::kInt, "1", "Tasks at most; this connector needs one.", 1},
    {"topic", ConfigType::kString, "", "The topic that the lines go to."},
    {"file", ConfigType::kList, "",
     "Paths and globs, separated by commas; a comma in a path is written \\,; - is standard input."},
    {"mode",
     ConfigType::kString,
     "follow",
     "Whether to go on at the end of the files, or to read them to where they end now.",
     {},
     {},
     "follow|once"},
    {"max.line.bytes", ConfigType::kInt, "999000",
     "Longer lines are cut there and marked with the header line.bytes; line and header must fit into a record.", 64,
     std::int64_t{64} << 20},
    {"block.bytes", ConfigType::kInt, "262144", "How much of a file is read at once, in bytes.", 4096,
     std::int64_t{64} << 20},
    {"rotate.wait.ms", ConfigType::kLong, "30000",
     "A file that was renamed or deleted is let go of when nothing was written to it for so long.", 0},
    {"watch",
     ConfigType::kString,
     "auto",
     "How changes are noticed: auto is inotify, and polling where that can't work.",
     {},
     {},
     "auto|inotify|poll"},
    {"poll.interval.ms", ConfigType::kLong, "250", "How often files are looked at where polling is needed.", 1,
     3'600'000},
};
constexpr ConfigTable kTable{"file source", kKeys};

class FileSource final : public SourceConnector {
 public:
  FileSource(LineTransform transform, FileSourceWords words)
      : transform_(std::move(transform)), words_(std::move(words)) {}

  const ConfigTable& config() const override { return kTable; }

  /// One task: it reads faster than a log can take, and the lines of a file stay in order.
  Result<std::vector<Properties>> task_configs(const Properties& config, std::int32_t) override {
    MILLRACE_TRY(parsed, FileTaskConfig::from(config));
    return std::vector{config};
  }

  std::unique_ptr<SourceTask> task() override {
    return std::make_unique<FileTask>(transform_, make_file_watcher, words_);
  }

 private:
  LineTransform transform_;
  FileSourceWords words_;
};

std::vector<std::string> split_file_list(std::string_view list) {
  std::vector<std::string> paths{""};
  for (std::size_t at = 0; at < list.size(); ++at) {
    if (list[at] == '\\' && at + 1 < list.size() && (list[at + 1] == ',' || list[at + 1] == '\\')) {
      paths.back() += list[++at];
    } else if (list[at] == ',') {
      paths.emplace_back();
    } else {
      paths.back() += list[at];
    }
  }
  std::erase(paths, "");
  return paths;
}

}  // namespace

const ConfigTable& file_source_config() { return kTable; }

Result<FileTaskConfig> FileTaskConfig::from(const Properties& properties) {
  using std::chrono::milliseconds;
  FileTaskConfig config;
  config.topic = kTable.get_string(properties, "topic");
  config.patterns = split_file_list(kTable.get_string(properties, "file"));
  if (config.topic.empty()) return fail(ErrorCode::kInvalidConfig, "file source: \"topic\" is missing");
  if (config.patterns.empty()) return fail(ErrorCode::kInvalidConfig, "file source: \"file\" names no file");

  config.file.mode = kTable.get_string(properties, "mode") == "once" ? FileMode::kOnce : FileMode::kFollow;
  config.file.max_line_bytes = static_cast<std::size_t>(kTable.get_long(properties, "max.line.bytes"));
  config.file.rotate_wait = milliseconds{kTable.get_long(properties, "rotate.wait.ms")};
  config.block_bytes = static_cast<std::size_t>(kTable.get_long(properties, "block.bytes"));
  config.poll_interval = milliseconds{kTable.get_long(properties, "poll.interval.ms")};
  const auto watch = kTable.get_string(properties, "watch");
  config.watch = watch == "poll" ? WatchMode::kPoll : watch == "inotify" ? WatchMode::kInotify : WatchMode::kAuto;
  return config;
}

std::unique_ptr<SourceConnector> make_file_source(LineTransform transform, FileSourceWords words) {
  return std::make_unique<FileSource>(std::move(transform), std::move(words));
}

std::string join_file_list(std::span<const std::string> paths) {
  std::string list;
  for (const auto& path : paths) {
    if (!list.empty()) list += ',';
    for (const auto character : path) {
      if (character == ',' || character == '\\') list += '\\';
      list += character;
    }
  }
  return list;
}

std::span<char> LineScratch::take(std::size_t size) {
  constexpr std::size_t kChunkBytes = std::size_t{64} << 10;
  while (current_ < chunks_.size() && chunks_[current_].size - used_ < size) {
    ++current_;
    used_ = 0;
  }
  if (current_ == chunks_.size()) {
    const auto bytes = std::max(size, kChunkBytes);
    chunks_.push_back({std::make_unique_for_overwrite<char[]>(bytes), bytes});
  }
  const std::span<char> taken{chunks_[current_].bytes.get() + used_, size};
  used_ += size;
  return taken;
}

void LineScratch::reset() {
  // Memory for an exceptionally long line is not kept.
  constexpr std::size_t kKeptChunks = 64;
  if (chunks_.size() > kKeptChunks) chunks_.resize(kKeptChunks);
  current_ = 0;
  used_ = 0;
}

}  // namespace millrace::connect
