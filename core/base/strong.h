#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace millrace {

/// An integer that cannot be mistaken for another kind of integer. `Tag` names the kind; it is never defined.
///
/// Threading: a value. Cost: that of `Rep`. Arithmetic is only what makes sense for a position: add a distance,
/// take the distance between two.
template <class Tag, class Rep>
class Strong {
 public:
  using rep = Rep;

  constexpr Strong() = default;
  constexpr explicit Strong(Rep value) : value_(value) {}

  [[nodiscard]] constexpr Rep value() const { return value_; }

  constexpr auto operator<=>(const Strong&) const = default;
  constexpr Strong& operator++() {
    ++value_;
    return *this;
  }
  constexpr Strong& operator+=(Rep distance) {
    value_ = static_cast<Rep>(value_ + distance);
    return *this;
  }
  friend constexpr Strong operator+(Strong position, Rep distance) { return position += distance; }
  friend constexpr Rep operator-(Strong a, Strong b) { return static_cast<Rep>(a.value_ - b.value_); }

 private:
  Rep value_{};
};

}  // namespace millrace

template <class Tag, class Rep>
struct std::hash<millrace::Strong<Tag, Rep>> {
  std::size_t operator()(millrace::Strong<Tag, Rep> value) const noexcept { return std::hash<Rep>{}(value.value()); }
};
