// The examples of docs/guide/embedding.md, compiled and run by the tests.

#include <millrace/broker.h>
#include <millrace/client.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

/// Writes three orders and waits until they are on the disk.
millrace::Result<void> take_orders(millrace::Client& client) {
  MILLRACE_TRY(producer, client.producer({{"linger.ms", "2"}}));
  for (const char* customer : {"alice", "bob", "alice"}) {
    MILLRACE_CHECK(producer->send({.topic = "orders", .key = customer, .value = "1 book"}));
  }
  return producer->flush(10s);
}

/// Gives the largest customer a partition of her own, so that nobody else waits behind her orders.
millrace::Result<void> take_many_orders(millrace::Client& client) {
  const auto partitioner = [](const millrace::ProducerRecord& record,
                              std::int32_t partitions) -> std::optional<millrace::PartitionIndex> {
    if (record.key.text() == "alice") return millrace::PartitionIndex{partitions - 1};
    return std::nullopt;  // as without: by the key's hash
  };
  MILLRACE_TRY(producer, client.producer({}, {}, partitioner));
  for (const char* customer : {"alice", "bob", "alice"}) {
    MILLRACE_CHECK(producer->send({.topic = "orders", .key = customer, .value = "100 books"}));
  }
  return producer->flush(10s);
}

/// Reads orders as a member of the group "shipping" until three have come.
millrace::Result<void> ship_orders(millrace::Client& client) {
  MILLRACE_TRY(consumer, client.consumer({{"group.id", "shipping"}, {"auto.offset.reset", "earliest"}}));
  MILLRACE_CHECK(consumer->subscribe({"orders"}));
  for (int shipped = 0; shipped < 3;) {
    MILLRACE_TRY(batches, consumer->poll(1s));
    for (const auto& batch : batches) {
      for (const auto& record : batch.records()) {
        std::printf("%s gets %s\n", std::string{record.key.text()}.c_str(), std::string{record.value.text()}.c_str());
        ++shipped;
      }
    }
  }
  return consumer->close(10s);  // commits what was read, and leaves the group
}

/// Opens the log in this process, and answers other Kafka clients too.
millrace::Result<void> run_shop(const std::string& folder) {
  MILLRACE_TRY(broker, millrace::Broker::open(folder, {{"num.partitions", "4"}}));
  MILLRACE_TRY(address, broker->listen("127.0.0.1:0"));
  std::printf("kcat -b %s -G audit orders\n", address.c_str());

  MILLRACE_TRY(client, broker->client());
  MILLRACE_CHECK(take_orders(*client));
  MILLRACE_CHECK(ship_orders(*client));
  return broker->close(10s);
}

/// Prints how far each partition of the group is behind.
millrace::Result<void> show_lag(millrace::Admin& admin, const std::string& group) {
  MILLRACE_TRY(offsets, admin.group_offsets(group));
  for (const auto& at : offsets) {
    MILLRACE_TRY(end, admin.list_offset(at.partition, {.kind = millrace::OffsetKind::kLatest}));
    std::printf("%s: %lld left\n", at.partition.to_string().c_str(), static_cast<long long>(end.offset - at.offset));
  }
  return {};
}

/// Ends every transaction that began before `limit`: readers of committed records get no further than where it began.
millrace::Result<void> end_old_transactions(millrace::Admin& admin, millrace::Timestamp limit) {
  MILLRACE_TRY(transactions, admin.list_transactions());
  for (const auto& one : transactions) {
    MILLRACE_TRY(transaction, admin.describe_transaction(one.id));
    if (!transaction.started || *transaction.started >= limit) continue;
    std::printf("%s: ended, %zu partitions go on\n", one.id.c_str(), transaction.partitions.size());
    MILLRACE_CHECK(admin.fence_producer(one.id));
  }
  return {};
}

/// Hands over what is half done before its partition goes to another member.
millrace::Result<void> follow_carefully(millrace::Consumer& consumer) {
  return consumer.subscribe(
      {"orders"},
      {.assigned = [](auto) {}, .revoked = [&consumer](auto) { (void)consumer.commit(5s); }, .lost = [](auto) {}});
}

/// Copies orders to invoices until `count` are written: each exactly once, whatever happens to this program in between.
millrace::Result<void> write_invoices(millrace::Client& client, int count) {
  MILLRACE_TRY(
      consumer,
      client.consumer({{"group.id", "invoicing"}, {"auto.offset.reset", "earliest"}, {"enable.auto.commit", "false"}}));
  MILLRACE_CHECK(consumer->subscribe({"orders"}));
  MILLRACE_TRY(producer, client.producer({{"transactional.id", "invoicing-1"}}));
  MILLRACE_CHECK(producer->init_transactions(30s));
  while (count > 0) {
    MILLRACE_TRY(batches, consumer->poll(1s));
    if (batches.empty()) continue;
    MILLRACE_CHECK(producer->begin_transaction());
    std::vector<millrace::PartitionOffset> behind;
    for (const auto& batch : batches) {
      for (const auto& record : batch.records()) {
        MILLRACE_CHECK(producer->send({.topic = "invoices", .key = record.key, .value = record.value}));
        --count;
      }
      behind.push_back({.partition = batch.partition(), .offset = batch.records().back().offset + 1});
    }
    MILLRACE_TRY(group, consumer->group_metadata());
    MILLRACE_CHECK(producer->send_offsets(behind, group, 30s));
    MILLRACE_CHECK(producer->commit_transaction(30s));
  }
  return consumer->close(10s);
}

millrace::Result<void> run_all(const std::string& folder) {
  MILLRACE_CHECK(run_shop(folder));
  MILLRACE_TRY(client, millrace::Client::open("embedded:" + folder));
  MILLRACE_TRY(admin, client->admin());
  MILLRACE_CHECK(show_lag(*admin, "shipping"));
  MILLRACE_TRY(consumer, client->consumer({{"group.id", "careful"}}));
  MILLRACE_CHECK(follow_carefully(*consumer));
  MILLRACE_CHECK(consumer->close(10s));
  MILLRACE_CHECK(take_many_orders(*client));
  MILLRACE_CHECK(write_invoices(*client, 6));
  return end_old_transactions(*admin, millrace::Timestamp{});
}

}  // namespace

int main(int argc, char** argv) {
  const auto done = run_all(argc > 1 ? argv[1] : "shop-data");
  if (!done) std::fprintf(stderr, "%s\n", done.error().message().c_str());
  return done ? 0 : 1;
}
