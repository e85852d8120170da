// Record batches as a client may send them: checked as the broker checks them, then read as a consumer reads them.

#include <cstring>
#include <string>

#include "base/assert.h"
#include "base/random.h"
#include "fuzz/fuzz_target.h"
#include "record/record_batch.h"
#include "record/record_batch_builder.h"

namespace millrace {
namespace {

/// A small batch must not make us unpack a big one.
constexpr std::size_t kMostUnpacked = 1 << 20;

void read(const RecordBatchView& batch, BufferPool& pool) {
  auto records = batch.records(pool, kMostUnpacked);
  if (!records) return;
  std::size_t seen = 0;
  while (records->next()) {
    seen += records->record().key.size() + records->record().value.size();
    (void)parse_headers(records->record().raw_headers);
  }
  MILLRACE_ASSERT(seen <= kMostUnpacked + batch.size());
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;  // NOLINT: one function
  static BufferPool pool;
  const Timestamp now{std::chrono::milliseconds{1'700'000'000'000}};
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  for (BatchCursor batches{bytes}; batches.next();) read(batches.batch(), pool);
  // A right CRC lets damage through to what lies behind it.
  if (const auto batch = RecordBatchView::parse(bytes)) {
    store_be<std::uint32_t>(bytes.data() + batch_layout::kCrc, batch->compute_crc());
  }
  (void)check_produced_batch(bytes, {.keys_required = true}, now, pool);
  return 0;
}

namespace millrace::test {

std::vector<std::uint8_t> valid_input(std::uint64_t seed) {
  static BufferPool pool;
  Random random{seed};
  BatchAttributes attributes;
  attributes.compression = static_cast<Compression>(random.below(5));
  RecordBatchBuilder builder{pool, 1 << 16, attributes};
  const std::string text(200, 'a');
  const Header header{.name = "origin", .value = "test"};
  for (auto left = 1 + random.below(20); left > 0; --left) {
    const auto value = std::string_view{text}.substr(0, random.below(text.size()));
    const Timestamp time{std::chrono::milliseconds{1'700'000'000'000 + static_cast<std::int64_t>(random.below(1000))}};
    const auto headers = std::span{&header, random.below(2)};
    MILLRACE_ASSERT(
        builder.try_append(time, random.one_in(3) ? NullableBytes{} : NullableBytes{"key"}, value, headers));
  }
  const auto batch = builder.finish();
  MILLRACE_ASSERT(batch);
  std::vector<std::uint8_t> input(batch->bytes.size());
  std::memcpy(input.data(), batch->bytes.data(), input.size());
  return input;
}

}  // namespace millrace::test
