#include "weblog/traffic.h"

#include <fcntl.h>
#include <unistd.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <string_view>

namespace millrace::weblog {
namespace {

using std::string_view;

constexpr string_view kBrowsers[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 "
    "Edg/125.0.2535.92",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile "
    "Safari/537.36",
    "Mozilla/5.0 (Linux; Android 13; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 "
    "Chrome/121.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:126.0) Gecko/20100101 Firefox/126.0",
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36 "
    "OPR/110.0.0.0",
    "curl/7.88.1",
    "python-requests/2.31.0",
    "-",
};

constexpr string_view kCrawlers[] = {
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (compatible; DuckDuckBot-Https/1.1; https://duckduckgo.com/duckduckbot)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.0; +https://openai.com/gptbot)",
};

constexpr string_view kReferrers[] = {
    "https://www.google.com/",
    "https://www.bing.com/search?q=stream+processing",
    "https://duckduckgo.com/",
    "https://news.example.org/item?id=4711",
    "https://github.com/",
    "https://t.example.net/s/9f2c",
    "https://search.example.com/?q=access+log+%22live%22",
};

constexpr string_view kSections[] = {"blog", "docs", "products", "news", "guides", "projects"};
constexpr string_view kWords[] = {"water", "mill", "race",  "log",    "stream", "wheel",  "river", "stone",
                                  "flour", "gate", "basin", "sluice", "grain",  "weir",   "dam",   "bucket",
                                  "axle",  "gear", "flow",  "spring", "pond",   "channel"};
constexpr string_view kProbes[] = {"/wp-login.php",     "/.env",          "/phpmyadmin/index.php",
                                   "/.git/config",      "/cgi-bin/luci",  "/xmlrpc.php",
                                   "/admin/config.php", "/old-page.html", "/apple-touch-icon.png"};
constexpr string_view kUsers[] = {"frank", "ada", "grace"};

struct Page {
  std::string path;
  std::uint32_t bytes;
  bool is_static;
};

struct Visitor {
  std::string address;
  string_view agent;
  string_view referrer;
};

/// Small numbers far more often than large ones, as visits and page views are spread.
std::size_t skewed(Random& random, std::size_t count) {
  const auto unit = random.unit();
  return std::min(count - 1, static_cast<std::size_t>(unit * unit * unit * static_cast<double>(count)));
}

template <std::size_t Size>
string_view pick(Random& random, const string_view (&words)[Size]) {
  return words[random.below(Size)];
}

/// Sizes with a heavy tail: a Pareto distribution from `least` on, cut at 200 MB.
std::uint32_t heavy_tailed(Random& random, double least) {
  const auto size = least / std::pow(1.0 - random.unit(), 1.0 / 1.2);
  return static_cast<std::uint32_t>(std::min(size, 2e8));
}

std::string random_address(Random& random) {
  if (random.one_in(6)) {
    return fmt::format("2001:db8:{:x}:{:x}::{:x}", random.below(0x10000), random.below(0x10000),
                       1 + random.below(0xffff));
  }
  // The three networks set aside for examples, and the benchmarking network for more of them.
  constexpr string_view kNetworks[] = {"192.0.2", "198.51.100", "203.0.113"};
  if (random.one_in(4)) return fmt::format("{}.{}", pick(random, kNetworks), 1 + random.below(254));
  return fmt::format("198.{}.{}.{}", 18 + random.below(2), random.below(256), 1 + random.below(254));
}

std::vector<Page> make_pages(Random& random) {
  std::vector<Page> pages = {{"/", 14203, false}, {"/robots.txt", 310, true}, {"/favicon.ico", 5430, true}};
  for (const auto* name : {"/assets/site.css", "/assets/app.js", "/assets/fonts/text.woff2", "/assets/logo.svg"}) {
    pages.push_back({name, heavy_tailed(random, 4000), true});
  }
  for (int i = 0; i < 400; ++i) {
    const auto slug = fmt::format("/{}/{}-{}", pick(random, kSections), pick(random, kWords), pick(random, kWords));
    switch (random.below(5)) {
      case 0:
        pages.push_back({fmt::format("{}/{}.jpg", slug, random.below(100)), heavy_tailed(random, 20000), true});
        break;
      case 1:
        pages.push_back(
            {fmt::format("/download{}-{}.tar.gz", slug, random.below(30)), heavy_tailed(random, 200000), true});
        break;
      case 2:
        pages.push_back({fmt::format("{}.html", slug), heavy_tailed(random, 3000), false});
        break;
      default:
        pages.push_back({slug, heavy_tailed(random, 2500), false});
    }
  }
  return pages;
}

}  // namespace

struct TrafficGenerator::Site {
  std::vector<Page> pages;
  std::vector<Visitor> visitors;
  std::vector<Visitor> crawlers;

