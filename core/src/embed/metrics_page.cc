#include "embed/metrics_page.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cctype>

#include "base/metrics_text.h"
#include "net/http_server.h"

namespace millrace {
namespace {

std::string lower_case(std::string name) {
  for (auto& letter : name) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return name;
}

/// What this machine calls itself: a name that a rebinding site cannot take.
std::string machine_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string{name.data()} : std::string{};
}

class HttpMetricsPage final : public MetricsPage {
 public:
  HttpMetricsPage(std::unique_ptr<net::HttpServer> server, std::function<std::string()> report)
      : server_(std::move(server)) {
    server_->serve(
        [report = std::move(report)](const net::HttpRequest& request, std::unique_ptr<net::HttpReply> reply) {
          net::HttpResponse response;
          if (request.path == "/metrics") {
            response.content_type = MetricsText::kContentType;
            response.body = report();
          } else {
            response.status = 404;
            response.body = "The metrics are at /metrics.\n";
          }
          response.headers = {{"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-store"}};
          reply->send(std::move(response));
        });
  }
  ~HttpMetricsPage() override { server_->close(); }

  std::string url() const override { return fmt::format("http://{}/metrics", server_->address()); }

 private:
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace

Result<std::unique_ptr<MetricsPage>> MetricsPage::open(const std::string& address, std::vector<std::string> hosts,
                                                       std::function<std::string()> report) {
  net::HttpServerConfig config{.address = address, .allowed_hosts = {}};
  hosts.push_back(machine_name());
  for (auto& host : hosts) {
    if (!host.empty()) config.allowed_hosts.push_back(lower_case(std::move(host)));
  }
  // A scraper or two, and somebody who looks.
  config.max_connections = 16;
  MILLRACE_TRY(server, net::HttpServer::open(std::move(config)));
  return std::make_unique<HttpMetricsPage>(std::move(server), std::move(report));
}

}  // namespace millrace
