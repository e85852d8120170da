#include "embed/broker_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "embed/metrics_report.h"
#include "net/host_port.h"
#include "server/api_table.h"

namespace millrace {
namespace {

// Appends and reads of embedded clients, timers, what metadata changes ask of the disk. They mostly wait for each
// other.
constexpr std::size_t kThreads = 4;

// What requests under way get to be answered.
constexpr std::chrono::seconds kServerPatience{1};

std::uint64_t seed_of_machine() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

/// Whether what the configuration says of folders agrees with the one that is opened. A slash at the end is none.
Result<void> check_folder(std::string_view directory, const BrokerConfig& config) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.remove_suffix(1);
  const auto given = config.metadata_folder();
  if (given.empty() || given == directory) return {};
  return fail(
      ErrorCode::kInvalidConfig,
      fmt::format("configuration: \"{}\" names {}, but the folder that is opened is {}",
                  config.get_string("metadata.log.dir").empty() ? "log.dirs" : "metadata.log.dir", given, directory));
}

}  // namespace

BrokerHost::BrokerHost(Logger* logger) : logger_(logger == nullptr ? silence_ : *logger), executor_(kThreads) {}

Result<std::unique_ptr<BrokerHost>> BrokerHost::open(std::string_view directory, const Properties& config,
                                                     Logger* logger) {
  MILLRACE_TRY(parsed, BrokerConfig::parse(config));
  MILLRACE_CHECK(check_folder(directory, parsed));
  std::unique_ptr<BrokerHost> host{new BrokerHost{logger}};
  const BrokerEnvironment environment{.executor = host->executor_,
                                      .clock = host->clock_,
                                      .files = host->files_,
                                      .logger = host->logger_,
                                      .seed = seed_of_machine()};
  MILLRACE_TRY(core, BrokerCore::open(environment, directory, std::move(parsed)));
  host->core_ = std::move(core);
  host->requests_.emplace(served_apis().size(),
                          static_cast<std::size_t>(host->core_->config().get_long("num.network.threads")),
                          host->clock_);
  for (const auto& listener : host->core_->config().listeners()) {
    const auto bound = host->listen(fmt::format("{}://{}:{}", listener.name, listener.host, listener.port));
    if (!bound) return std::unexpected(bound.error());
  }
  MILLRACE_CHECK(host->serve_metrics());
  return host;
}

Result<void> BrokerHost::serve_metrics() {
  const auto address = core_->config().get_string("metrics.address");
  if (address.empty()) return {};
  MILLRACE_TRY(parsed, parse_listener(address));
  if (parsed.host.empty()) parsed.host = "127.0.0.1";
  std::vector<std::string> hosts;
  for (const auto& told : core_->config().advertised_listeners()) hosts.push_back(told.host);
  auto page = MetricsPage::open(net::format_host_port(parsed.host, parsed.port), std::move(hosts),
                                [this] { return metrics_report(*core_, *requests_); });
  if (!page) return std::unexpected(std::move(page).error().in("metrics.address"));
  metrics_ = *std::move(page);
  logger_.info("metrics are at {}", metrics_->url());
  return {};
}

BrokerHost::~BrokerHost() {
  // Who closed it was told how that went.
  if (!is_closed()) {
    if (const auto closed = close(Duration::max()); !closed) {
      logger_.error("the broker did not close cleanly: {}", closed.error().message());
    }
  }
  // Work that waits in the executor may hold the broker: it goes first, while all it stands on is there.
  executor_.close();
}

Result<std::unique_ptr<Client>> BrokerHost::client(const std::shared_ptr<BrokerHost>& host,
                                                   const Properties& properties) {
  std::shared_ptr<EmbeddedContext> context{new EmbeddedContext{.host = host,
                                                               .broker = host->core_,
                                                               .executor = host->executor_,
                                                               .clock = host->clock_,
                                                               .logger = &host->logger_}};
  return make_embedded_client(std::move(context), properties);
}

Result<std::string> BrokerHost::listen(std::string_view address) {
  auto parsed = parse_listener(address);
  if (!parsed) return fail(ErrorCode::kInvalidArgument, "cannot listen: " + parsed.error().message());
  if (parsed->host.empty()) parsed->host = "127.0.0.1";
  const bool is_ipv6 = parsed->host.find(':') != std::string::npos;
  const auto host = is_ipv6 ? "[" + parsed->host + "]" : parsed->host;
  const std::lock_guard lock{mutex_};
  if (closed_) return fail(ErrorCode::kClosed, fmt::format("cannot listen on {}: the broker is closed", address));
  if (!server_) server_ = BrokerServer::create(*core_, *requests_, logger_);
  return server_->listen(fmt::format("{}://{}:{}", parsed->name, host, parsed->port));
}

bool BrokerHost::is_closed() const {
  const std::lock_guard lock{mutex_};
  return closed_;
}

Result<void> BrokerHost::close(Duration timeout) {
  std::unique_ptr<BrokerServer> server;
  std::unique_ptr<MetricsPage> metrics;
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    server = std::move(server_);
    metrics = std::move(metrics_);
  }
  metrics.reset();
  if (!core_) return {};
  if (server) {
    // Clients that only wait for news are told that there is none; the others get the answer they wait for.
    core_->end_all_waits();
    server->close(std::min<Duration>(timeout, kServerPatience));
  }
  return core_->close(timeout);
}

}  // namespace millrace