  Site(const TrafficOptions& options, Random& random) : pages(make_pages(random)) {
    for (std::size_t i = 0; i < std::max<std::size_t>(options.clients, 1); ++i) {
      visitors.push_back({random_address(random), kBrowsers[skewed(random, std::size(kBrowsers))],
                          random.one_in(3) ? pick(random, kReferrers) : string_view{"-"}});
    }
    for (int i = 0; i < 40; ++i) {
      crawlers.push_back({random_address(random), pick(random, kCrawlers), "-"});
    }
  }
};

TrafficGenerator::TrafficGenerator(TrafficOptions options)
    : options_(options), random_(options.seed), site_(std::make_unique<const Site>(options_, random_)) {}

TrafficGenerator::~TrafficGenerator() = default;

const std::string& TrafficGenerator::next_line(Timestamp time) {
  line_.clear();
  append_request(time);
  if (random_.unit() < options_.garbled_share) {
    garble();
    ++garbled_;
  }
  line_ += '\n';
  ++lines_;
  return line_;
}

void TrafficGenerator::append_request(Timestamp time) {
  const auto is_crawler = random_.unit() < options_.crawler_share;
  const auto& crowd = is_crawler ? site_->crawlers : site_->visitors;
  const auto& visitor = crowd[skewed(random_, crowd.size())];
  const auto& page = site_->pages[skewed(random_, site_->pages.size())];

  string_view method = "GET";
  std::string path = page.path;
  int status = 200;
  std::uint64_t bytes = page.bytes;
  const auto in_burst = options_.burst_every_lines > 0 &&
                        lines_ % options_.burst_every_lines >=
                            options_.burst_every_lines - std::min(options_.burst_lines, options_.burst_every_lines);
  if (random_.unit() < (in_burst ? options_.burst_error_share : options_.error_share)) {
    constexpr int kErrors[] = {500, 502, 503, 504};
    status = kErrors[random_.below(std::size(kErrors))];
    bytes = 497;
  } else if (random_.unit() < options_.not_found_share) {
    path = pick(random_, kProbes);
    status = 404;
    bytes = 341;
  } else if (page.is_static && random_.one_in(4)) {
    status = 304;
    bytes = 0;
  } else if (random_.one_in(60)) {
    status = 301;
    bytes = 178;
  } else if (page.bytes > 100'000 && random_.one_in(5)) {
    status = 206;
    bytes = 1 + random_.below(page.bytes);
  } else if (!page.is_static && random_.one_in(20)) {
    path += fmt::format("?q={}+{}&page={}", pick(random_, kWords), pick(random_, kWords), 1 + random_.below(9));
  } else if (!is_crawler && random_.one_in(50)) {
    method = "POST";
    path = "/api/contact";
    status = random_.one_in(10) ? 403 : 200;
    bytes = 52;
  } else if (random_.one_in(100)) {
    method = "HEAD";
    bytes = 0;
  }

  const auto user = random_.one_in(500) ? pick(random_, kUsers) : string_view{"-"};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  line_ += fmt::format(R"({} - {} [{:%d/%b/%Y:%H:%M:%S} +0000] "{} {} HTTP/{}" {} )", visitor.address, user,
                       fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), method, path,
                       random_.one_in(30) ? "1.0" : "1.1", status);
  // Apache writes "-" for no bytes, nginx 0: both occur.
  if (bytes == 0 && random_.one_in(2)) {
    line_ += '-';
  } else {
    line_ += fmt::format("{}", bytes);
  }
  line_ += fmt::format(R"( "{}" "{}")", random_.one_in(3) ? visitor.referrer : string_view{"-"}, visitor.agent);
}

/// Spoils the line in one of the ways that logs in the wild are spoiled. Each leaves something that is no log line.
void TrafficGenerator::garble() {
  switch (random_.below(6)) {
    case 0:  // torn by a crash, somewhere before the request
      line_.resize(line_.find('[') + random_.below(8));
      break;
    case 1:  // a message of the server's own
      line_ = "2024/06/30 12:00:00 [error] 31#31: *7 open() \"/srv/www/missing\" failed (2: No such file or directory)";
      break;
    case 2:  // bytes of something else altogether
      line_.assign(20 + random_.below(60), '\0');
      std::ranges::generate(line_, [this] {
        const auto byte = static_cast<char>(random_.below(256));
        return byte == '\n' || byte == '\r' ? '\x01' : byte;
      });
      break;
    case 3: {  // a time that does not exist
      const auto at = line_.find('[') + 1;
      line_.replace(at, 2, "39");
      break;
    }
    case 4: {  // a status that is no number
      const auto at = line_.find("\" ") + 2;
      line_.replace(at, 3, "2OO");
      break;
    }
    default:
      line_.clear();
  }
}

Result<std::unique_ptr<TrafficWriter>> TrafficWriter::start(const std::filesystem::path& file, double lines_per_second,
                                                            TrafficOptions options) {
  const auto descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) return fail_errno(errno, fmt::format("cannot append to {}", file.string()));
  return std::unique_ptr<TrafficWriter>(new TrafficWriter(descriptor, file.string(), lines_per_second, options));
}

