#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string_view>
#include <utility>

namespace millrace {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };

/// Where the library says what happened. The program decides what becomes of it; the library sets nothing up.
///
/// Threading: any thread may call any function. One line for one event.
class Logger {
 public:
  virtual ~Logger() = default;
  virtual void write(LogLevel level, std::string_view line) = 0;

  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::kWarn, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::kError, fmt::format(format, std::forward<Args>(args)...));
  }
};

/// Says nothing. The default.
class NullLogger final : public Logger {
 public:
  void write(LogLevel, std::string_view) override {}
};

}  // namespace millrace
