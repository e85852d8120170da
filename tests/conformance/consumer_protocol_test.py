"""librdkafka's consumers with `group.protocol=consumer` (KIP-848) against `millrace broker`: members join, one is killed, what they
committed is where they go on, and the broker is killed with the members going on.

    consumer_protocol_test.py PROGRAM

Needs the Python package confluent-kafka 2.12 or later, which speaks the protocol (newer than Debian's).
"""

import json
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import program  # noqa: E402

try:
    from confluent_kafka import Consumer, Producer, libversion
except ImportError:
    program.skip("the Python package confluent-kafka is not installed")
if libversion()[1] < 0x020C0000:
    program.skip(f"librdkafka {libversion()[0]} does not speak the consumer protocol as Kafka 4 has it; 2.12 does")

PARTITIONS = 6
SESSION_MS = 6000


def consumer_of(address, group, topics, **settings):
    consumer = Consumer({"bootstrap.servers": address, "group.id": group, "group.protocol": "consumer",
                         "auto.offset.reset": "earliest", "enable.auto.commit": False, **settings})
    consumer.subscribe(topics)
    return consumer


def produce(address, topic, values):
    producer = Producer({"bootstrap.servers": address})
    for number, value in enumerate(values):
        producer.produce(topic, value, partition=number % PARTITIONS)
        producer.poll(0)
    assert producer.flush(30) == 0


def partitions_of(consumer):
    return {(one.topic, one.partition) for one in consumer.assignment()}


def poll_all(consumers, values):
    for consumer in consumers:
        message = consumer.poll(0.05)
        if message is not None and not message.error():
            values.append(message.value().decode())


def await_shares(consumers, shares, values):
    """Polls until the consumers have so many partitions each, none of them twice."""
    def has_them():
        poll_all(consumers, values)
        assigned = [partitions_of(consumer) for consumer in consumers]
        return (sorted(map(len, assigned)) == sorted(shares) and
                len(set().union(*assigned)) == sum(map(len, assigned)))

    program.await_that(f"shares of {shares} partitions", has_them, 60)


def member_process(address, group, topic):
    """A member in a process of its own, which can be killed."""
    return subprocess.Popen([sys.executable, __file__, "--member", address, group, topic], stdout=subprocess.PIPE, text=True)


def run_member(address, group, topic):
    consumer = consumer_of(address, group, [topic])
    shown = None
    while True:
        consumer.poll(0.2)
        now = sorted(one.partition for one in consumer.assignment())
        if now != shown:
            print(json.dumps(now), flush=True)
            shown = now


