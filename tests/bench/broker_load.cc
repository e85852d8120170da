// A load for any Kafka broker through librdkafka, which knows nothing of who answers. Prints one line of JSON.
//
//   broker_load produce BOOTSTRAP TOPIC RECORDS SIZE CLIENTS      acks=all; ends when every record is acknowledged
//   broker_load consume BOOTSTRAP TOPIC RECORDS SIZE CLIENTS      the partitions from their beginning, shared out
//   broker_load latency BOOTSTRAP TOPIC RATE    SIZE SECONDS      one producer and one consumer at a fixed rate
//
// Every client is a librdkafka handle of its own, so of one connection of its own to the broker.
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "broker_load: %s\n", what.c_str());
  std::exit(1);
}

struct Close {
  void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
};
using Handle = std::unique_ptr<rd_kafka_t, Close>;
using Topic = std::unique_ptr<rd_kafka_topic_t, Close>;
using Queue = std::unique_ptr<rd_kafka_queue_t, Close>;

struct Setting {
  const char* key;
  std::string value;
};

Handle open(rd_kafka_type_t type, const std::vector<Setting>& settings, std::int64_t* acknowledged = nullptr) {
  std::array<char, 512> error{};
  auto* conf = rd_kafka_conf_new();
  for (const auto& [key, value] : settings) {
    if (rd_kafka_conf_set(conf, key, value.c_str(), error.data(), error.size()) != RD_KAFKA_CONF_OK) fail(error.data());
  }
  if (acknowledged != nullptr) {
    rd_kafka_conf_set_opaque(conf, acknowledged);
    rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void* count) {
      if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) fail(rd_kafka_err2str(message->err));
      ++*static_cast<std::int64_t*>(count);
    });
  }
  Handle handle{rd_kafka_new(type, conf, error.data(), error.size())};
  if (!handle) fail(error.data());
  return handle;
}

std::vector<Setting> producer_settings(const char* bootstrap, const char* linger_ms) {
  return {{"bootstrap.servers", bootstrap},
          {"acks", "all"},
          {"linger.ms", linger_ms},
          {"queue.buffering.max.messages", "500000"},
          {"queue.buffering.max.kbytes", "262144"},
          {"batch.num.messages", "10000"},
          {"socket.nagle.disable", "true"}};
}

struct Producer {
  Handle handle;
  Topic topic;
};

int partitions_of(const char* bootstrap, const char* name) {
  auto handle = open(RD_KAFKA_PRODUCER, {{"bootstrap.servers", bootstrap}});
  Topic topic{rd_kafka_topic_new(handle.get(), name, nullptr)};
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto error = rd_kafka_metadata(handle.get(), 0, topic.get(), &metadata, 10000);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) fail(rd_kafka_err2str(error));
  const int count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
  rd_kafka_metadata_destroy(metadata);
  if (count == 0) fail(std::string("there is no topic ") + name);
  return count;
}

/// Waits for room where the queue is full, as librdkafka's own performance loop does.
void send(Producer& producer, int partition, const void* data, std::size_t size, int flags) {
  while (rd_kafka_produce(producer.topic.get(), partition, flags, const_cast<void*>(data), size, nullptr, 0, nullptr) !=
         0) {
    if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) fail(rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_poll(producer.handle.get(), 10);
  }
}

double seconds_since(Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); }

