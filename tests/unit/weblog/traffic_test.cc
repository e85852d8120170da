#include "weblog/traffic.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <thread>

namespace millrace::weblog {
namespace {

constexpr Timestamp kTime{std::chrono::seconds{1'719'748'800}};  // 2024-06-30 12:00:00 UTC

TEST(TrafficGenerator, GivesTheSameLinesForTheSameSeed) {
  TrafficGenerator a{{.seed = 7}};
  TrafficGenerator b{{.seed = 7}};
  TrafficGenerator c{{.seed = 8}};
  auto differing = 0;
  for (int i = 0; i < 5000; ++i) {
    const auto line = a.next_line(kTime);
    ASSERT_EQ(line, b.next_line(kTime));
    differing += line != c.next_line(kTime) ? 1 : 0;
  }
  EXPECT_GT(differing, 4900);
}

TEST(TrafficGenerator, GivesCombinedLinesButForTheGarbledOnes) {
  const std::regex combined{
      R"re(^[0-9a-f.:]+ - \S+ \[30/Jun/2024:12:00:00 \+0000\] "(GET|HEAD|POST) /\S* HTTP/1\.[01]" [1-5]\d\d (\d+|-) "[^"]*("[^"]*)*" "[^"]*"\n$)re"};
  TrafficGenerator generator{{.seed = 3, .garbled_share = 0.01}};
  std::uint64_t rejected = 0;
  constexpr int kLines = 5000;
  for (int i = 0; i < kLines; ++i) {
    const auto& line = generator.next_line(kTime);
    ASSERT_EQ(line.find('\n'), line.size() - 1);
    if (!std::regex_match(line, combined)) ++rejected;
  }
  EXPECT_EQ(rejected, generator.garbled());
  EXPECT_GT(rejected, 10u);
}

TEST(TrafficGenerator, HasTheVarietyOfARealLog) {
  TrafficGenerator generator{{.seed = 11}};
  std::set<std::string> clients;
  std::set<std::string> statuses;
  auto ipv6 = 0;
  for (int i = 0; i < 20000; ++i) {
    const auto& line = generator.next_line(kTime);
    const auto client = line.substr(0, line.find(' '));
    clients.insert(client);
    ipv6 += client.find(':') != std::string::npos ? 1 : 0;
    if (const auto at = line.find("HTTP/1.1\" "); at != std::string::npos) statuses.insert(line.substr(at + 10, 3));
  }
  EXPECT_GT(clients.size(), 1000u);
  EXPECT_GT(ipv6, 500);
  for (const auto* status : {"200", "206", "301", "304", "403", "404", "500", "502", "503", "504"}) {
    EXPECT_TRUE(statuses.contains(status)) << status;
  }
}

TEST(TrafficWriter, AppendsWholeLinesUntilItIsStopped) {
  auto pattern = (std::filesystem::temp_directory_path() / "millrace-traffic-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  const auto file = folder / "access.log";
  std::ofstream{file} << "before\n";
  {
    auto writer = TrafficWriter::start(file, 100'000);
    ASSERT_TRUE(writer) << writer.error().message();
    while ((*writer)->lines_written() < 1000) std::this_thread::yield();
    ASSERT_TRUE((*writer)->stop());
    ASSERT_TRUE((*writer)->stop());

    std::ifstream in{file, std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    EXPECT_TRUE(text.starts_with("before\n"));
    EXPECT_EQ(static_cast<std::uint64_t>(std::ranges::count(text, '\n')), 1 + (*writer)->lines_written());
    EXPECT_TRUE(text.ends_with('\n'));
  }
  EXPECT_FALSE(TrafficWriter::start(folder / "no" / "access.log", 1));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace millrace::weblog
