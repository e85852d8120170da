"""librdkafka's transactional producer and its consumers against `millrace broker`: commit, abort, fencing, time-out, offsets
within transactions, and a `kill -9` of the broker in the middle of one.

    transactions_test.py PROGRAM

Needs the Python package confluent-kafka (Debian: python3-confluent-kafka).
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import program  # noqa: E402

try:
    from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
except ImportError:
    program.skip("the Python package confluent-kafka is not installed (Debian: python3-confluent-kafka)")

PARTITIONS = 2


def producer_of(address, name, **settings):
    producer = Producer({"bootstrap.servers": address, "transactional.id": name, **settings})
    producer.init_transactions(30)
    return producer


def send(producer, topic, values):
    def delivered(error, _):
        assert error is None or error.code() == KafkaError._PURGE_QUEUE, error

    for number, value in enumerate(values):
        producer.produce(topic, value, partition=number % PARTITIONS, on_delivery=delivered)
        producer.poll(0)


def read_all(address, topic, isolation="read_committed"):
    """Every value of the topic that such a reader sees, sorted."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "reader", "isolation.level": isolation,
                         "enable.auto.commit": False, "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, index, 0) for index in range(PARTITIONS)])
    values = []
    ended = set()

    def is_through():
        message = consumer.poll(5)
        if message is None:
            return False
        if message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            ended.add(message.partition())
        else:
            values.append(message.value().decode())
        return len(ended) == PARTITIONS

    program.await_that(f"the end of {topic}", is_through)
    consumer.close()
    return sorted(values)


def named(prefix, count):
    return sorted(f"{prefix} {number}" for number in range(count))


def a_reader_sees_commits_and_no_aborts(address):
    producer = producer_of(address, "plain")
    for turn in range(3):
        producer.begin_transaction()
        send(producer, "plain", named(f"kept {turn}", 50))
        producer.commit_transaction(30)
        producer.begin_transaction()
        send(producer, "plain", named(f"dropped {turn}", 50))
        producer.flush(30)
        producer.abort_transaction(30)
    kept = sorted(sum((named(f"kept {turn}", 50) for turn in range(3)), []))
    dropped = sum((named(f"dropped {turn}", 50) for turn in range(3)), [])
    assert read_all(address, "plain") == kept
    assert read_all(address, "plain", "read_uncommitted") == sorted(kept + dropped)
    print("commits seen, aborts not", flush=True)


def a_second_producer_fences_the_first(address):
    first = producer_of(address, "fence")
    first.begin_transaction()
    send(first, "fence", named("zombie", 10))
    first.flush(30)
    second = producer_of(address, "fence")
    second.begin_transaction()
    send(second, "fence", named("alive", 10))
    second.commit_transaction(30)
    try:
        first.commit_transaction(30)
        raise AssertionError("a producer that was fenced could commit")
    except KafkaException as refused:
        assert refused.args[0].fatal() or refused.args[0].txn_requires_abort(), refused
    assert read_all(address, "fence") == named("alive", 10)
    print("fenced", flush=True)


def a_transaction_times_out(address):
    producer = producer_of(address, "slow", **{"transaction.timeout.ms": 2000})
    producer.begin_transaction()
    send(producer, "slow", named("late", 10))
    producer.flush(30)

    watcher = Consumer({"bootstrap.servers": address, "group.id": "watcher", "isolation.level": "read_committed"})

    def is_decided():
        # Five records each, and a marker, which is a record too.
        return all(watcher.get_watermark_offsets(TopicPartition("slow", index), timeout=10)[1] == 6
                   for index in range(PARTITIONS))

    program.await_that("the transaction to be aborted", is_decided, 60)
    watcher.close()
    try:
        producer.commit_transaction(30)
        raise AssertionError("a transaction whose time was over could be committed")
    except KafkaException:
        pass
    assert read_all(address, "slow") == []
    print("timed out", flush=True)


def offsets_move_with_the_records(address):
    """Copies a topic in transactions, some of which are aborted: each record arrives once."""
    source = Producer({"bootstrap.servers": address})
    for number, value in enumerate(named("line", 100)):
        source.produce("source", value, partition=number % PARTITIONS)
    source.flush(30)
    consumer = Consumer({"bootstrap.servers": address, "group.id": "copier", "auto.offset.reset": "earliest",
                         "enable.auto.commit": False, "isolation.level": "read_committed"})
    consumer.subscribe(["source"])
    producer = producer_of(address, "copier")
    copied = 0
    turn = 0
    while copied < 100:
        turn += 1
        messages = [message for message in consumer.consume(10, 5) if not message.error()]
        if not messages:
            assert turn < 100, f"{copied} of 100 lines were copied"
            continue
        producer.begin_transaction()
        send(producer, "target", [message.value().decode() for message in messages])
        producer.send_offsets_to_transaction(consumer.position(consumer.assignment()), consumer.consumer_group_metadata(),
                                             30)
        if turn % 3 == 0:
            producer.flush(30)
            producer.abort_transaction(30)
            for partition in consumer.committed(consumer.assignment(), 30):
                consumer.seek(TopicPartition(partition.topic, partition.partition, max(partition.offset, 0)))
        else:
            producer.commit_transaction(30)
            copied += len(messages)
    committed = consumer.committed([TopicPartition("source", index) for index in range(PARTITIONS)], 30)
    assert [partition.offset for partition in committed] == [50, 50], committed
    consumer.close()
    assert read_all(address, "target") == named("line", 100)
    print("offsets moved with their records", flush=True)


def main():
    with program.folder() as folder:
        start = ["broker", "--data", folder / "data", "--set", f"num.partitions={PARTITIONS}", "--set",
                 "group.initial.rebalance.delay.ms=0"]
        with program.Running(sys.argv[1], *start, "--listen", "127.0.0.1:0") as broker:
            address = broker.address()
            a_reader_sees_commits_and_no_aborts(address)
            a_second_producer_fences_the_first(address)
            a_transaction_times_out(address)
            offsets_move_with_the_records(address)
            producer = producer_of(address, "killed")
            producer.begin_transaction()
            send(producer, "killed", named("before", 20))
            producer.flush(30)
            broker.process.kill()
            broker.process.wait(30)
        with program.Running(sys.argv[1], *start, "--listen", address) as broker:
            broker.address()
            send(producer, "killed", named("after", 20))
            producer.commit_transaction(60)
            assert read_all(address, "killed") == sorted(named("before", 20) + named("after", 20))
            print("went on after a kill -9 of the broker", flush=True)
            assert broker.end() == 0, broker.messages()


if __name__ == "__main__":
    main()
