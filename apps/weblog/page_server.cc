#include "weblog/page_server.h"

#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <vector>

#include "base/assert.h"
#include "net/http_server.h"

namespace millrace::weblog {
namespace {

using namespace std::chrono_literals;

constexpr auto kLookEvery = 50ms;
constexpr auto kSnapshotEvery = 500ms;
constexpr auto kBeatEvery = 5s;

/// What every answer carries: other sites get neither the figures nor a frame around them.
const net::HttpHeaders kEveryAnswer = {
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

net::HttpResponse answer(int status, std::string content_type, std::string body) {
  net::HttpResponse response{.status = status, .content_type = std::move(content_type), .headers = kEveryAnswer};
  response.body = std::move(body);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

bool accepts_gzip(const net::HttpRequest& request) {
  return request.header("Accept-Encoding").find("gzip") != std::string_view::npos;
}

/// The name this machine gives itself: one that a rebinding site cannot take.
std::vector<std::string> own_names() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  std::string host{name.data()};
  for (auto& letter : host) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return {host, host + ".local"};
}

/// `json` is one line: a line break would end the event's data.
std::shared_ptr<const std::string> event(std::string_view name, std::string_view json) {
  MILLRACE_ASSERT(json.find('\n') == std::string_view::npos);
  return std::make_shared<const std::string>(fmt::format("event: {}\ndata: {}\n\n", name, json));
}

/// The open pages. Looks at the model's version only while there are any.
///
/// Threading: the server's thread only.
class LivePages {
 public:
  LivePages(const LiveModel& model, Executor& executor) : model_(model), executor_(executor) {}

  void add(std::shared_ptr<net::HttpStream> stream) {
    // How soon a browser comes back by itself; the page does it its own way.
    stream->write(std::make_shared<const std::string>("retry: 1000\n\n"));
    const auto version = model_.version();
    stream->write(event("snapshot", model_.snapshot_json()));
    const auto now = std::chrono::steady_clock::now();
    pages_.push_back({.stream = std::move(stream), .version = version, .snapshot_at = now, .heard_at = now});
    if (!is_looking_) look_later();
  }

  /// Every page gets the last figures, and its end.
  void end() {
    const auto last = event("snapshot", model_.snapshot_json());
    for (const auto& page : pages_) {
      page.stream->write(last);
      page.stream->end();
    }
    pages_.clear();
  }

 private:
  struct Page {
    std::shared_ptr<net::HttpStream> stream;
    std::uint64_t version;
    TimePoint snapshot_at;
    TimePoint heard_at;
  };

  void look_later() {
    is_looking_ = true;
    executor_.post_at(std::chrono::steady_clock::now() + kLookEvery, [this] { look(); });
  }

  void look() {
    is_looking_ = false;
    std::erase_if(pages_, [](const Page& page) { return page.stream->ended(); });
    if (pages_.empty()) return;

    const auto now = std::chrono::steady_clock::now();
    const auto version = model_.version();
    // Made for the first page that wants it, shared by the others.
    std::shared_ptr<const std::string> snapshot;
    for (auto& page : pages_) {
      // A page that has not taken the last one yet gets the newest when it has.
      if (page.version != version && now - page.snapshot_at >= kSnapshotEvery && page.stream->unsent() == 0) {
        if (!snapshot) snapshot = event("snapshot", model_.snapshot_json());
        page.stream->write(snapshot);
        page.version = version;
        page.snapshot_at = page.heard_at = now;
      } else if (now - page.heard_at >= kBeatEvery) {
        page.stream->write(event("beat", "{}"));
        page.heard_at = now;
      }
    }
    look_later();
  }

  const LiveModel& model_;
  Executor& executor_;
  std::vector<Page> pages_;
  bool is_looking_ = false;
};

class Server final : public PageServer {
 public:
  Server(const LiveModel& model, const console::Page& page) : model_(model), page_(page) {}
  ~Server() override { close(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Result<void> listen(const std::string& address) {
    auto opened = net::HttpServer::open({.address = address, .allowed_hosts = own_names()});
    if (!opened) {
      auto error = std::move(opened).error();
      if (error.code() != ErrorCode::kInUse) return std::unexpected(std::move(error));
      return fail(error.code(), error.message() + ". Choose another with --page.");
    }
    http_ = std::move(*opened);
    pages_ = std::make_unique<LivePages>(model_, http_->executor());
    http_->serve([this](const net::HttpRequest& request, std::unique_ptr<net::HttpReply> reply) {
      serve(request, std::move(reply));
    });
    return {};
  }

  [[nodiscard]] std::string url() const override {
    auto address = http_->address();
    // What listens everywhere is found here as well.
    if (address.starts_with("0.0.0.0:")) address = "127.0.0.1" + address.substr(7);
    if (address.starts_with("[::]:")) address = "[::1]" + address.substr(4);
    return "http://" + address + '/';
  }

  void close() override {
    if (!http_) return;
    http_->executor().post([this] { pages_->end(); });
    http_->close();
  }

 private:
  void serve(const net::HttpRequest& request, std::unique_ptr<net::HttpReply> reply) {
    if (request.path == "/") return reply->send(page_for(request));
    if (request.path == "/api/report") return reply->send(answer(200, "application/json", model_.report_json()));
    if (request.path == "/api/live") return pages_->add(reply->stream(answer(200, "text/event-stream", {})));
    reply->send(answer(404, "text/plain; charset=utf-8",
                       "There is nothing here. The page is at /, its figures at /api/report.\n"));
  }

  net::HttpResponse page_for(const net::HttpRequest& request) const {
    if (page_.html.empty()) {
      return answer(404, "text/plain; charset=utf-8",
                    "This millrace was built without its page (MILLRACE_PAGE=OFF). The figures are at /api/report.\n");
    }
    net::HttpResponse response{.content_type = "text/html; charset=utf-8", .headers = kEveryAnswer};
    response.headers.emplace_back("Content-Security-Policy", page_.content_security_policy);
    response.headers.emplace_back("Cache-Control", "no-cache");
    response.headers.emplace_back("Vary", "Accept-Encoding");
    // Weak: the compressed bytes are another form of the same page.
    response.headers.emplace_back("ETag", fmt::format("W/{}", page_.etag));
    if (request.header("If-None-Match").find(page_.etag) != std::string_view::npos) {
      response.status = 304;
    } else if (accepts_gzip(request)) {
      response.headers.emplace_back("Content-Encoding", "gzip");
      response.fixed_body = page_.gzip;
    } else {
      response.fixed_body = page_.html;
    }
    return response;
  }

  const LiveModel& model_;
  const console::Page page_;
  std::unique_ptr<net::HttpServer> http_;
  // Goes before the server: it holds streams.
  std::unique_ptr<LivePages> pages_;
};

}  // namespace

Result<std::unique_ptr<PageServer>> PageServer::open(const std::string& address, const LiveModel& model,
                                                     const console::Page& page) {
  auto server = std::make_unique<Server>(model, page);
  MILLRACE_CHECK(server->listen(address));
  return std::unique_ptr<PageServer>{std::move(server)};
}

}  // namespace millrace::weblog
