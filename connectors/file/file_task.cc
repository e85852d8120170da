#include "file/file_task.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/logger.h"
#include "file/gzip_reader.h"

namespace millrace::connect {
namespace {

constexpr std::string_view kStandardInput = "-";
constexpr Duration kStatusInterval = std::chrono::milliseconds{100};

/// A stream under one of these is a descriptor of a process that is there already; elsewhere it is a named pipe, whose
/// end can't be told from a writer's pause.
bool is_descriptor_path(std::string_view path) { return path.starts_with("/dev/") || path.starts_with("/proc/"); }

}  // namespace

FileTask::FileTask(LineTransform transform, const WatcherFactory& make_watcher, FileSourceWords words)
    : transform_(std::move(transform)), make_watcher_(make_watcher), words_(std::move(words)) {}

Result<void> FileTask::start(const Properties& config, const SourceContext& context) {
  MILLRACE_TRY(parsed, FileTaskConfig::from(config));
  config_ = std::move(parsed);
  context_ = &context;
  block_.resize(config_.block_bytes);
  for (const auto& [partition, offset] : context.offsets) {
    if (auto stored = stored_file(partition, offset)) stored_.insert(std::move(*stored));
  }
  {
    const std::lock_guard lock{mutex_};
    watcher_ = make_watcher_(config_.watch, config_.poll_interval);
  }
  watch_folders();
  MILLRACE_CHECK(find_stored_files());
  MILLRACE_CHECK(find_files());
  publish_status();
  return {};
}

Result<void> FileTask::skip_stored(std::span<const RecordView> records) {
  if (!stored_lines_) {
    std::vector<FollowedInput*> inputs;
    for (const auto& input : inputs_) {
      if (auto* followed = dynamic_cast<FollowedInput*>(input.get())) inputs.push_back(followed);
    }
    stored_lines_ = std::make_unique<StoredLines>(inputs, config_.file, transform_);
  }
  for (const auto& record : records) MILLRACE_CHECK(stored_lines_->take(record.value.text()));
  return {};
}

/// Gives the new positions, so that they are stored though no line comes with them.
Result<SourcePoll> FileTask::pass_stored_lines() {
  const auto stored = std::exchange(stored_lines_, nullptr);
  MILLRACE_TRY(moved, stored->pass(context_->clock.now()));
  const auto& counts = stored->counts();
  context_->logger.info("{} lines behind the stored positions were captured before; {} records are of other sources",
                        counts.recognised, counts.unknown);
  SourcePoll poll;
  for (const auto* input : moved) poll.batches.push_back({.partition = input->partition(), .offset = input->offset()});
  return poll;
}

Result<SourcePoll> FileTask::poll(Duration max_wait) {
  if (stored_lines_) {
    MILLRACE_TRY(passed, pass_stored_lines());
    if (!passed.batches.empty()) return passed;
  }
  const auto deadline = context_->clock.now() + max_wait;
  auto is_over = false;
  while (true) {
    const auto now = context_->clock.now();
    if (auto* input = next_ready(now)) {
      MILLRACE_TRY(batch, read(*input, now));
      if (now - status_time_ >= kStatusInterval) publish_status();
      if (batch) return SourcePoll{SourceState::kActive, {std::move(*batch)}};
      continue;
    }
    let_go_of_finished();
    publish_status();
    if (is_done()) return SourcePoll{SourceState::kDone, {}};
    if (is_over) return SourcePoll{};

    const auto changes = watcher_->wait(std::max(next_timer(deadline) - now, Duration::zero()));
    apply(changes);
    is_over = changes.is_woken || context_->clock.now() >= deadline;
  }
}

void FileTask::wakeup() {
  const std::lock_guard lock{mutex_};
  if (watcher_ != nullptr) watcher_->wakeup();
}

void FileTask::stop() {
  if (context_ == nullptr) return;
  publish_status();
  followed_.clear();
  inputs_.clear();
}

std::vector<SourceStatus> FileTask::status() const {
  const std::lock_guard lock{mutex_};
  return status_;
}

/// Opens what the patterns stand for when the task starts. What can't be read is an error.
Result<void> FileTask::find_files() {
  for (const auto& pattern : config_.patterns) {
    if (pattern == kStandardInput) {
      MILLRACE_CHECK(open_stream(pattern, OpenFile::standard_input()));
      continue;
    }
    const auto paths = expand(pattern);
    if (paths.empty() && config_.file.mode == FileMode::kOnce) {
      return fail(ErrorCode::kNotFound, is_glob(pattern) ? fmt::format("no file matches {}", pattern)
                                                         : fmt::format("cannot read {}: no such file", pattern));
    }
    for (const auto& path : paths) {
      auto opened = open_path(path, path == pattern ? NamedBy::kPath : NamedBy::kGlob);
      // Gone again between the two looks: it was rotated away, and its successor will be seen.
      const auto is_gone = !opened && opened.error().code() == ErrorCode::kNotFound;
      if (!opened && !(is_gone && config_.file.mode == FileMode::kFollow)) return opened;
    }
  }
  return {};
}

/// The same while the task runs: what can't be read is told, and tried again.
void FileTask::find_new_files() {
  std::erase_if(troubled_, [](const auto& entry) { return !id_at(entry.first); });
  for (const auto& pattern : config_.patterns) {
    if (pattern == kStandardInput) continue;
    for (const auto& path : expand(pattern)) {
      const auto opened = open_path(path, path == pattern ? NamedBy::kPath : NamedBy::kGlob);
      if (opened) {
        troubled_.erase(path);
      } else if (opened.error().code() != ErrorCode::kNotFound && troubled_[path] != opened.error().message()) {
        troubled_[path] = opened.error().message();
        context_->logger.warn("{}", opened.error().message());
      }
    }
  }
}

/// Files that an earlier run read under one of our paths and that have another name in the same folder now: renamed
/// while nobody was looking, perhaps with lines that nobody has read.
Result<void> FileTask::find_stored_files() {
  if (stored_.empty()) return {};
  std::set<std::string> folders;
  for (const auto& pattern : config_.patterns) {
    if (pattern == kStandardInput) continue;
    for (auto& folder : folders_of(pattern)) folders.insert(std::move(folder));
  }
  for (const auto& folder : folders) {
    for (const auto& entry : list_folder(folder)) {
      const auto found = stored_.find(entry.id);
      if (found == stored_.end()) continue;
      const auto matches_pattern = [&](const std::string& path) {
        return std::ranges::any_of(config_.patterns, [&](const auto& pattern) { return matches(pattern, path); });
      };
      if (matches_pattern(entry.path) || !matches_pattern(found->second.path)) continue;
      auto file = OpenFile::open(entry.path);
      if (!file || file->id() != entry.id) continue;
      MILLRACE_TRY(look, file->look());
      const auto& position = found->second.position;
      if (position.position >= look.size || !position.fingerprint.matches(look.head)) continue;
      const auto now = context_->clock.now();
      auto input =
          std::make_unique<FollowedInput>(found->second.path, std::move(*file), look, config_.file, position, now);
      input->on_path(PathTarget::kElsewhere, now);
      context_->logger.info("{} was renamed to {}: reading on at byte {}", found->second.path, entry.path,
                            position.position);
      add(std::move(input), entry.id);
    }
  }
  return {};
}

Result<void> FileTask::open_path(const std::string& path, NamedBy named_by) {
  if (const auto id = id_at(path)) {
    if (finished_ids_.contains(*id)) return {};
    if (const auto found = followed_.find(*id); found != followed_.end()) {
      found->second->set_path(path);
      found->second->on_path(PathTarget::kThisFile, context_->clock.now());
      return {};
    }
  }
  MILLRACE_TRY(file, OpenFile::open(path));
  switch (file.kind()) {
    case FileKind::kFolder:
      if (named_by == NamedBy::kGlob) return {};
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("cannot read {0}: it is a directory. Name the files in it, for example \"{0}/*.log\"", path));
    case FileKind::kStream:
      return open_stream(path, std::move(file));
    case FileKind::kRegular:
      break;
  }
  const auto id = file.id();
  if (followed_.contains(id) || finished_ids_.contains(id)) return {};
  MILLRACE_TRY(look, file.look());
  std::optional<FilePosition> stored;
  if (const auto found = stored_.find(id); found != stored_.end()) stored = found->second.position;

