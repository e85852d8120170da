#include "broker/fetch_sessions.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <limits>

namespace millrace {
namespace {

/// What names a partition inside a session.
struct SessionKey {
  TopicId id;
  std::string name;
  PartitionIndex partition;
  bool operator==(const SessionKey&) const = default;
};

struct SessionKeyHash {
  std::size_t operator()(const SessionKey& key) const {
    const auto topic = std::hash<TopicId>{}(key.id) ^ std::hash<std::string>{}(key.name);
    return topic * 31 + static_cast<std::size_t>(key.partition.value());
  }
};

SessionKey session_key(const FetchPartition& partition) {
  return {.id = partition.topic.id, .name = partition.topic.name, .partition = partition.partition};
}

std::int32_t epoch_after(std::int32_t epoch) {
  return epoch == std::numeric_limits<std::int32_t>::max() ? 1 : epoch + 1;
}

bool has_records(const Result<LogSlice>& slice) { return slice && !slice->bytes.empty(); }

}  // namespace

/// One reader's partitions, and what it was told of each. Those that had records come last the next time, so that all
/// get their turn.
///
/// Threading: any thread; its numbers are the cache's, under the cache's mutex.
class FetchSession {
 public:
  explicit FetchSession(FetchSessionAsk& ask) : reader(ask.reader), naming(ask.naming) {
    for (auto& partition : ask.partitions) put(std::move(partition));
    size_ = entries_.size();
  }

  const FetchReader reader;
  const TopicNaming naming;
  // Set, under the cache's mutex, before anybody else knows of it.
  std::int32_t id = kNoFetchSession;
  TimePoint made;
  // Under the cache's mutex.
  TimePoint used;

  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_relaxed); }

  FetchPlan begin() {
    const std::lock_guard lock{mutex_};
    FetchPlan plan{.partitions = wanted(), .kind = FetchPlan::Kind::kBegins};
    plan.next_epoch = next_epoch_;
    return plan;
  }

  /// What to read now, after the changes that the reader asks for.
  Result<FetchPlan> go_on(FetchSessionAsk& ask) {
    const std::lock_guard lock{mutex_};
    if (ask.epoch != next_epoch_) {
      return fail(ErrorCode::kInvalidFetchSessionEpoch,
                  fmt::format("fetch session {} expects epoch {}, not {}", id, next_epoch_, ask.epoch));
    }
    if (ask.naming != naming) {
      return fail(ErrorCode::kFetchSessionTopicIdError,
                  fmt::format("fetch session {} names its topics in the other way", id));
    }
    for (auto& partition : ask.partitions) put(std::move(partition));
    for (const auto& partition : ask.forgotten) {
      const auto found = by_key_.find(session_key(partition));
      if (found == by_key_.end()) continue;
      entries_.erase(found->second);
      by_key_.erase(found);
    }
    size_ = entries_.size();
    next_epoch_ = epoch_after(next_epoch_);
    FetchPlan plan{.partitions = wanted(), .kind = FetchPlan::Kind::kGoesOn};
    plan.next_epoch = next_epoch_;
    return plan;
  }

  /// What the reader does not know yet; all of it when the session begins.
  Result<std::vector<ToldPartition>> news(const FetchPlan& plan, const FetchAnswer& answer) {
    const std::lock_guard lock{mutex_};
    if (plan.next_epoch != next_epoch_) {
      return fail(ErrorCode::kInvalidFetchSessionEpoch,
                  fmt::format("fetch session {} has gone on to epoch {}", id, next_epoch_));
    }
    // Nothing has changed since the plan was made, so the entries are in its order.
    std::vector<ToldPartition> news;
    const bool begins = plan.kind == FetchPlan::Kind::kBegins;
    auto entry = entries_.begin();
    for (std::size_t i = 0; i < answer.size(); ++i) {
      const auto next = std::next(entry);
      if (entry->is_news(answer[i]) || begins) {
        news.push_back({.topic = entry->wanted.topic, .partition = entry->wanted.partition, .answer = i});
      }
      if (has_records(answer[i])) entries_.splice(entries_.end(), entries_, entry);
      entry = next;
    }
    return news;
  }

 private:
  struct Entry {
    FetchPartition wanted;
    // What the reader was told.
    Offset high_watermark = kNoOffset;
    Offset log_start = kNoOffset;

    /// Whether the reader does not know this yet; from now on it does.
    bool is_news(const Result<LogSlice>& slice) {
      if (!slice) {
        // When the error is over, that is news.
        high_watermark = kNoOffset;
        return true;
      }
      const bool same = slice->high_watermark == high_watermark && slice->log_start == log_start;
      high_watermark = slice->high_watermark;
      log_start = slice->log_start;
      return !same || !slice->bytes.empty();
    }
  };

  void put(FetchPartition partition) {
    auto key = session_key(partition);
    const auto found = by_key_.find(key);
    if (found != by_key_.end()) {
      found->second->wanted = std::move(partition);
    } else {
      entries_.push_back({.wanted = std::move(partition)});
      by_key_.emplace(std::move(key), std::prev(entries_.end()));
    }
  }

  [[nodiscard]] std::vector<FetchPartition> wanted() const {
    std::vector<FetchPartition> all;
    all.reserve(entries_.size());
    for (const auto& entry : entries_) all.push_back(entry.wanted);
    return all;
  }

  std::mutex mutex_;
  std::list<Entry> entries_;
  std::unordered_map<SessionKey, std::list<Entry>::iterator, SessionKeyHash> by_key_;
  std::int32_t next_epoch_ = epoch_after(kFirstFetchEpoch);
  std::atomic<std::size_t> size_ = 0;
};

