// A broker and clients of every kind on a disk whose power fails at a random change, again and again, also while it
// recovers: what a client was told or could read holds, once and in order. MILLRACE_SEEDS and MILLRACE_FIRST_SEED
// choose the stories.

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/group_story.h"
#include "sim/price_story.h"
#include "sim/record_story.h"
#include "sim/topic_story.h"
#include "sim/transaction_story.h"

namespace millrace::test {
namespace {

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : machine_(seed) {
    auto orders = std::make_unique<RecordStory>(machine_, "orders", 2, std::nullopt);
    machine_.while_syncing([this, story = orders.get()] {
      if (is_started_) story->write_meanwhile();
    });
    add(6, std::move(orders));
    add(3, std::make_unique<RecordStory>(machine_, "events", 1, 9000));
    add(3, std::make_unique<PriceStory>(machine_));
    add(2, std::make_unique<GroupStory>(machine_, "orders"));
    add(1, std::make_unique<TopicStory>(machine_));
    add(10, std::make_unique<TransactionStory>(machine_));
  }

  void run() {
    auto& random = machine_.random();
    for (int life = 0; life < 6 && !testing::Test::HasFailure(); ++life) {
      machine_.fail_power_after(1 + random.below(2000));
      if (start()) {
        for (int i = 0; i < 700 && machine_.is_on(); ++i) use();
      }
      stop();
      while (random.one_in(3)) {
        machine_.fail_power_after(1 + random.below(120));
        (void)start();
        stop();
      }
      // Sometimes nobody looks before the next cut.
      if (life < 5 && random.one_in(3)) continue;
      ASSERT_TRUE(start()) << "it does not start with the power on: " << machine_.problem();
      settle();
      if (testing::Test::HasFailure()) return;
      for (auto& story : stories_) story->check();
      if (random.one_in(4)) {
        machine_.shut_down();
        forget();
      } else {
        stop();
      }
    }
  }

 private:
  void add(std::size_t weight, std::unique_ptr<Story> story) {
    weighted_.insert(weighted_.end(), weight, story.get());
    stories_.push_back(std::move(story));
  }

  bool start() {
    if (!machine_.start()) return false;
    for (auto& story : stories_) story->prepare();
    is_started_ = machine_.is_on();
    return is_started_;
  }
  void stop() {
    machine_.stop();
    forget();
  }
  void forget() {
    is_started_ = false;
    for (auto& story : stories_) story->forget();
  }

  void use() {
    auto& random = machine_.random();
    // Retention, compaction, checkpoints, time-outs.
    if (random.one_in(12)) machine_.pass(std::chrono::milliseconds{random.below(6000)});
    weighted_[random.below(weighted_.size())]->use();
    for (auto steps = random.below(6); steps > 0; --steps) machine_.step();
  }

  void settle() {
    bool is_settled = false;
    for (int i = 0; i < 1000 && !is_settled; ++i) {
      machine_.run();
      is_settled = true;
      for (auto& story : stories_) is_settled = story->settle() && is_settled;
      if (!is_settled) machine_.pass(std::chrono::milliseconds{250});
    }
    EXPECT_TRUE(is_settled) << "somebody never gets an answer; the last problem: " << machine_.problem();
    machine_.run();
  }

  // Outlives its clients.
  Machine machine_;
  std::vector<std::unique_ptr<Story>> stories_;
  std::vector<Story*> weighted_;
  bool is_started_ = false;
};

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const auto* text = std::getenv(variable);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(PowerCut, TakesBackNothingThatAClientWasToldOrCouldRead) {
  const auto first = number_from("MILLRACE_FIRST_SEED", 1);
  const auto count = number_from("MILLRACE_SEEDS", 60);
  for (auto seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation{seed}.run();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace millrace::test