void produce(const char* bootstrap, const char* name, std::int64_t records, std::size_t size, int clients) {
  const int partitions = partitions_of(bootstrap, name);
  std::vector<char> data(size);
  // Every record the same bytes, and not compressed: the client is the same for every broker.
  for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<char>('a' + i * 7 % 26);
  std::int64_t acknowledged = 0;
  std::vector<Producer> producers;
  for (int i = 0; i < clients; ++i) {
    auto handle = open(RD_KAFKA_PRODUCER, producer_settings(bootstrap, "5"), &acknowledged);
    Topic topic{rd_kafka_topic_new(handle.get(), name, nullptr)};
    producers.push_back({std::move(handle), std::move(topic)});
  }
  const auto start = Clock::now();
  constexpr std::int64_t kRun = 200;  // records in a row for one client and partition
  for (std::int64_t sent = 0, turn = 0; sent < records; ++turn) {
    auto& producer = producers[static_cast<std::size_t>(turn % clients)];
    for (std::int64_t i = 0; i < kRun && sent < records; ++i, ++sent) {
      send(producer, static_cast<int>(turn % partitions), data.data(), size, 0);
    }
    rd_kafka_poll(producer.handle.get(), 0);
  }
  for (const auto& producer : producers) {
    if (rd_kafka_flush(producer.handle.get(), 120000) != RD_KAFKA_RESP_ERR_NO_ERROR)
      fail("not everything was acknowledged in 120 s");
  }
  const auto seconds = seconds_since(start);
  if (acknowledged != records) fail("acknowledged " + std::to_string(acknowledged) + " of " + std::to_string(records));
  std::printf("{\"records\": %lld, \"seconds\": %.3f}\n", static_cast<long long>(records), seconds);
}

struct Consumer {
  Handle handle;
  Topic topic;
  Queue queue;
};

Consumer consumer_of(const char* bootstrap, const char* name) {
  auto handle = open(RD_KAFKA_CONSUMER, {{"bootstrap.servers", bootstrap},
                                         {"fetch.wait.max.ms", "100"},
                                         {"fetch.min.bytes", "1"},
                                         {"queued.max.messages.kbytes", "65536"},
                                         {"fetch.message.max.bytes", "1048576"}});
  Topic topic{rd_kafka_topic_new(handle.get(), name, nullptr)};
  Queue queue{rd_kafka_queue_new(handle.get())};
  return {std::move(handle), std::move(topic), std::move(queue)};
}

/// Fewer clients than partitions: one reads several; more: several read one, each the whole of it.
void consume(const char* bootstrap, const char* name, std::int64_t records, std::size_t size, int clients) {
  const int partitions = partitions_of(bootstrap, name);
  std::vector<Consumer> consumers;
  const auto start = Clock::now();
  for (int i = 0; i < clients; ++i) {
    auto& consumer = consumers.emplace_back(consumer_of(bootstrap, name));
    for (int p = 0; p < partitions; ++p) {
      if (clients < partitions ? p % clients != i : p != i % partitions) continue;
      if (rd_kafka_consume_start_queue(consumer.topic.get(), p, RD_KAFKA_OFFSET_BEGINNING, consumer.queue.get()) != 0) {
        fail(rd_kafka_err2str(rd_kafka_last_error()));
      }
    }
  }
  std::int64_t seen = 0;
  std::vector<rd_kafka_message_t*> batch(10000);
  const auto deadline = start + std::chrono::seconds(120);
  for (std::size_t turn = 0; seen < records; ++turn) {
    if (Clock::now() > deadline)
      fail("only " + std::to_string(seen) + " of " + std::to_string(records) + " records in 120 s");
    auto& consumer = consumers[turn % consumers.size()];
    const auto count =
        rd_kafka_consume_batch_queue(consumer.queue.get(), clients == 1 ? 100 : 1, batch.data(), batch.size());
    for (ssize_t i = 0; i < count; ++i) {
      if (batch[static_cast<std::size_t>(i)]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (batch[static_cast<std::size_t>(i)]->len != size) fail("a record of another size");
        ++seen;
      }
      rd_kafka_message_destroy(batch[static_cast<std::size_t>(i)]);
    }
  }
  std::printf("{\"records\": %lld, \"seconds\": %.3f}\n", static_cast<long long>(seen), seconds_since(start));
  std::fflush(stdout);
  std::_Exit(0);  // a consumer waits for its fetches in flight; nothing is left to find out
}

