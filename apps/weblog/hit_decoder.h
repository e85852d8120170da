#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "millrace/client.h"
#include "millrace/result.h"
#include "weblog/format.h"

namespace millrace::weblog {

/// Makes hits of the records of the topic of captured lines: a decoder for `streams::Builder::stream`. What is no hit
/// is an error of code `kDecodeFailed` with the reason's text.
///
/// Threading: immutable; any thread.
class HitDecoder {
 public:
  explicit HitDecoder(LineFormat format) : format_(std::move(format)) {}
  [[nodiscard]] Result<Hit> operator()(const RecordView& record) const;

 private:
  LineFormat format_;
};

}  // namespace millrace::weblog