  if (!is_gzip(look.head)) {
    add(std::make_unique<FollowedInput>(path, std::move(file), look, config_.file, stored, context_->clock.now()), id);
    return {};
  }
  if (config_.file.mode == FileMode::kOnce) {
    finished_ids_.insert(id);
    add(make_gzip_input(path, std::move(file), look, config_.file.max_line_bytes, stored), id);
    return {};
  }
  // Rotation compresses what was already read under its earlier name: to read it again would count it twice.
  if (named_by == NamedBy::kGlob) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("cannot follow {}: it is compressed. Read it once ({}), on its own", path, words_.once));
}

Result<void> FileTask::open_stream(const std::string& path, OpenFile file) {
  const auto is_open = std::ranges::any_of(inputs_, [&](const auto& input) { return input->path() == path; });
  if (is_open || finished_ids_.contains(file.id())) return {};
  if (path != kStandardInput && !is_descriptor_path(path)) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("cannot read {0}: it is a pipe. Give it as standard input: - < {0}", path));
  }
  if (file.descriptor() < 0) return fail(ErrorCode::kIo, "cannot read standard input: it is closed");
  watcher_->watch_stream(file.descriptor());
  inputs_.push_back(make_stream_input(path, std::move(file), config_.file.max_line_bytes));
  return {};
}

