#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/config_table.h"
#include "base/result.h"

namespace millrace::streams {

/// A job's configuration, read and checked.
struct StreamConfig {
  std::string application_id;
  std::string bootstrap_servers;
  std::string state_dir;
  std::string scheduler;
  std::size_t threads = 1;
  std::chrono::milliseconds commit_interval{};
  std::uint32_t chunk_records = 0;
  std::size_t chunk_bytes = 0;
  std::size_t buffer_bytes = 0;
  std::uint64_t flush_records = 0;
  std::chrono::milliseconds flush_interval{};
  std::chrono::milliseconds flush_idle{};
  std::chrono::milliseconds close_idle{};
  std::chrono::milliseconds future_max{};
  Properties consumer;
  Properties producer;
};

/// Errors: `kInvalidConfig`.
[[nodiscard]] Result<StreamConfig> read_config(const Properties& properties);

}  // namespace millrace::streams
