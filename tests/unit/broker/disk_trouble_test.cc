#include <gmock/gmock.h>

#include <cerrno>

#include "unit/broker/simulated_broker.h"

namespace millrace::test {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

enum class Afterwards : std::uint8_t { kGoesOn, kStaysOffline };

struct Trouble {
  const char* name;
  FileOperation operation;
  int error_number;
  Afterwards afterwards;
};

void PrintTo(const Trouble& trouble, std::ostream* out) { *out << trouble.name; }

/// One kind of trouble with the files of one of two partitions.
class DiskTrouble : public ::testing::TestWithParam<Trouble> {
 protected:
  DiskTrouble() {
    // Where opening is to fail there has to be something to open: a segment a batch.
    const bool opens = GetParam().operation == FileOperation::kOpen;
    broker.create("hurt", 1, opens ? Properties{{"segment.bytes", "100"}} : Properties{});
    broker.create("well");
    EXPECT_TRUE(broker.produce_durably("hurt", broker.batch({"before"})));
  }
  static ErrorCode code_of(const Result<AppendInfo>& answer) {
    return answer ? ErrorCode::kNone : answer.error().code();
  }

  SimulatedBroker broker;
};

TEST_P(DiskTrouble, HitsItsPartitionAloneAndNothingAcknowledgedIsLost) {
  const auto& trouble = GetParam();
  broker.disk.inject({.operation = trouble.operation,
                      .path_contains = "/hurt-0/",
                      .error_number = trouble.error_number,
                      .times = 1000});
  for (int i = 0; i < 3; ++i) {
    const auto code = code_of(broker.produce_durably("hurt", broker.batch({"refused"})));
    // Both are KAFKA_STORAGE_ERROR on the wire.
    EXPECT_TRUE(code == ErrorCode::kStorageError || code == ErrorCode::kNoSpace) << name_of(code);
    EXPECT_TRUE(broker.produce_durably("well", broker.batch({"meanwhile"})));
  }
  EXPECT_THAT(broker.logger.troubles(), SizeIs(1)) << "one line an event, not one a request";
  EXPECT_THAT(broker.logger.troubles().at(0), HasSubstr("hurt-0"));

  broker.disk.clear_faults();
  const bool goes_on = trouble.afterwards == Afterwards::kGoesOn;
  EXPECT_EQ(broker.produce_durably("hurt", broker.batch({"after"})).has_value(), goes_on);
  EXPECT_EQ(broker.core->is_offline({.name = "hurt"}, PartitionIndex{0}), !goes_on);
  EXPECT_THAT(broker.logger.troubles(), SizeIs(goes_on ? 2 : 1));
  if (!goes_on) {
    // Until it is opened again; without a clean close what no sync has confirmed is not relied on.
    broker.reopen();
    EXPECT_TRUE(broker.produce_durably("hurt", broker.batch({"after"})));
  }
  const auto values = broker.values("hurt");
  EXPECT_EQ(values.front(), "before");
  EXPECT_EQ(values.back(), "after");
  EXPECT_EQ(broker.values("well").size(), 3U);
}

INSTANTIATE_TEST_SUITE_P(Matrix, DiskTrouble,
                         ::testing::Values(Trouble{"NoSpace", FileOperation::kWrite, ENOSPC, Afterwards::kGoesOn},
                                           Trouble{"TooManyOpenFiles", FileOperation::kOpen, EMFILE,
                                                   Afterwards::kGoesOn},
                                           Trouble{"WriteError", FileOperation::kWrite, EIO, Afterwards::kStaysOffline},
                                           Trouble{"ReadOnly", FileOperation::kWrite, EROFS, Afterwards::kStaysOffline},
                                           Trouble{"FailedSync", FileOperation::kSync, EIO, Afterwards::kStaysOffline}),
                         [](const auto& test) { return std::string{test.param.name}; });

}  // namespace
}  // namespace millrace::test