void FileTask::add(std::unique_ptr<FileInput> input, const FileId& id) {
  if (auto* followed = dynamic_cast<FollowedInput*>(input.get())) {
    followed_[id] = followed;
    if (config_.file.mode == FileMode::kFollow) watcher_->watch_file(id, followed->descriptor());
  }
  inputs_.push_back(std::move(input));
}

/// Tells each followed file whether its path still leads to it.
void FileTask::look_at_paths() {
  for (auto& [id, input] : followed_) {
    const auto leads_here = id_at(input->path()) == id;
    input->on_path(leads_here ? PathTarget::kThisFile : PathTarget::kElsewhere, context_->clock.now());
    input->set_ready();
  }
}

void FileTask::watch_folders() {
  if (config_.file.mode != FileMode::kFollow) return;
  for (const auto& pattern : config_.patterns) {
    if (pattern == kStandardInput) continue;
    for (const auto& folder : folders_of(pattern)) watcher_->watch_folder(folder);
  }
}

void FileTask::apply(const FileChanges& changes) {
  for (const auto& id : changes.files) {
    if (const auto found = followed_.find(id); found != followed_.end()) found->second->set_ready();
  }
  if (changes.streams) {
    for (const auto& input : inputs_) input->set_ready();
  }
  if (config_.file.mode == FileMode::kFollow && (changes.folders || changes.everything)) {
    watch_folders();
    look_at_paths();
    find_new_files();
  }
}

FileInput* FileTask::next_ready(TimePoint now) {
  // While there is always something to read, what happens to the files must be noticed all the same.
  constexpr std::size_t kTurnsBetweenLooks = 64;
  if (++turn_ % kTurnsBetweenLooks == 0) {
    apply(watcher_->wait(Duration::zero()));
  }
  for (std::size_t step = 0; step < inputs_.size(); ++step) {
    // Read once, files come one after the other; followed, they take turns.
    const auto index = config_.file.mode == FileMode::kOnce ? step : (turn_ + step) % inputs_.size();
    auto& input = *inputs_[index];
    const auto timer = input.next_timer();
    const auto is_due = timer && *timer <= now;
    if ((input.is_ready() && !waits_for_predecessor(index)) || is_due) return &input;
  }
  return nullptr;
}