struct FetchSessions::Worth {
  FetchReader reader;
  std::size_t size;
  auto operator<=>(const Worth&) const = default;
};

FetchSessions::FetchSessions(Options options, const Clock& clock, std::uint64_t seed)
    : options_(options), clock_(clock), random_(seed) {}

Result<FetchPlan> FetchSessions::begin(FetchSessionAsk ask) {
  if (ask.epoch == kFirstFetchEpoch || ask.epoch == kLastFetchEpoch) {
    if (ask.session != kNoFetchSession) {
      const std::lock_guard lock{mutex_};
      sessions_.erase(ask.session);
    }
    const bool begins = ask.epoch == kFirstFetchEpoch && !ask.partitions.empty() && options_.slots > 0;
    if (!begins) return FetchPlan{.partitions = std::move(ask.partitions)};
    const auto session = std::make_shared<FetchSession>(ask);
    auto plan = session->begin();
    plan.session = session;
    return plan;
  }
  std::shared_ptr<FetchSession> session;
  {
    const std::lock_guard lock{mutex_};
    const auto found = sessions_.find(ask.session);
    if (found == sessions_.end()) {
      return fail(ErrorCode::kFetchSessionIdNotFound, fmt::format("there is no fetch session {}", ask.session));
    }
    session = found->second;
  }
  MILLRACE_TRY(plan, session->go_on(ask));
  const std::lock_guard lock{mutex_};
  if (plan.partitions.empty()) {
    sessions_.erase(ask.session);
    return FetchPlan{.partitions = {}, .kind = FetchPlan::Kind::kEnds};
  }
  session->used = clock_.now();
  plan.session = std::move(session);
  return plan;
}

Result<FetchNews> FetchSessions::finish(const FetchPlan& plan, const FetchAnswer& answer) {
  if (plan.kind == FetchPlan::Kind::kAlone) return FetchNews{};
  if (plan.kind == FetchPlan::Kind::kEnds) return FetchNews{.partitions = std::vector<ToldPartition>{}};
  const auto& session = plan.session;
  MILLRACE_TRY(news, session->news(plan, answer));
  if (plan.kind == FetchPlan::Kind::kGoesOn) return FetchNews{.session = session->id, .partitions = std::move(news)};
  const auto now = clock_.now();
  const std::lock_guard lock{mutex_};
  if (!make_room({.reader = session->reader, .size = session->size()}, now)) {
    return FetchNews{.partitions = std::move(news)};
  }
  session->id = new_id();
  session->made = session->used = now;
  sessions_.emplace(session->id, session);
  return FetchNews{.session = session->id, .partitions = std::move(news)};
}

bool FetchSessions::make_room(const Worth& wanted, TimePoint now) {
  if (sessions_.size() < options_.slots) return true;
  if (sessions_.empty()) return false;
  auto least = std::ranges::min_element(sessions_, {}, [](const auto& entry) { return entry.second->used; });
  if (now - least->second->used <= options_.safe_for) {
    const auto may_go = [&](const FetchSession& session) {
      const bool is_old = now - session.made > options_.safe_for;
      return is_old || (wanted.reader == FetchReader::kReplica && session.reader == FetchReader::kClient);
    };
    const auto worth = [](const FetchSession& session) {
      return Worth{.reader = session.reader, .size = session.size()};
    };
    least = sessions_.end();
    for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
      if (!may_go(*at->second)) continue;
      if (least == sessions_.end() || worth(*at->second) < worth(*least->second)) least = at;
    }
    if (least == sessions_.end() || !(worth(*least->second) < wanted)) return false;
  }
  sessions_.erase(least);
  ++evicted_;
  return true;
}

std::int32_t FetchSessions::new_id() {
  for (;;) {
    const auto id = static_cast<std::int32_t>(random_.below(std::numeric_limits<std::int32_t>::max())) + 1;
    if (!sessions_.contains(id)) return id;
  }
}

FetchSessions::Count FetchSessions::count() const {
  const std::lock_guard lock{mutex_};
  Count count{.sessions = sessions_.size(), .partitions = 0, .evicted = evicted_};
  for (const auto& [id, session] : sessions_) count.partitions += session->size();
  return count;
}

}  // namespace millrace
