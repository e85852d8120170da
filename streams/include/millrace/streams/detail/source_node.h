#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/streams/detail/node.h"
#include "millrace/streams/detail/rows.h"
#include "millrace/streams/formats.h"

namespace millrace::streams::detail {

/// The record's key as it is.
struct RawKey {
  NullableBytes operator()(const RecordView& record) const { return record.key; }
};

/// What reads event times from decoded values: one call for a vector.
template <class T>
using TimesOf = std::function<void(std::span<const T>, std::int64_t*)>;

/// Reads a topic.
template <class K, class T, class KD, class VD>
class SourceNode final : public SourceBase, public Output<K, T> {
 public:
  SourceNode(std::string name, KD key_decoder, VD decoder)
      : SourceBase(std::move(name)), key_decoder_(std::move(key_decoder)), decoder_(std::move(decoder)) {}

  [[nodiscard]] std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<SourceScratch>(); }

  void decode(Chunk& chunk) const override {
    auto& scratch = static_cast<SourceScratch&>(chunk.scratch(id));
    scratch.clear();
    for (const auto& piece : chunk.pieces) {
      if (piece.source == id) decode_piece(chunk, piece, scratch);
    }
    if (times_) times_(scratch.rows.values, scratch.rows.times.data());
    for (std::size_t i = 0; i < scratch.rows.times.size(); ++i) {
      const auto time = scratch.rows.times[i];
      chunk.event_times[scratch.rows.indices[i]] = time;
    }
    scratch.view = scratch.rows.view();
    scratch.rejected_view = scratch.rejected.view();
  }

  [[nodiscard]] const Rows<K, T>& rows(const Chunk& chunk) const override {
    return static_cast<const SourceScratch&>(chunk.scratch(id)).view;
  }
  [[nodiscard]] NodeId node() const override { return id; }

  void set_times(TimesOf<T> times) { times_ = std::move(times); }

  /// The records that the decoder refused: makes them rows instead of failures.
  [[nodiscard]] std::shared_ptr<Output<NullableBytes, Rejected>> divert_rejected(std::shared_ptr<SourceNode> self) {
    diverts_ = true;
    return std::make_shared<RejectedOutput>(std::move(self));
  }

 private:
  struct SourceScratch final : Scratch {
    OwnedRows<K, T> rows;
    Rows<K, T> view;
    OwnedRows<NullableBytes, Rejected> rejected;
    Rows<NullableBytes, Rejected> rejected_view;
    std::deque<std::string> reasons;
    void clear() {
      rows.clear();
      rejected.clear();
      reasons.clear();
    }
  };
  class RejectedOutput final : public Output<NullableBytes, Rejected> {
   public:
    explicit RejectedOutput(std::shared_ptr<SourceNode> source) : source_(std::move(source)) {}
    [[nodiscard]] const Rows<NullableBytes, Rejected>& rows(const Chunk& chunk) const override {
      return static_cast<const SourceScratch&>(chunk.scratch(source_->id)).rejected_view;
    }
    [[nodiscard]] NodeId node() const override { return source_->id; }

   private:
    std::shared_ptr<SourceNode> source_;
  };

  void decode_piece(Chunk& chunk, const Piece& piece, SourceScratch& scratch) const {
    auto index = piece.first_index;
    for (const auto& record : piece.records) {
      try {
        decode_record(chunk, piece, record, index, scratch);
      } catch (const std::exception& error) {
        reject(chunk, piece, record, index, scratch, ErrorCode::kDecodeFailed, error.what());
      }
      ++index;
    }
  }

  void decode_record(Chunk& chunk, const Piece& piece, const RecordView& record, std::uint32_t index,
                     SourceScratch& scratch) const {
    decltype(auto) key = DecoderTraits<KD>::decode(key_decoder_, record);
    using Key = std::decay_t<decltype(key)>;
    if constexpr (!std::is_same_v<Key, K>) {
      if (!key) {
        return reject(chunk, piece, record, index, scratch, key.error().code(), "key: " + key.error().message());
      }
    }
    decltype(auto) value = DecoderTraits<VD>::decode(decoder_, record);
    using Value = std::decay_t<decltype(value)>;
    auto& rows = scratch.rows;
    if constexpr (std::is_same_v<Value, T>) {
      rows.values.push_back(std::move(value));
    } else {
      if (!value) [[unlikely]] {
        return reject(chunk, piece, record, index, scratch, value.error().code(), value.error().message());
      }
      rows.values.push_back(*std::move(value));
    }
    if constexpr (std::is_same_v<Key, K>) {
      rows.keys.push_back(std::move(key));
    } else {
      rows.keys.push_back(*std::move(key));
    }
    rows.times.push_back(record.timestamp.time_since_epoch().count());
    rows.indices.push_back(index);
  }

  void reject(Chunk& chunk, const Piece& piece, const RecordView& record, std::uint32_t index, SourceScratch& scratch,
              ErrorCode code, std::string_view reason) const {
    if (!diverts_) return chunk.failed(id, index, code, reason);
    scratch.reasons.emplace_back(reason);
    scratch.rejected.push(record.key,
                          Rejected{piece.partition->topic, piece.partition->partition, record.offset, record.key,
                                   record.value, scratch.reasons.back()},
                          record.timestamp, index);
  }

  KD key_decoder_;
  VD decoder_;
  TimesOf<T> times_;
  bool diverts_ = false;
};

}  // namespace millrace::streams::detail