bool FileTask::waits_for_predecessor(std::size_t index) const {
  const auto& path = inputs_[index]->path();
  return std::ranges::any_of(inputs_.begin(), inputs_.begin() + static_cast<std::ptrdiff_t>(index),
                             [&](const auto& input) { return input->is_ready() && input->path() == path; });
}

Result<std::optional<SourceBatch>> FileTask::read(FileInput& input, TimePoint now) {
  const auto epoch = input.epoch();
  scratch_.reset();
  MILLRACE_TRY(lines, input.turn(block_, now));
  const auto is_gone = input.is_finished() && !input.offset();
  if (lines.empty() && input.epoch() == epoch && !is_gone) return std::nullopt;

  SourceBatch batch;
  batch.partition = input.partition();
  batch.offset = input.offset();
  batch.records = make_records(lines);
  for (const auto& record : batch.records) batch.bytes += record.value.size();
  return batch;
}

std::span<ProducerRecord> FileTask::make_records(std::span<const Line> lines) {
  const auto timestamp = context_->clock.wall();
  if (records_.size() < lines.size()) records_.resize(lines.size(), ProducerRecord{.topic = config_.topic});
  const auto cut = static_cast<std::size_t>(std::ranges::count_if(lines, &Line::is_cut));
  cut_sizes_.clear();
  cut_headers_.clear();
  cut_sizes_.reserve(cut);
  cut_headers_.reserve(cut);

  auto record = records_.begin();
  for (const auto& line : lines) {
    record->value = transform_ ? transform_(line.text, scratch_) : line.text;
    record->timestamp = timestamp;
    record->headers = {};
    if (line.is_cut()) [[unlikely]] {
      cut_sizes_.push_back(fmt::format("{}", line.full_size));
      cut_headers_.push_back({kCutLineHeader, cut_sizes_.back()});
      record->headers = {&cut_headers_.back(), 1};
    }
    ++record;
  }
  return {records_.data(), lines.size()};
}

void FileTask::let_go_of_finished() {
  // With mode once they stay for the status: their files are few, and closed by the end of the run.
  if (config_.file.mode == FileMode::kOnce) return;
  std::erase_if(inputs_, [&](const std::unique_ptr<FileInput>& input) {
    if (!input->is_finished()) return false;
    const auto* followed = dynamic_cast<FollowedInput*>(input.get());
    if (followed == nullptr) {
      watcher_->forget_stream(input->descriptor());
      return true;
    }
    // Should it come back under one of our paths, it is read on from here.
    const auto offset = followed->offset();
    stored_.erase(followed->id());
    if (offset) stored_.insert(*stored_file(*followed->partition(), *offset));
    watcher_->forget_file(followed->id());
    followed_.erase(followed->id());
    return true;
  });
}

bool FileTask::is_done() const {
  const auto all_finished = std::ranges::all_of(inputs_, &FileInput::is_finished);
  if (config_.file.mode == FileMode::kOnce) return all_finished;
  return all_finished &&
         std::ranges::all_of(config_.patterns, [](const auto& pattern) { return pattern == kStandardInput; });
}

TimePoint FileTask::next_timer(TimePoint latest) const {
  for (const auto& input : inputs_) {
    if (const auto timer = input->next_timer()) latest = std::min(latest, *timer);
  }
  return latest;
}

void FileTask::publish_status() {
  std::vector<SourceStatus> status;
  for (const auto& input : inputs_) status.push_back(input->status());
  for (const auto& [path, reason] : troubled_) status.push_back({path, "unreadable: " + reason});
  for (const auto& pattern : config_.patterns) {
    const auto is_known = std::ranges::any_of(status, [&](const auto& entry) { return matches(pattern, entry.name); });
    if (!is_known) status.push_back({pattern, "waiting"});
  }
  status_time_ = context_->clock.now();
  const std::lock_guard lock{mutex_};
  status_ = std::move(status);
}

}  // namespace millrace::connect
