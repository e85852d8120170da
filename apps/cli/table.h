#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/types.h"

namespace millrace::cli {

/// Rows of text in columns that line up: for people. Numbers are to be given a column that is `kRight`.
///
/// Threading: one thread.
class Table {
 public:
  enum class Align : unsigned char { kLeft, kRight };
  struct Column {
    std::string_view title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// As many cells as there are columns.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  /// The titles and the rows, a line each.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// "-" for nothing, and control characters shown as '?': what others named must not move the cursor.
[[nodiscard]] std::string cell_text(std::string_view text);
[[nodiscard]] std::string cell_text(std::optional<std::int64_t> number);
[[nodiscard]] std::string cell_text(std::optional<Offset> offset);

}  // namespace millrace::cli
