#include "console/embed/page.h"

// The assembler reads the files: a compiler would take seconds for what is a copy. MILLRACE_PAGE_FOLDER is where the
// build put them.
// clang-format off
#define MILLRACE_EMBED(name, file)                                    \
  extern "C" const char name##_begin[];                               \
  extern "C" const char name##_end[];                                 \
  asm(".section .rodata\n"                                            \
      ".global " #name "_begin, " #name "_end\n"                      \
      ".hidden " #name "_begin, " #name "_end\n"                      \
      #name "_begin:\n"                                               \
      ".incbin \"" MILLRACE_PAGE_FOLDER "/" file "\"\n"               \
      #name "_end:\n"                                                 \
      ".byte 0\n"                                                     \
      ".previous\n")
// clang-format on

MILLRACE_EMBED(millrace_page_html, "page.html");
MILLRACE_EMBED(millrace_page_gzip, "page.html.gz");
MILLRACE_EMBED(millrace_page_etag, "page.etag");
MILLRACE_EMBED(millrace_page_policy, "page.csp");

namespace millrace::console {

Page page() {
  return {.html = {millrace_page_html_begin, millrace_page_html_end},
          .gzip = {millrace_page_gzip_begin, millrace_page_gzip_end},
          .etag = {millrace_page_etag_begin, millrace_page_etag_end},
          .content_security_policy = {millrace_page_policy_begin, millrace_page_policy_end}};
}

}  // namespace millrace::console
