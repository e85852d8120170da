#include "weblog/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace millrace::weblog {
namespace {

using testing::HasSubstr;

constexpr std::string_view kCombinedSpec = R"(%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i")";
constexpr std::string_view kLine =
    R"x(83.149.9.216 - anna [17/May/2015:10:05:03 +0000] "GET /a.png?x=1 HTTP/1.1" 200 203023 "http://example.com/" "Mozilla/5.0 (X11)")x";

LineFormat format(std::string_view spec, std::string_view client_header = {}) {
  auto compiled = LineFormat::compile(spec, {.client_header = std::string{client_header}});
  EXPECT_TRUE(compiled) << compiled.error().message();
  return *std::move(compiled);
}

std::string error_of(std::string_view spec, std::string_view client_header = {}) {
  const auto compiled = LineFormat::compile(spec, {.client_header = std::string{client_header}});
  return compiled ? "no error" : compiled.error().message();
}

ParsedLine parse(const LineFormat& format, std::string_view line) { return format.parse(line); }

RejectReason rejected(const LineFormat& format, std::string_view line) {
  const auto parsed = parse(format, line);
  EXPECT_FALSE(parsed) << line;
  return parsed ? RejectReason::kEmptyLine : parsed.error();
}

TEST(Combined, LineGivesEveryField) {
  const auto hit = parse(format("combined"), kLine);
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->client, "83.149.9.216");
  EXPECT_EQ(hit->user, "anna");
  EXPECT_EQ(hit->time.time_since_epoch().count(), 1431857103000);
  EXPECT_EQ(hit->method, "GET");
  EXPECT_EQ(hit->target, "/a.png?x=1");
  EXPECT_EQ(hit->protocol, "HTTP/1.1");
  EXPECT_EQ(hit->status, 200);
  EXPECT_EQ(hit->bytes, 203023U);
  EXPECT_EQ(hit->referer, "http://example.com/");
  EXPECT_EQ(hit->agent, "Mozilla/5.0 (X11)");
}

TEST(Combined, DashesAreEmptyFields) {
  const auto hit = parse(format("combined"), R"(::1 - - [17/May/2015:10:05:03 +0000] "HEAD / HTTP/1.0" 304 - "-" "-")");
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->client, "::1");
  EXPECT_EQ(hit->user, "");
  EXPECT_EQ(hit->bytes, 0U);
  EXPECT_EQ(hit->referer, "");
  EXPECT_EQ(hit->agent, "");
}

TEST(Combined, LineWithoutTheAgentsClosingQuoteIsAHit) {
  const auto hit = parse(format("combined"),
                         R"(1.1.1.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "Bot (+http://x)");
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->agent, "Bot (+http://x");
}

TEST(Combined, EscapedQuotesDoNotEndAField) {
  const auto hit = parse(
      format("combined"),
      R"(1.1.1.1 - - [17/May/2015:10:05:03 +0000] "GET /\"a\" HTTP/1.1" 200 1 "http://x/\\" "a \" \x16 b" extra)");
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->target, R"(/\"a\")");
  EXPECT_EQ(hit->referer, R"(http://x/\\)");
  EXPECT_EQ(hit->agent, R"(a \" \x16 b)");
}

TEST(Combined, UserNamesMayHaveSpaces) {
  const auto hit =
      parse(format("combined"), R"(1.1.1.1 - Anna Lee [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "-")");
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->user, "Anna Lee");
}

TEST(Combined, WhatFollowsTheFormatIsIgnored) {
  const auto line = std::string{kLine} + R"( "10.0.0.1" 0.003)" + "\r";
  const auto hit = parse(format("combined"), line);
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->agent, "Mozilla/5.0 (X11)");
}

TEST(Combined, RequestThatIsNoHttpIsAHitWithItAsTarget) {
  const auto combined = format("combined");
  const auto line = [](std::string_view request) {
    return R"(1.1.1.1 - - [17/May/2015:10:05:03 +0000] ")" + std::string{request} + R"(" 400 226 "-" "-")";
  };
  const auto tls = line(R"(\x16\x03\x01\x02)");
  EXPECT_EQ(parse(combined, tls)->method, "-");
  EXPECT_EQ(parse(combined, tls)->target, R"(\x16\x03\x01\x02)");
  const auto none = line("-");
  EXPECT_EQ(parse(combined, none)->target, "-");
  const auto empty = line("");
  EXPECT_EQ(parse(combined, empty)->target, "-");
  const auto old = line("GET /");
  EXPECT_EQ(parse(combined, old)->method, "GET");
  EXPECT_EQ(parse(combined, old)->target, "/");
  EXPECT_EQ(parse(combined, old)->protocol, "");
  const auto spaces = line("GET /a b HTTP/1.1");
  EXPECT_EQ(parse(combined, spaces)->target, "/a b");
}