def members_share_and_go_on_where_they_committed(address):
    values = [f"value {number}" for number in range(300)]
    produce(address, "shared", values)
    seen = []
    first = consumer_of(address, "sharing", ["shared"])
    await_shares([first], [PARTITIONS], seen)
    second = consumer_of(address, "sharing", ["shared"])
    await_shares([first, second], [PARTITIONS // 2, PARTITIONS // 2], seen)
    shown = json.loads(program.run(sys.argv[1], "group", "describe", "sharing", "--at", f"kafka:{address}", "--json").stdout)
    assert (shown["state"], shown["protocol"]) == ("Stable", "uniform"), shown
    readers = [one.get("member") for one in shown["partitions"]]
    assert [readers.count(member["member"]) for member in shown["members"]] == [PARTITIONS // 2] * 2, shown

    def is_through():
        poll_all([first, second], seen)
        return set(seen) == set(values)

    program.await_that("every value", is_through, 60)
    for consumer in (first, second):
        consumer.commit(asynchronous=False)
    second.close()
    await_shares([first], [PARTITIONS], seen)
    first.close()

    more = [f"later {number}" for number in range(60)]
    produce(address, "shared", more)
    again = []
    third = consumer_of(address, "sharing", ["shared"])

    def has_more():
        poll_all([third], again)
        return len(again) >= len(more)

    program.await_that("what was not read yet", has_more, 60)
    assert sorted(again) == sorted(more), f"{len(again)} values, {len(set(again) - set(more))} of them read before"
    third.close()
    print("shared, and gone on where it was committed", flush=True)


def a_killed_member_loses_its_partitions(address):
    produce(address, "crash", [b"x"] * PARTITIONS)
    mine = consumer_of(address, "crashing", ["crash"])
    await_shares([mine], [PARTITIONS], [])
    other = member_process(address, "crashing", "crash")
    try:
        await_shares([mine], [PARTITIONS // 2], [])
        # It has its half: only then does it lose something.
        while len(json.loads(other.stdout.readline())) != PARTITIONS // 2:
            pass
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
    await_shares([mine], [PARTITIONS], [])
    mine.close()
    print("a killed member's partitions moved", flush=True)


def an_expression_finds_new_topics(address):
    produce(address, "web-1", [b"x"] * PARTITIONS)
    consumer = consumer_of(address, "matching", ["^web-.*"])
    await_shares([consumer], [PARTITIONS], [])
    produce(address, "web-2", [b"x"] * PARTITIONS)
    await_shares([consumer], [2 * PARTITIONS], [])
    consumer.close()
    print("an expression found a new topic", flush=True)


def static_members_come_back_to_their_partitions(address):
    produce(address, "static", [b"x"] * PARTITIONS)
    names = {"group.instance.id": "one"}
    one = consumer_of(address, "static", ["static"], **names)
    two = consumer_of(address, "static", ["static"], **{"group.instance.id": "two"})
    await_shares([one, two], [PARTITIONS // 2, PARTITIONS // 2], [])
    had = partitions_of(one)
    one.close()
    one = consumer_of(address, "static", ["static"], **names)
    await_shares([one, two], [PARTITIONS // 2, PARTITIONS // 2], [])
    assert partitions_of(one) == had, (partitions_of(one), had)
    one.close()
    two.close()
    print("a static member came back to what it had", flush=True)


def await_values(consumers, seen, count):
    def is_through():
        poll_all(consumers, seen)
        return len(set(seen)) == count

    program.await_that(f"{count} values", is_through, 60)


def main():
    with program.folder() as folder:
        start = ["broker", "--data", folder / "data", "--set", f"num.partitions={PARTITIONS}", "--set",
                 f"group.consumer.session.timeout.ms={SESSION_MS}", "--set", "group.consumer.heartbeat.interval.ms=500"]
        with program.Running(sys.argv[1], *start, "--listen", "127.0.0.1:0") as broker:
            address = broker.address()
            members_share_and_go_on_where_they_committed(address)
            a_killed_member_loses_its_partitions(address)
            an_expression_finds_new_topics(address)
            static_members_come_back_to_their_partitions(address)
            produce(address, "going", [f"before {number}" for number in range(60)])
            seen = []
            consumers = [consumer_of(address, "going", ["going"]) for _ in range(2)]
            await_shares(consumers, [PARTITIONS // 2, PARTITIONS // 2], seen)
            await_values(consumers, seen, 60)
            before = [partitions_of(consumer) for consumer in consumers]
            for consumer in consumers:
                consumer.commit(asynchronous=False)
            broker.process.kill()
            broker.process.wait(30)
        with program.Running(sys.argv[1], *start, "--listen", address) as broker:
            broker.address()
            produce(address, "going", [f"after {number}" for number in range(60)])
            await_values(consumers, seen, 120)
            assert [partitions_of(consumer) for consumer in consumers] == before
            for consumer in consumers:
                consumer.commit(asynchronous=False)
                consumer.close()
            print("members went on over a kill -9 of the broker", flush=True)
            assert broker.end() == 0, broker.messages()


if __name__ == "__main__":
    if sys.argv[1] == "--member":
        run_member(*sys.argv[2:])
    else:
        main()
