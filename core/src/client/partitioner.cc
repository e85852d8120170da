#include "client/partitioner.h"

#include <fmt/format.h>

#include <exception>

namespace millrace {
namespace {

std::unexpected<Error> it_threw(const ProducerRecord& record, const char* what) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("a record for \"{}\" is not sent: the partitioner threw {}", record.topic, what));
}

}  // namespace

Result<std::optional<PartitionIndex>> ask_partitioner(const Partitioner& partitioner, const ProducerRecord& record,
                                                      std::int32_t partitions) {
  std::optional<PartitionIndex> chosen;
  try {
    chosen = partitioner(record, partitions);
  } catch (const std::exception& error) {
    return it_threw(record, fmt::format("\"{}\"", error.what()).c_str());
  } catch (...) {
    return it_threw(record, "something that is no std::exception");
  }
  if (!chosen || (chosen->value() >= 0 && chosen->value() < partitions)) return chosen;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("a record for \"{}\" is not sent: the partitioner put it into partition {}, and there are {}",
                          record.topic, chosen->value(), partitions));
}

}  // namespace millrace