TEST(Combined, RejectsSayWhy) {
  const auto combined = format("combined");
  EXPECT_EQ(rejected(combined, ""), RejectReason::kEmptyLine);
  EXPECT_EQ(rejected(combined, "\r"), RejectReason::kEmptyLine);
  EXPECT_EQ(rejected(combined, "nonsense"), RejectReason::kTruncated);
  EXPECT_EQ(rejected(combined, kLine.substr(0, 70)), RejectReason::kTruncated);
  EXPECT_EQ(rejected(combined, R"(1.1.1.1 - - [17/Mai/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "-")"),
            RejectReason::kBadTime);
  EXPECT_EQ(rejected(combined, R"(1.1.1.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 20x 1 "-" "-")"),
            RejectReason::kBadStatus);
  EXPECT_EQ(rejected(combined, R"(1.1.1.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1k "-" "-")"),
            RejectReason::kBadBytes);
  EXPECT_EQ(rejected(combined, R"(1.1.1.1 - - [17/May/2015:10:05:03 +0000] GET / HTTP/1.1 200 1 "-" "-")"),
            RejectReason::kNotInFormat);
  EXPECT_EQ(rejected(combined, R"( - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "-")"),
            RejectReason::kNotInFormat);
  EXPECT_EQ(rejected(combined, std::string_view{"\x16\x03\x01\x00\xff binary", 12}), RejectReason::kTruncated);
}

TEST(Combined, FastReaderAndFieldProgramAgreeOnDamagedLines) {
  const auto fast = format("combined");
  const auto slow = format(kCombinedSpec);
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    SCOPED_TRACE(seed);
    Random random{seed};
    std::string line{kLine};
    constexpr std::string_view kBytes = "\" \\[]-:/x0\r\xff";
    for (auto changes = random.below(4); changes > 0; --changes) {
      const auto at = random.below(line.size());
      switch (random.below(4)) {
        case 0:
          line[at] = kBytes[random.below(kBytes.size())];
          break;
        case 1:
          line.insert(at, 1, kBytes[random.below(kBytes.size())]);
          break;
        case 2:
          line.erase(at, 1 + random.below(4));
          break;
        default:
          line.resize(at + 1);
      }
    }
    const auto a = parse(fast, line);
    const auto b = parse(slow, line);
    ASSERT_EQ(a.has_value(), b.has_value()) << line;
    if (a) {
      ASSERT_EQ(*a, *b) << line;
    } else {
      ASSERT_EQ(a.error(), b.error()) << line;
    }
  }
}

TEST(ApacheFormat, CommonAndVhostAreKnownByName) {
  const auto common = parse(format("common"), R"(1.1.1.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 17)");
  ASSERT_TRUE(common);
  EXPECT_EQ(common->bytes, 17U);
  EXPECT_EQ(parse(format("common"), kLine)->bytes, 203023U) << "a combined line is a common line with more behind it";
  const auto line = "www.example.com:443 " + std::string{kLine};
  const auto vhost = parse(format("vhost"), line);
  ASSERT_TRUE(vhost);
  EXPECT_EQ(vhost->host, "www.example.com");
  EXPECT_EQ(vhost->client, "83.149.9.216");
}

TEST(ApacheFormat, IsReadAsTheConfigurationFileWritesIt) {
  const auto custom =
      format(R"(%V %a \"%{User-agent}i\" %{%Y-%m-%d %H:%M:%S}t %m %U%q %H %400,501!s %B %D %{Accept}i)");
  const auto line = R"(example.org 10.1.2.3 "curl/8" 2015-05-17 10:05:03 POST /form?a=b HTTP/2.0 201 12 4711 */*)";
  const auto hit = parse(custom, line);
  ASSERT_TRUE(hit) << text_of(hit.error());
  EXPECT_EQ(hit->host, "example.org");
  EXPECT_EQ(hit->agent, "curl/8");
  EXPECT_EQ(hit->time.time_since_epoch().count(), 1431857103000);
  EXPECT_EQ(hit->method, "POST");
  EXPECT_EQ(hit->target, "/form?a=b");
  EXPECT_EQ(hit->status, 201);
  EXPECT_EQ(hit->bytes, 12U);
  EXPECT_EQ(hit->duration_us, 4711);
}

