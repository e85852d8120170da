#include "weblog/hit_decoder.h"

#include <algorithm>

#include "millrace/connect/file_source.h"

namespace millrace::weblog {
namespace {

/// The file source stores a line that is too long for a record cut, and says so in a header.
bool was_cut(const RecordView& record) {
  return std::ranges::any_of(headers_of(record),
                             [](const Header& header) { return header.name == connect::kCutLineHeader; });
}

std::unexpected<Error> rejected(RejectReason reason) {
  return fail(ErrorCode::kDecodeFailed, std::string{text_of(reason)});
}

}  // namespace

Result<Hit> HitDecoder::operator()(const RecordView& record) const {
  if (!record.raw_headers.empty() && was_cut(record)) [[unlikely]]
    return rejected(RejectReason::kTooLong);
  auto parsed = format_.parse(record.value.text());
  if (!parsed) [[unlikely]]
    return rejected(parsed.error());
  return *std::move(parsed);
}

}  // namespace millrace::weblog
