#include "embed/broker_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace millrace {
namespace {

// Appends and reads of embedded clients, timers, what metadata changes ask of the disk. They mostly wait for each
// other.
constexpr std::size_t kThreads = 4;

// How long requests under way may take to be answered when the broker closes.
constexpr std::chrono::milliseconds kLastAnswers{500};

std::uint64_t seed_of_machine() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

Result<void> check_log_dirs(std::string_view directory, const Properties& config) {
  const auto given = config.find("log.dirs");
  if (given == config.end() || given->second == directory) return {};
  if (given->second.find(',') != std::string::npos) {
    return fail(
        ErrorCode::kInvalidConfig,
        fmt::format("configuration: \"log.dirs\" is \"{}\", but one broker has one data folder", given->second));
  }
  return fail(ErrorCode::kInvalidConfig, fmt::format("configuration: \"log.dirs\" is \"{}\", but the data folder is {}",
                                                     given->second, directory));
}

}  // namespace

BrokerHost::BrokerHost(Logger* logger) : logger_(logger == nullptr ? silence_ : *logger), executor_(kThreads) {}

Result<std::unique_ptr<BrokerHost>> BrokerHost::open(std::string_view directory, const Properties& config,
                                                     Logger* logger) {
  MILLRACE_CHECK(check_log_dirs(directory, config));
  MILLRACE_TRY(parsed, BrokerConfig::parse(config));
  std::unique_ptr<BrokerHost> host{new BrokerHost{logger}};
  const BrokerEnvironment environment{.executor = host->executor_,
                                      .clock = host->clock_,
                                      .files = host->files_,
                                      .logger = host->logger_,
                                      .seed = seed_of_machine()};
  MILLRACE_TRY(core, BrokerCore::open(environment, directory, std::move(parsed)));
  host->core_ = std::move(core);
  host->server_ = BrokerServer::create(*host->core_, host->logger_);
  return host;
}

BrokerHost::~BrokerHost() {
  if (const auto closed = close(Duration::max()); !closed) {
    logger_.error("the broker did not close cleanly: {}", closed.error().message());
  }
  // Work that waits in the executor may hold the broker: it goes first, while all it stands on is there.
  executor_.close();
}

Result<std::unique_ptr<Client>> BrokerHost::client(const std::shared_ptr<BrokerHost>& host,
                                                   const Properties& properties) {
  std::shared_ptr<EmbeddedContext> context{
      new EmbeddedContext{.host = host, .broker = host->core_, .executor = host->executor_, .clock = host->clock_}};
  return make_embedded_client(std::move(context), properties);
}

Result<std::string> BrokerHost::listen(std::string_view address) { return server_->listen(address); }

Result<void> BrokerHost::close(Duration timeout) {
  // Nobody asks any more; what waits is answered by the core's close, to connections that are gone by then.
  if (server_) server_->close(std::min<Duration>(timeout, kLastAnswers));
  return core_ ? core_->close(timeout) : Result<void>{};
}

}  // namespace millrace