TEST(ApacheFormat, ErrorsNameWhatIsWrong) {
  EXPECT_THAT(error_of("%h %Y %t \"%r\" %>s"), HasSubstr("unknown directive \"%Y\""));
  EXPECT_THAT(error_of("%h %t \"%r\""), HasSubstr("no status"));
  EXPECT_THAT(error_of("%h %>s \"%r\""), HasSubstr("no time"));
  EXPECT_THAT(error_of("%t %>s \"%r\""), HasSubstr("no client"));
  EXPECT_THAT(error_of("%h%u %t \"%r\" %>s"), HasSubstr("nothing stands between %h and %u"));
  EXPECT_THAT(error_of("%h %t %r %>s"), HasSubstr("must stand in quotes"));
  EXPECT_THAT(error_of("%h %{Referer"), HasSubstr("no closing brace"));
  EXPECT_THAT(error_of("%h %"), HasSubstr("no directive"));
  EXPECT_THAT(error_of("combind"), HasSubstr("Did you mean \"combined\"?"));
}

TEST(NginxFormat, IsReadAsTheConfigurationFileWritesIt) {
  const auto main = format(
      R"('$remote_addr - $remote_user [$time_local] "$request" ' '$status $body_bytes_sent "$http_referer" ' '"$http_user_agent" "$http_x_forwarded_for" $request_time')");
  const auto hit = parse(
      main,
      R"(10.0.0.9 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8.1 \x22x\x22" "203.0.113.7" 0.025)");
  ASSERT_TRUE(hit) << text_of(hit.error());
  EXPECT_EQ(hit->client, "10.0.0.9");
  EXPECT_EQ(hit->agent, R"(curl/8.1 \x22x\x22)");
  EXPECT_EQ(hit->duration_us, 25000);
}

TEST(NginxFormat, KnowsItsTimesAndAddresses) {
  const auto times = format(
      "${msec}|$time_iso8601|$remote_addr|$scheme://"
      "$host$request_uri|$request_method|$server_protocol|$status|$bytes_sent");
  const auto hit =
      parse(times, "1431857103.250|2015-05-17T10:05:03+00:00|::1|https://a.example/x?y=1|GET|HTTP/2.0|404|9");
  ASSERT_TRUE(hit) << text_of(hit.error());
  EXPECT_EQ(hit->host, "a.example");
  EXPECT_EQ(hit->target, "/x?y=1");
  EXPECT_EQ(hit->status, 404);
  EXPECT_EQ(hit->protocol, "HTTP/2.0");
}

TEST(NginxFormat, UnknownVariableIsAnErrorWithASuggestion) {
  EXPECT_THAT(error_of("$remote_adr [$time_local] \"$request\" $status"), HasSubstr("Did you mean \"$remote_addr\"?"));
  EXPECT_THAT(error_of("$remote_addr $ x"), HasSubstr("does not begin with a variable's name"));
  EXPECT_EQ(error_of("$remote_addr [$time_local] \"$request\" $status $upstream_response_time $http_x_request_id"),
            "no error");
}

TEST(JsonFormat, ReadsNginxKeys) {
  const auto hit = parse(
      format("json"),
      R"({"time_iso8601":"2015-05-17T10:05:03+00:00","remote_addr":"10.0.0.9","request":"GET /a HTTP/1.1",)"
      R"("status":"200","body_bytes_sent":612,"http_referer":"","http_user_agent":"say \"hi\"","request_time":"0.025"})");
  ASSERT_TRUE(hit) << text_of(hit.error());
  EXPECT_EQ(hit->client, "10.0.0.9");
  EXPECT_EQ(hit->method, "GET");
  EXPECT_EQ(hit->target, "/a");
  EXPECT_EQ(hit->bytes, 612U);
  EXPECT_EQ(hit->agent, "say \"hi\"") << "JSON's escapes are undone";
  EXPECT_EQ(hit->duration_us, 25000);
}

TEST(JsonFormat, ReadsCaddysNestedObjects) {
  const auto hit =
      parse(format("json"),
            R"({"level":"info","ts":1431857103.25,"logger":"http.log.access","request":{"remote_ip":"127.0.0.1",)"
            R"("remote_port":"41342","proto":"HTTP/2.0","method":"GET","host":"localhost","uri":"/x?a\u0026b",)"
            R"("headers":{"User-Agent":["curl/7.82.0"],"Referer":["http://a/"]},"tls":{"proto":"h2"}},)"
            R"("duration":0.000929,"size":10900,"status":200,"resp_headers":{"Server":["Caddy"],"Status":["x"]}})");
  ASSERT_TRUE(hit) << text_of(hit.error());
  EXPECT_EQ(hit->time.time_since_epoch().count(), 1431857103250);
  EXPECT_EQ(hit->client, "127.0.0.1");
  EXPECT_EQ(hit->target, "/x?a&b");
  EXPECT_EQ(hit->agent, "curl/7.82.0");
  EXPECT_EQ(hit->referer, "http://a/");
  EXPECT_EQ(hit->bytes, 10900U);
  EXPECT_EQ(hit->status, 200);
}

