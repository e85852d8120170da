#include "weblog/agents.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace millrace::weblog {
namespace {

struct Example {
  std::string_view agent;
  std::string_view browser;
  std::string_view system;
};
constexpr Example kExamples[] = {
    {"", "None", "None"},
    {"Mozilla/5.0", "Unknown", "Unknown"},
    {"Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.1700.107 Safari/537.36",
     "Chrome", "Windows 7"},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 "
     "Edg/120.0.0.0",
     "Edge", "Windows 10/11"},
    {"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:27.0) Gecko/20100101 Firefox/27.0", "Firefox", "Ubuntu"},
    {"Mozilla/5.0 (iPad; CPU OS 7_0_4 like Mac OS X) AppleWebKit/537.51.1 (KHTML, like Gecko) Version/7.0 "
     "Mobile/11B554a "
     "Safari/9537.53",
     "Safari", "iPadOS"},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 6_0 like Mac OS X) AppleWebKit/536.26 (KHTML, like Gecko) Version/6.0 "
     "Mobile/10A5376e "
     "Safari/8536.25 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
     "Googlebot", "iOS"},
    {"Mozilla/5.0 (Linux; U; Android 2.3.5; en-us) AppleWebKit/533.1 (KHTML, like Gecko) Version/4.0 Mobile "
     "Safari/533.1",
     "Android Browser", "Android"},
    {"Mozilla/5.0 (Linux; Android 4.4.2; Nexus 4) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.1700.99 Mobile "
     "Safari/537.36",
     "Chrome", "Android"},
    {"Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer", "Windows 7"},
    {"Opera/9.80 (X11; Linux x86_64) Presto/2.12.388 Version/12.16", "Opera", "Linux"},
    {"curl/7.22.0 (i686-pc-linux-gnu) libcurl/7.22.0", "curl", "Linux"},
    {"UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/", "Universal Feed Parser", "Unknown"},
    {"SomeNewBot/1.0 (+http://example.com)", "Other robots", "Unknown"},
};

TEST(Agents, AreClassifiedByTheFirstRuleThatFits) {
  for (const auto& example : kExamples) {
    const auto agent = classify(example.agent);
    EXPECT_EQ(browser_name(agent), example.browser) << example.agent;
    EXPECT_EQ(system_name(agent), example.system) << example.agent;
  }
}

TEST(AgentCache, GivesWhatClassifyGivesFromManyThreads) {
  const AgentCache cache;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50'000; ++i) {
        // More strings than slots, so that they push each other out.
        const auto agent =
            std::string{kExamples[static_cast<std::size_t>(i) % std::size(kExamples)].agent} + std::to_string(i % 1500);
        ASSERT_EQ(cache.classify(agent), classify(agent)) << agent;
      }
    });
  }
}

}  // namespace
}  // namespace millrace::weblog
