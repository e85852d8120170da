#include "broker/client_quotas.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "support/must.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

const QuotaOwner kAnn{{"user", "ann"}};
const QuotaOwner kEverybody{{"user", std::nullopt}};
const QuotaOwner kAnnsLoader{{"client-id", "loader"}, {"user", "ann"}};
const QuotaOwner kHome{{"ip", "127.0.0.1"}};

/// An image with quotas of the four above.
class ClientQuotas : public ::testing::Test {
 protected:
  ClientQuotas() {
    for (const auto& owner : {kAnn, kEverybody, kAnnsLoader}) set(owner, "consumer_byte_rate", 1000);
    set(kHome, "connection_creation_rate", 10);
  }

  void set(const QuotaOwner& owner, const std::string& key, std::optional<double> value) {
    const auto records =
        must(change_quotas(*image_, {.owner = {owner.begin(), owner.end()}, .changes = {{key, value}}}));
    image_ = must(apply_records(*image_, records, image_->last_offset + 1));
  }
  ErrorCode refusal(const std::vector<QuotaEntityName>& owner, const std::string& key, double value) {
    const auto records = change_quotas(*image_, {.owner = owner, .changes = {{key, value}}});
    return records ? ErrorCode::kNone : records.error().code();
  }
  std::vector<QuotaOwner> owners(const QuotaFilter& filter) {
    std::vector<QuotaOwner> found;
    for (const auto& owned : must(find_quotas(*image_, filter))) found.push_back(owned.owner);
    return found;
  }

  std::shared_ptr<const MetadataImage> image_ = std::make_shared<MetadataImage>();
};

TEST_F(ClientQuotas, AreKeptUntilTheyAreTakenBack) {
  EXPECT_THAT(image_->client_quotas, SizeIs(4));
  set(kAnn, "request_percentage", 12.5);
  EXPECT_EQ(image_->client_quotas.at(kAnn).at("request_percentage"), 12.5);
  set(kAnn, "request_percentage", std::nullopt);
  EXPECT_THAT(image_->client_quotas.at(kAnn), SizeIs(1));
  set(kAnn, "consumer_byte_rate", std::nullopt);
  EXPECT_FALSE(image_->client_quotas.contains(kAnn));
}

TEST_F(ClientQuotas, SurviveASnapshot) {
  const auto restored = must(apply_records(MetadataImage{}, records_of(*image_), Offset{9}));
  EXPECT_EQ(restored->client_quotas, image_->client_quotas);
}

TEST_F(ClientQuotas, AreNotWrittenAgainWhenNothingChanges) {
  const AlterQuotas same{.owner = {{"user", "ann"}},
                         .changes = {{"consumer_byte_rate", 1000.0}, {"request_percentage", {}}}};
  EXPECT_THAT(must(change_quotas(*image_, same)), IsEmpty());
}

TEST_F(ClientQuotas, AreFoundByNameByDefaultAndByType) {
  using Match = QuotaMatch;
  EXPECT_THAT(owners({}), SizeIs(4));
  EXPECT_THAT(owners({.components = {{"user", Match::kName, "ann"}}}), UnorderedElementsAre(kAnn, kAnnsLoader));
  EXPECT_THAT(owners({.components = {{"user", Match::kName, "ann"}}, .others = QuotaFilter::Others::kRefused}),
              ElementsAre(kAnn));
  EXPECT_THAT(owners({.components = {{"user", Match::kDefault, {}}}}), ElementsAre(kEverybody));
  EXPECT_THAT(owners({.components = {{"user", Match::kAny, {}}, {"client-id", Match::kAny, {}}}}),
              ElementsAre(kAnnsLoader));
  EXPECT_THAT(owners({.components = {{"ip", Match::kAny, {}}}}), ElementsAre(kHome));
}

TEST_F(ClientQuotas, RefuseAFilterThatMeansNothing) {
  const auto refusal_of = [&](const QuotaFilter& filter) { return find_quotas(*image_, filter).error().code(); };
  EXPECT_EQ(refusal_of({.components = {{"group", QuotaMatch::kAny, {}}}}), ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(refusal_of({.components = {{"user", QuotaMatch::kName, {}}}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal_of({.components = {{"user", QuotaMatch::kAny, "ann"}}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal_of({.components = {{"user", QuotaMatch{7}, {}}}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal_of({.components = {{"user", QuotaMatch::kAny, {}}, {"user", QuotaMatch::kDefault, {}}}}),
            ErrorCode::kInvalidRequest);
}

TEST_F(ClientQuotas, RefuseOwnersThatCannotHaveThem) {
  EXPECT_EQ(refusal({}, "consumer_byte_rate", 1), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal({{"group", "g"}}, "consumer_byte_rate", 1), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal({{"user", ""}}, "consumer_byte_rate", 1), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal({{"user", "ann"}, {"user", "bob"}}, "consumer_byte_rate", 1), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal({{"ip", "127.0.0.1"}, {"user", "ann"}}, "consumer_byte_rate", 1), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal({{"ip", "at home"}}, "connection_creation_rate", 1), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal({{"ip", "::1"}}, "connection_creation_rate", 1), ErrorCode::kNone);
}

TEST_F(ClientQuotas, RefuseValuesThatMakeNoSense) {
  const std::vector<QuotaEntityName> ann{{"user", "ann"}};
  EXPECT_EQ(refusal(ann, "no_such_rate", 1), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal(ann, "connection_creation_rate", 1), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal(ann, "producer_byte_rate", 0), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal(ann, "producer_byte_rate", -1), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal(ann, "producer_byte_rate", 1.5), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal(ann, "producer_byte_rate", 1e30), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal(ann, "producer_byte_rate", std::nan("")), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal(ann, "request_percentage", std::numeric_limits<double>::infinity()), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal(ann, "request_percentage", 0.5), ErrorCode::kNone);
}

}  // namespace
}  // namespace millrace::test