TEST(LineFormat, TakesAWholeDirectiveOfTheServersConfiguration) {
  const auto line =
      R"(1.2.3.4 - bob [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 10 "http://r/" "a 'quoted' agent")";
  for (const auto* directive : {
           R"(LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-agent}i\"" combined)",
           R"(  logformat '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"' mine)",
           R"(log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                '$status $body_bytes_sent "$http_referer" '
                '"$http_user_agent"';)",
           R"(log_format main escape=json "$remote_addr - $remote_user [$time_local] \"$request\" $status "
                "$body_bytes_sent \"$http_referer\" \"$http_user_agent\"" ;)",
       }) {
    SCOPED_TRACE(directive);
    const auto hit = parse(format(directive), line);
    ASSERT_TRUE(hit) << text_of(hit.error());
    EXPECT_EQ(hit->client, "1.2.3.4");
    EXPECT_EQ(hit->target, "/a");
    EXPECT_EQ(hit->status, 200);
    EXPECT_EQ(hit->agent, "a 'quoted' agent");
  }
}

TEST(LineFormat, OfADirectiveWithoutAFormatIsUnknown) {
  EXPECT_THAT(error_of("LogFormat"), HasSubstr("unknown log format"));
  EXPECT_THAT(error_of("log_format main;"), HasSubstr("unknown log format"));
}

TEST(JsonFormat, TextWithoutEscapesPointsIntoTheLine) {
  const std::string line = R"({"time":"2015-05-17T10:05:03Z","ip":"10.0.0.9","uri":"/a","status":200})";
  const auto hit = parse(format("json"), line);
  ASSERT_TRUE(hit);
  EXPECT_GE(hit->target.data(), line.data());
  EXPECT_LT(hit->target.data(), line.data() + line.size());
}

TEST(JsonFormat, RejectsSayWhy) {
  const auto json = format("json");
  EXPECT_EQ(rejected(json, "plain"), RejectReason::kBadJson);
  EXPECT_EQ(rejected(json, "[1]"), RejectReason::kBadJson);
  EXPECT_EQ(rejected(json, "\"text\""), RejectReason::kBadJson);
  EXPECT_EQ(rejected(json, R"({"a":1)"), RejectReason::kBadJson);
  EXPECT_EQ(rejected(json, "{}"), RejectReason::kMissingKey);
  EXPECT_EQ(rejected(json, R"({"time":"yesterday","ip":"1.1.1.1","uri":"/","status":200})"), RejectReason::kBadTime);
  EXPECT_EQ(rejected(json, R"({"time":1431857103,"ip":"1.1.1.1","uri":"/","status":"OK"})"), RejectReason::kBadStatus);
  EXPECT_EQ(rejected(json, std::string(100'000, '[')), RejectReason::kBadJson);
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += R"({"a":)";
  EXPECT_EQ(rejected(json, deep), RejectReason::kBadJson);
}

TEST(ClientHeader, FirstAddressIsTheClient) {
  const auto custom = format(R"(%h %t "%r" %>s "%{X-Forwarded-For}i")", "x-forwarded-for");
  const auto client = [&](std::string_view header) {
    const auto line = R"(10.0.0.1 [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 ")" + std::string{header} + "\"";
    return std::string{parse(custom, line)->client};
  };
  EXPECT_EQ(client("203.0.113.7, 70.41.3.18, 10.2.2.2"), "203.0.113.7");
  EXPECT_EQ(client("203.0.113.7:51234"), "203.0.113.7");
  EXPECT_EQ(client("[2001:db8::1]:443, 10.0.0.2"), "2001:db8::1");
  EXPECT_EQ(client("2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(client(R"(for=\"[2001:db8::9]\";proto=https)"), "2001:db8::9");
  EXPECT_EQ(client("-"), "10.0.0.1") << "no header: the connection's address";
}

TEST(ClientHeader, MustBeInTheFormat) {
  EXPECT_THAT(error_of("combined", "X-Forwarded-For"), HasSubstr("does not have that header"));
  EXPECT_EQ(error_of("json", "X-Forwarded-For"), "no error");
  const auto hit = parse(
      format("json", "X-Forwarded-For"),
      R"({"time":1431857103,"http_x_forwarded_for":"203.0.113.7, 10.1.1.1","ip":"10.0.0.1","uri":"/","status":200})");
  EXPECT_EQ(hit->client, "203.0.113.7");
}

}  // namespace
}  // namespace millrace::weblog
