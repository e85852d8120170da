#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "millrace/streams/record.h"

namespace millrace::streams::detail {

/// One column of a vector of records: values side by side, at a stride, or behind pointers.
///
/// A view.
template <class T>
class Column {
 public:
  Column() = default;
  explicit Column(const std::vector<T>& values) : base_(reinterpret_cast<const std::byte*>(values.data())) {}
  explicit Column(const std::vector<const T*>& pointers)
      : base_(reinterpret_cast<const std::byte*>(pointers.data())), stride_(sizeof(const T*)), indirect_(true) {}
  /// The same value in every row.
  static Column constant(const T& value) {
    Column column;
    column.base_ = reinterpret_cast<const std::byte*>(&value);
    column.stride_ = 0;
    return column;
  }

  [[nodiscard]] const T& at(std::size_t i) const {
    const auto* place = base_ + i * stride_;
    return indirect_ ? **reinterpret_cast<const T* const*>(place) : *reinterpret_cast<const T*>(place);
  }

 private:
  const std::byte* base_ = nullptr;
  std::size_t stride_ = sizeof(T);
  bool indirect_ = false;
};

/// A vector of records as operators pass it: columns, and perhaps a selection of their rows.
///
/// `indices` says from which record of the chunk a row came: it orders rows of different nodes (merge, outputs),
/// whatever way the input was cut into chunks. A view: what it points to lives in the scratch of the node that made it.
template <class K, class V>
struct Rows {
  Column<K> keys;
  Column<V> values;
  const std::int64_t* times = nullptr;       ///< event time, ms
  const std::uint32_t* indices = nullptr;    ///< ascending
  const std::uint32_t* selection = nullptr;  ///< null: all rows
  std::uint32_t size = 0;

  [[nodiscard]] std::uint32_t row(std::uint32_t i) const { return selection ? selection[i] : i; }
  [[nodiscard]] Record<K, V> record(std::uint32_t row) const {
    return {keys.at(row), values.at(row), Timestamp{std::chrono::milliseconds{times[row]}}};
  }
};

/// Rows that own their columns.
template <class K, class V>
struct OwnedRows {
  std::vector<K> keys;
  std::vector<V> values;
  std::vector<std::int64_t> times;
  std::vector<std::uint32_t> indices;

  void clear() {
    keys.clear();
    values.clear();
    times.clear();
    indices.clear();
  }
  void push(const K& key, const V& value, Timestamp time, std::uint32_t index) {
    keys.push_back(key);
    values.push_back(value);
    times.push_back(time.time_since_epoch().count());
    indices.push_back(index);
  }
  /// Takes back the rows of a record whose function threw half-way.
  void undo(std::uint32_t index) {
    while (!indices.empty() && indices.back() == index && values.size() == indices.size()) {
      keys.pop_back();
      values.pop_back();
      times.pop_back();
      indices.pop_back();
    }
  }
  [[nodiscard]] Rows<K, V> view() const {
    return {Column<K>{keys}, Column<V>{values}, times.data(),
            indices.data(),  nullptr,           static_cast<std::uint32_t>(indices.size())};
  }
};

}  // namespace millrace::streams::detail
