#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/story.h"
#include "sim/watcher.h"

namespace millrace::test {

/// A topic and producers of two kinds: idempotent ones, which send again what is not acknowledged, and plain ones, with
/// acks 0, 1 and all, which do not. Old records go, by DeleteRecords or by retention.
///
/// Every partition holds each idempotent producer's records once, in order and without a gap; each plain record at most
/// once, in order, and all that were acknowledged with acks=all. What a consumer has seen stays.
class RecordStory final : public Story {
 public:
  /// `kept_bytes`: the topic's retention.bytes; none: records are deleted by DeleteRecords.
  RecordStory(Machine& machine, std::string topic, std::int32_t partitions, std::optional<std::int64_t> kept_bytes);

  void prepare() override;
  void use() override;
  void forget() override;
  [[nodiscard]] bool settle() override;
  void check() override;

  /// What another thread may do while a file is synced: a plain producer sends a record.
  void write_meanwhile() { write_plain(any_partition()); }

 private:
  struct Sent {
    std::int64_t first;
    std::int32_t count;
    /// Which of the writer's batches it is.
    std::int64_t batch;
    bool in_flight;
  };
  /// An idempotent producer. Its records are numbered; a new identity begins with sequence 0 at `first_number`.
  struct Writer {
    std::string name;
    std::optional<ProducerIdentity> identity = std::nullopt;
    std::int64_t first_number = 0;
    std::int64_t next_number = 0;
    std::int64_t next_batch = 0;
    std::deque<Sent> unacknowledged = {};
    Offset last_offset = kNoOffset;  ///< of its newest acknowledged record
  };
  struct PlainWriter {
    std::int64_t next_number = 0;
    /// Acknowledged with acks=all.
    std::map<Offset, std::int64_t> told;
  };
  struct Partition {
    TopicPartition where;
    std::vector<Writer> writers;
    PlainWriter plain;
    Watcher watcher;
    /// DeleteRecords was asked up to here, and has answered up to here.
    Offset trimming{0};
    Offset trimmed{0};
  };

  [[nodiscard]] Partition& any_partition();
  void write();
  void write_idempotent(Partition& partition, Writer& writer);
  void write_plain(Partition& partition);
  void ask_for_identity(Writer& writer);
  void send_waiting(Partition& partition, Writer& writer);
  void send(Partition& partition, Writer& writer, const Sent& sent);
  void trim(Partition& partition);
  void check_writer(const Partition& partition, const Writer& writer, const Reading& reading) const;
  void check_plain(const Partition& partition, const Reading& reading) const;
  void check_start(const Partition& partition, Offset start) const;

  Machine& machine_;
  const std::string topic_;
  const std::optional<std::int64_t> kept_bytes_;
  std::deque<Partition> partitions_;
  std::int64_t identities_ = 0;
};

}  // namespace millrace::test