TrafficWriter::TrafficWriter(int descriptor, std::string path, double lines_per_second, TrafficOptions options)
    : descriptor_(descriptor),
      path_(std::move(path)),
      lines_per_second_(lines_per_second),
      generator_(options),
      thread_([this] { run(); }) {}

TrafficWriter::~TrafficWriter() {
  (void)stop();
  ::close(descriptor_);
}

Result<void> TrafficWriter::stop() {
  std::unique_lock lock{mutex_};
  stopping_ = true;
  stopping_changed_.notify_all();
  if (thread_.joinable()) {
    auto thread = std::move(thread_);
    lock.unlock();
    thread.join();
    lock.lock();
  }
  return outcome_;
}

std::uint64_t TrafficWriter::lines_written() const {
  const std::lock_guard lock{mutex_};
  return lines_written_;
}

void TrafficWriter::run() {
  using namespace std::chrono_literals;
  const auto tick = std::max(
      Duration{20ms}, std::chrono::duration_cast<Duration>(std::chrono::duration<double>{1.0 / lines_per_second_}));
  const auto began = std::chrono::steady_clock::now();
  std::string lines;
  std::unique_lock lock{mutex_};
  while (!stopping_changed_.wait_for(lock, tick, [this] { return stopping_; })) {
    const auto passed = std::chrono::duration<double>{std::chrono::steady_clock::now() - began}.count();
    const auto due = static_cast<std::uint64_t>(passed * lines_per_second_);
    const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    auto written = lines_written_;
    lock.unlock();
    lines.clear();
    for (; written < due; ++written) lines += generator_.next_line(now);
    auto appended = append(lines);
    lock.lock();
    lines_written_ = written;
    if (!appended) {
      outcome_ = std::move(appended);
      return;
    }
  }
}

Result<void> TrafficWriter::append(const std::string& lines) const {
  string_view rest = lines;
  while (!rest.empty()) {
    const auto written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(errno, fmt::format("cannot append to {}", path_));
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace millrace::weblog
