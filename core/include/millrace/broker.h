#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "millrace/client.h"
#include "millrace/config.h"
#include "millrace/result.h"

namespace millrace {

/// The broker itself: topics in data folders, for this process and, once it listens, for every Kafka client.
///
/// Threading: any thread. It owns its threads; none outlives it. One process owns a data folder at a time.
class Broker {
 public:
  /// Opens the data folder (made if absent). `config` has the keys of Kafka's server.properties; with `log.dirs` topics
  /// lie in those folders, and `directory` is the one of `metadata.log.dir`, or the first. `logger` may be null and
  /// must outlive the broker. Errors: `kInUse` (another process owns the folder), `kInvalidConfig`, `kUnsupported` (a
  /// newer version wrote it), `kIo`. A damaged partition, or another folder that cannot be opened, is no error here: it
  /// goes offline, is logged, and the rest works.
  static Result<std::unique_ptr<Broker>> open(std::string_view directory, const Properties& config = {},
                                              Logger* logger = nullptr);
  virtual ~Broker() = default;

  /// A client of this broker without a network in between. The broker lives until it and every client are gone.
  [[nodiscard]] virtual Result<std::unique_ptr<Client>> client(const Properties& properties = {}) = 0;

  /// Answers Kafka's protocol on "HOST:PORT" (port 0: any free one); gives the address it listens on. May be called
  /// again for another address. Errors: `kInUse`, `kInvalidArgument`.
  [[nodiscard]] virtual Result<std::string> listen(std::string_view address) = 0;

  /// Ends listeners, syncs and closes every log within `timeout`; idempotent. Handles give `kClosed` afterwards.
  [[nodiscard]] virtual Result<void> close(Duration timeout) = 0;
};

}  // namespace millrace
