#include "test_job.h"

#include <fmt/core.h>

#include <charconv>

namespace millrace::streams {

using namespace std::chrono_literals;

Result<Visit> parse_visit(std::string_view line) {
  const auto garbled = [&] { return millrace::fail(ErrorCode::kDecodeFailed, "no visit: " + std::string{line}); };
  const auto next = [&] {
    const auto space = line.find(' ');
    const auto word = line.substr(0, space);
    line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
    return word;
  };
  const auto number = [](std::string_view word) {
    std::int64_t value = -1;
    std::from_chars(word.data(), word.data() + word.size(), value);
    return value;
  };
  Visit visit;
  const auto ms = number(next());
  if (ms < 0) return garbled();
  visit.time = Timestamp{std::chrono::milliseconds{ms}};
  visit.path = next();
  visit.client = number(next());
  visit.bytes = number(next());
  if (visit.bytes < 0) return garbled();
  return visit;
}

Topology visits_topology() {
  Builder builder;
  auto visits = builder.stream("visits", &parse_visit).timestamps(&Visit::time).on_error(dead_letter("garbled"));

  visits.filter([](const auto& visit) { return visit.value.bytes > 900; })
      .map_values([](const Visit& visit) { return std::string{visit.path} + ' ' + std::to_string(visit.bytes); })
      .to("big");

  auto by_path = visits.group_by(&Visit::path);
  by_path.aggregate<Totals>().as("paths").to("by-path");
  by_path.window(tumbling(1s).keep(20s)).count().as("minutes").to("by-minute");
  by_path.window(hopping(4s, 1s).grace(2s)).aggregate<Totals>().as("hopping").emit(on_close).to("closed");
  by_path.aggregate(std::int64_t{0}, [](std::int64_t& last, const Visit& visit) { last = last * 31 + visit.client; })
      .as("chained")
      .to("last");
  visits.group_all().count_distinct(&Visit::client).as("clients");
  visits.group_by([](const auto& visit) { return std::tuple{visit.value.client % 7, visit.value.path}; })
      .window(tumbling(10s).keep_forever())
      .count()
      .as("pairs");
  return builder.build();
}

std::vector<FakeClient::Stored> visits_input(std::uint64_t seed, std::size_t count) {
  Random random{seed};
  std::vector<FakeClient::Stored> records;
  std::int64_t now = 1'000'000;
  for (std::size_t i = 0; i < count; ++i) {
    now += static_cast<std::int64_t>(random.below(10));
    auto event = now - static_cast<std::int64_t>(random.below(500));
    if (random.one_in(50)) event -= static_cast<std::int64_t>(random.below(60'000));  // some of them late
    auto line = fmt::format("{} /{} {} {}", event, random.below(random.one_in(3) ? 400 : 10), random.below(2000),
                            random.below(1000));
    if (random.one_in(200)) line = "?";
    records.push_back({Timestamp{std::chrono::milliseconds{now}}, std::nullopt, std::move(line), {}});
  }
  return records;
}

namespace {

template <class K>
std::string key_text(const K& key) {
  std::string text;
  Format<K>::append(text, key);
  return text;
}

}  // namespace

std::map<std::string, std::vector<std::string>> dump_stores(const Job& job) {
  std::map<std::string, std::vector<std::string>> dump;
  const auto check = [](const Result<void>& read) {
    if (!read) throw std::runtime_error(read.error().message());
  };
  check(job.read("paths", [&](const Store<std::string, Totals>& store) {
    store.for_each([&](const auto& key, const auto& value) {
      dump["paths"].push_back(fmt::format("{} {} {}", key, value.visits, value.bytes));
    });
  }));
  const auto windowed = [&](const std::string& name) {
    return [&dump, name](const auto& key, Window window, const auto& value) {
      std::int64_t figure = 0;
      if constexpr (requires { value.bytes; }) {
        figure = value.visits * 1'000'000 + value.bytes;
      } else {
        figure = value;
      }
      dump[name].push_back(fmt::format("{} {} {}", window.start.time_since_epoch().count(), key_text(key), figure));
    };
  };
  check(job.read("minutes", [&](const WindowStore<std::string, std::int64_t>& store) {
    store.for_each(windowed("minutes"));
    dump["minutes"].push_back(fmt::format("late {}", store.late_records()));
  }));
  check(
      job.read("hopping", [&](const WindowStore<std::string, Totals>& store) { store.for_each(windowed("hopping")); }));
  check(job.read("pairs", [&](const WindowStore<std::tuple<std::int64_t, std::string>, std::int64_t>& store) {
    store.for_each(windowed("pairs"));
  }));
  check(job.read("chained", [&](const Store<std::string, std::int64_t>& store) {
    store.for_each([&](const auto& key, auto value) { dump["chained"].push_back(fmt::format("{} {}", key, value)); });
  }));
  check(job.read("clients", [&](const Store<All, DistinctCounter>& store) {
    dump["clients"].push_back(std::to_string(store.find(All{})->count()));
  }));
  return dump;
}

}  // namespace millrace::streams
