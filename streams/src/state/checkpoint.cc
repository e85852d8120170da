#include "state/checkpoint.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/crc32c.h"

namespace millrace::streams {
namespace {

constexpr std::string_view kMagic = "MRCHKPT\n";
constexpr std::uint64_t kVersion = 1;
constexpr std::string_view kPrefix = "checkpoint-";
constexpr std::string_view kUnfinished = ".tmp";
constexpr std::size_t kKept = 2;
constexpr std::size_t kCrcSize = 4;

std::string crc_bytes(std::uint32_t crc) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(crc >> shift & 0xff);
  return bytes;
}

/// The first line in which two descriptions differ.
std::string first_difference(std::string_view then, std::string_view now) {
  while (!then.empty() || !now.empty()) {
    const auto line_then = then.substr(0, then.find('\n'));
    const auto line_now = now.substr(0, now.find('\n'));
    if (line_then != line_now) return fmt::format("then \"{}\", now \"{}\"", line_then, line_now);
    then.remove_prefix(std::min(then.size(), line_then.size() + 1));
    now.remove_prefix(std::min(now.size(), line_now.size() + 1));
  }
  return "no line";
}

}  // namespace

struct CheckpointFolder::Draft::Impl {
  CheckpointFolder* folder;
  Path unfinished;
  Path path;
  std::uint64_t number;
  std::unique_ptr<File> file;
  std::uint64_t position = 0;
  std::uint32_t crc = 0;
  Result<void> result;
  StateWriter writer{[this](std::string_view bytes) { append(bytes); }};

  void append(std::string_view bytes) {
    crc = crc32c(as_bytes(bytes), crc);
    if (result) result = file->write(position, as_bytes(bytes));
    position += bytes.size();
  }
};

CheckpointFolder::Draft::Draft(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CheckpointFolder::Draft::~Draft() {
  // Room for others, for example on a full disk; what cannot be removed now is when the folder is opened.
  if (impl_ && impl_->file) static_cast<void>(impl_->folder->files_->remove(impl_->unfinished));
}
CheckpointFolder::Draft::Draft(Draft&&) noexcept = default;
CheckpointFolder::Draft& CheckpointFolder::Draft::operator=(Draft&&) noexcept = default;
StateWriter& CheckpointFolder::Draft::content() { return impl_->writer; }
void CheckpointFolder::Draft::finish_content() { impl_->writer.flush(); }
std::uint64_t CheckpointFolder::Draft::bytes() const { return impl_->position; }

Result<void> CheckpointFolder::Draft::commit() {
  auto& draft = *impl_;
  draft.writer.flush();
  draft.append(crc_bytes(draft.crc));
  MILLRACE_CHECK(std::move(draft.result));
  MILLRACE_CHECK(draft.file->sync());
  auto& folder = *draft.folder;
  MILLRACE_CHECK(folder.files_->rename(draft.unfinished, draft.path));
  draft.file.reset();
  MILLRACE_CHECK(folder.files_->sync_directory(folder.folder_));
  folder.numbers_.push_back(draft.number);
  while (folder.numbers_.size() > kKept) {
    MILLRACE_CHECK(folder.files_->remove(join(folder.folder_, fmt::format("{}{}", kPrefix, folder.numbers_.front()))));
    folder.numbers_.erase(folder.numbers_.begin());
  }
  return {};
}

Result<CheckpointFolder> CheckpointFolder::open(FileSystem& files, Path folder, std::string description,
                                                Logger& logger) {
  MILLRACE_CHECK(files.make_directories(folder));
  CheckpointFolder opened{files, std::move(folder), std::move(description), logger};
  MILLRACE_TRY(entries, files.list(opened.folder_));
  for (const auto& entry : entries) {
    if (!entry.name.starts_with(kPrefix)) continue;
    if (entry.name.ends_with(kUnfinished)) {
      MILLRACE_CHECK(files.remove(join(opened.folder_, entry.name)));
      continue;
    }
    std::uint64_t number = 0;
    const auto digits = std::string_view{entry.name}.substr(kPrefix.size());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc{} && end == digits.data() + digits.size()) opened.numbers_.push_back(number);
  }
  std::ranges::sort(opened.numbers_);
  return opened;
}

Result<std::string> CheckpointFolder::load_file(const Path& path) const {
  MILLRACE_TRY(bytes, read_file(*files_, path));
  const auto damaged = [&](std::string_view what) {
    return fail(ErrorCode::kCorruptLog, fmt::format("{} is damaged ({})", path, what));
  };
  if (bytes.size() < kMagic.size() + kCrcSize || !bytes.starts_with(kMagic)) return damaged("it does not begin as one");
  const auto covered = std::string_view{bytes}.substr(0, bytes.size() - kCrcSize);
  if (crc_bytes(crc32c(as_bytes(covered))) != std::string_view{bytes}.substr(covered.size())) {
    return damaged("wrong checksum");
  }
  StateReader in{covered.substr(kMagic.size())};
  const auto version = in.number();
  if (version != kVersion) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} has format {}, but this program knows only {}. Use the program that "
                            "wrote it, or a newer one.",
                            path, version, kVersion));
  }
  const auto description = in.text();
  if (!in.ok()) return damaged("it ends early");
  if (description != description_) {
    return fail(
        ErrorCode::kUnsupported,
        fmt::format("the state in {} was saved by another topology ({}). Give the job another application.id, or "
                    "remove the folder to begin anew.",
                    folder_, first_difference(description, description_)));
  }
  return std::string{in.bytes(in.left())};
}

Result<std::optional<std::string>> CheckpointFolder::load() {
  std::string damage;
  for (auto number = numbers_.rbegin(); number != numbers_.rend(); ++number) {
    auto content = load_file(join(folder_, fmt::format("{}{}", kPrefix, *number)));
    if (content) {
      if (!damage.empty()) logger_->warn("{}; using the checkpoint before it", damage);
      return std::optional{*std::move(content)};
    }
    if (content.error().code() != ErrorCode::kCorruptLog) return std::unexpected(std::move(content).error());
    damage += (damage.empty() ? "" : "; ") + content.error().message();
  }
  if (numbers_.empty()) return std::optional<std::string>{};
  return fail(
      ErrorCode::kCorruptLog,
      fmt::format(
          "no checkpoint in {} can be read: {}. Remove the folder to compute the state anew from what the input "
          "topics still hold.",
          folder_, damage));
}

Result<CheckpointFolder::Draft> CheckpointFolder::begin() {
  const auto number = numbers_.empty() ? 1 : numbers_.back() + 1;
  auto impl = std::make_unique<Draft::Impl>();
  impl->folder = this;
  impl->number = number;
  impl->path = join(folder_, fmt::format("{}{}", kPrefix, number));
  impl->unfinished = impl->path + std::string{kUnfinished};
  MILLRACE_TRY(file, files_->open(impl->unfinished, OpenMode::kCreate));
  MILLRACE_CHECK(file->truncate(0));
  impl->file = std::move(file);
  impl->writer.bytes(kMagic);
  impl->writer.number(kVersion);
  impl->writer.text(description_);
  return Draft{std::move(impl)};
}

}  // namespace millrace::streams