void latency(const char* bootstrap, const char* name, std::int64_t rate, std::size_t size, int seconds) {
  const auto total = rate * seconds;
  const int partitions = partitions_of(bootstrap, name);
  auto consumer = consumer_of(bootstrap, name);
  for (int p = 0; p < partitions; ++p) {
    rd_kafka_consume_start_queue(consumer.topic.get(), p, RD_KAFKA_OFFSET_END, consumer.queue.get());
  }
  // What is sent before the consumer knows the end of the log would be missed: a moment for it to ask.
  rd_kafka_message_t* nothing = nullptr;
  rd_kafka_consume_batch_queue(consumer.queue.get(), 1000, &nothing, 1);

  std::vector<double> milliseconds;
  milliseconds.reserve(static_cast<std::size_t>(total));
  std::thread reader([&] {
    std::vector<rd_kafka_message_t*> batch(10000);
    const auto deadline = Clock::now() + std::chrono::seconds(seconds + 10);
    while (milliseconds.size() < static_cast<std::size_t>(total) && Clock::now() < deadline) {
      // A batch as soon as there is one record: waiting for more would be counted as the broker's.
      const auto count = rd_kafka_consume_batch_queue(consumer.queue.get(), 1, batch.data(), 100);
      const auto now = Clock::now().time_since_epoch().count();
      for (ssize_t i = 0; i < count; ++i) {
        auto* message = batch[static_cast<std::size_t>(i)];
        std::int64_t sent = 0;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && message->len == size) {
          std::memcpy(&sent, message->payload, sizeof sent);
          milliseconds.push_back(static_cast<double>(now - sent) / 1e6);
        }
        rd_kafka_message_destroy(message);
      }
    }
  });
  std::int64_t acknowledged = 0;
  auto handle = open(RD_KAFKA_PRODUCER, producer_settings(bootstrap, "0"), &acknowledged);
  Topic topic{rd_kafka_topic_new(handle.get(), name, nullptr)};
  Producer producer{std::move(handle), std::move(topic)};
  std::vector<char> data(size, 'x');
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < total; ++i) {
    const auto due = start + std::chrono::nanoseconds(i * 1'000'000'000 / rate);
    if (due > Clock::now()) std::this_thread::sleep_until(due);
    const auto stamp = due.time_since_epoch().count();  // when it was due: a sender that is held up hides nothing
    std::memcpy(data.data(), &stamp, sizeof stamp);
    send(producer, static_cast<int>(i % partitions), data.data(), size, RD_KAFKA_MSG_F_COPY);
    rd_kafka_poll(producer.handle.get(), 0);
  }
  rd_kafka_flush(producer.handle.get(), 10000);
  reader.join();
  if (milliseconds.size() != static_cast<std::size_t>(total)) {
    fail("read " + std::to_string(milliseconds.size()) + " of " + std::to_string(total) + " records");
  }
  std::ranges::sort(milliseconds);
  const auto at = [&](double part) {
    return milliseconds[static_cast<std::size_t>(part * static_cast<double>(total - 1))];
  };
  std::printf("{\"records\": %lld, \"p50\": %.3f, \"p99\": %.3f, \"p999\": %.3f, \"max\": %.3f}\n",
              static_cast<long long>(total), at(0.5), at(0.99), at(0.999), milliseconds.back());
  std::fflush(stdout);
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) fail("usage: broker_load produce|consume|latency BOOTSTRAP TOPIC RECORDS|RATE SIZE CLIENTS|SECONDS");
  const std::string what = argv[1];
  const auto number = [&](int i) {
    const auto value = std::strtoll(argv[i], nullptr, 10);
    if (value <= 0) fail(std::string("not a number above zero: ") + argv[i]);
    return value;
  };
  const auto size = static_cast<std::size_t>(number(5));
  if (size < sizeof(std::int64_t)) fail("a record has at least 8 bytes");
  if (what == "produce") {
    produce(argv[2], argv[3], number(4), size, static_cast<int>(number(6)));
  } else if (what == "consume") {
    consume(argv[2], argv[3], number(4), size, static_cast<int>(number(6)));
  } else if (what == "latency") {
    latency(argv[2], argv[3], number(4), size, static_cast<int>(number(6)));
  } else {
    fail("unknown load \"" + what + "\"");
  }
}
