#pragma once

#include <string_view>

namespace millrace::console {

/// The web page as bytes inside the program: one HTML text with its script and style in it, that needs nothing else.
///
/// Threading: a value; the bytes live as long as the program.
struct Page {
  std::string_view html;
  /// `html`, compressed.
  std::string_view gzip;
  /// A hash of `html` in quotes, as HTTP's ETag wants it.
  std::string_view etag;
  /// The Content-Security-Policy it must be served with. It names the page's script and style by their hashes.
  std::string_view content_security_policy;
};

/// The page, or empty texts in a program that was built without (`-DMILLRACE_PAGE=OFF`).
[[nodiscard]] Page page();

}  // namespace millrace::console
