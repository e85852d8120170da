"""librdkafka's producers and consumers at work while `millrace broker` is killed (SIGKILL) at random moments and started again
on the same folder and port: nothing acknowledged is lost, nothing is there twice, each key keeps its order, readers of committed
records never see an aborted one, and what is consumed, transformed and produced in transactions arrives exactly once.

    kill_clients_test.py PROGRAM         MILLRACE_ROUNDS=200 for the full size (default 4), MILLRACE_SEED

Needs the Python package confluent-kafka 2.5 or later (newer than Debian's); kill_kcat_test.py does the same with kcat alone,
without the transformation.
"""

import collections
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import program  # noqa: E402
import killed_broker as killed  # noqa: E402

try:
    from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition, libversion
except ImportError:
    program.skip("the Python package confluent-kafka is not installed")

# Idempotent producers of older ones may end with a fatal error after a connection broke (confluentinc/librdkafka #4438, #4736).
if libversion()[1] < 0x02050000:
    program.skip(f"librdkafka {libversion()[0]} does not get over every broken connection; 2.5 does")

PARTITIONS = range(killed.PARTITIONS)
# Clients that are back soon after the broker is.
QUICK = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200, "retry.backoff.ms": 20, "linger.ms": 2,
         "topic.metadata.refresh.fast.interval.ms": 50, "log_level": 0}
# With its default, "rebootstrap", librdkafka gives up what it knew of the only broker when that is killed, but waits for the
# group's coordinator on it: the next send_offsets_to_transaction never returns, whatever its time-out (confluentinc/librdkafka
# #5511, #5456; an Apache Kafka that is killed so has it wait just so).
if libversion()[1] >= 0x020a0000:
    QUICK["metadata.recovery.strategy"] = "none"


class IdempotentProducer(killed.Client):
    """Numbers the records of each key; all are acknowledged in the end."""

    KEYS = 5
    MOST_AHEAD = 20000

    def __init__(self, address, name, random, topic, by_partition=False):
        super().__init__(name, random)
        self.topic, self.by_partition = topic, by_partition
        self.readers = []  # that it does not leave too far behind
        self.sent = collections.Counter()
        self._producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, "acks": "all",
                                   "message.timeout.ms": 0, **QUICK})

    def _delivered(self, error, _):
        if error is not None:
            self.failure = AssertionError(f"a record was not delivered: {error}")
        self.done += 1

    def _is_far_ahead(self):
        return any(self.done - reader.done > self.MOST_AHEAD for reader in self.readers)

    def work(self):
        while self._is_far_ahead() and not self.stop_wanted.is_set():
            self.pause(0.05)
        for _ in range(self.random.randrange(1, 20)):
            key = self.random.randrange(self.KEYS)
            value = f"{self.name} {key} {self.sent[key]}".ljust(self.random.randrange(40, 200), ".")
            if self.by_partition:
                self._producer.produce(self.topic, value, partition=key % len(PARTITIONS), on_delivery=self._delivered)
            else:
                self._producer.produce(self.topic, value, key=f"{self.name} {key}", on_delivery=self._delivered)
            self.sent[key] += 1
        self._producer.poll(0)
        while len(self._producer) > 2000 and not self.stop_wanted.is_set():
            self._producer.poll(0.05)
        self.pause(0.01)

    def finish(self):
        left = self._producer.flush(program.PATIENCE)
        assert left == 0, f"{left} records of {self.name} are not acknowledged"

    def check_topic(self, records):
        numbers = collections.defaultdict(list)
        for value in records.values():
            name, key, number = value.rstrip(".").split(" ")
            if name == self.name:
                numbers[int(key)].append(int(number))
        for key, count in self.sent.items():
            killed.check_once_and_in_order(f"{self.topic}, {self.name}, key {key}", numbers[key], count)


class TransactionalClient(killed.Client):
    """A client with a transactional producer, and a new one when that is past help."""

    def __init__(self, address, name, random):
        super().__init__(name, random)
        self.address = address
        self.commits = self.aborts = self.unknown = 0
        self.producer = None
        self._must_abort = False

    def begin(self):
        self._must_abort = False
        if self.producer is None:
            producer = Producer({"bootstrap.servers": self.address, "transactional.id": self.name,
                                 "transaction.timeout.ms": 60000, **QUICK})
            self.again_and_again(producer.init_transactions)
            self.producer = producer
        self.producer.begin_transaction()

    def send(self, topic, value, partition):
        try:
            self.producer.produce(topic, value, partition=partition)
        except KafkaException:
            self._must_abort = True

    @staticmethod
    def again_and_again(call, *arguments):
        """As long as librdkafka says that it may be tried again."""
        deadline = time.monotonic() + program.PATIENCE
        while True:
            try:
                return call(*arguments, 10)
            except KafkaException as problem:
                if not problem.args[0].retriable() or time.monotonic() > deadline:
                    raise

    def end(self, commit, before_commit=None):
        """Gives what the producer was told: True (committed), False (aborted), None (nothing)."""
        try:
            if not self._must_abort:
                # An abort gives the sequence numbers of what was sent and not acknowledged to what is sent next. If it was
                # stored, that is refused, or taken for it and lost: librdkafka 2.16 at Apache Kafka too. So nothing is left so.
                self.producer.flush(program.PATIENCE)
            if commit and not self._must_abort:
                try:
                    if before_commit is not None:
                        before_commit()
                    self.again_and_again(self.producer.commit_transaction)
                    self.commits += 1
                    return True
                except KafkaException as problem:
                    if not problem.args[0].txn_requires_abort():
                        raise
            self.again_and_again(self.producer.abort_transaction)
            self.aborts += 1
            return False
        except KafkaException as problem:
            assert problem.args[0].fatal(), f"{self.name}: {problem}"
            self.unknown += 1
            self.producer = None
            # Whatever it could not be told of an abort, its next producer aborts the same.
            return None if commit else False


class LedgerWriter(TransactionalClient):
    """Writes transactions of some records each, and takes some of them back."""

    def __init__(self, address, name, random):
        super().__init__(address, name, random)
        self.outcomes, self.sizes = {}, {}

    def work(self):
        number = len(self.outcomes)
        self.sizes[number] = self.random.randrange(1, 20)
        self.outcomes[number] = None
        self.begin()
        for at in range(self.sizes[number]):
            self.send("ledger", f"{self.name} {number} {at}", self.random.choice(PARTITIONS))
        if self.random.randrange(3) == 0:
            self.producer.flush(self.random.uniform(0, 0.2))
        self.outcomes[number] = self.end(self.random.randrange(5) < 3)
        self.done += 1
        self.pause(self.random.uniform(0, 0.05))

    def check_topic(self, records):
        killed.check_transactions(self.name, "ledger", records, self.outcomes, self.sizes)


class Copier(TransactionalClient):
    """Consumes a topic and produces what it makes of it, with its offsets, in transactions; some are taken back."""

    def __init__(self, address, name, random, source, target):
        super().__init__(address, name, random)
        self.source, self.target = source, target
        # Behind what was copied: whoever joins again may be given more than that a second time.
        self.next = {partition: 0 for partition in PARTITIONS}
        self.total = 0  # told before it is to end
        self._consumer = Consumer({"bootstrap.servers": address, "group.id": name, "auto.offset.reset": "earliest",
                                   "enable.auto.commit": False, "isolation.level": "read_committed",
                                   "session.timeout.ms": 30000, **QUICK})
        self._consumer.subscribe([source])

    def _take(self):
        """Records to be copied, each partition's in order."""
        position = dict(self.next)
        taken = []
        for message in self._consumer.consume(50, 0.2):
            if message.error():
                assert not message.error().fatal(), message.error()
            elif message.offset() >= position[message.partition()]:
                assert message.offset() == position[message.partition()], (
                    f"{self.name} gets offset {message.offset()} of {self.source}-{message.partition()} after "
                    f"{position[message.partition()] - 1}")
                position[message.partition()] += 1
                taken.append(message)
        return taken, position

    def work(self):
        taken, position = self._take()
        if not taken:
            return
        self.begin()
        for message in taken:
            self.send(self.target, f"copy of {message.value().decode()}", message.partition())
        offsets = [TopicPartition(self.source, partition, offset) for partition, offset in position.items()
                   if offset > self.next[partition]]
        outcome = self.end(self.random.randrange(4) > 0, lambda: self._send_offsets(offsets))
        if outcome is None:
            outcome = self._ask_what_became_of_it(position)
        if outcome:
            self.next = position
            self.done += len(taken)
        else:
            for partition in {message.partition() for message in taken}:
                self._go_back(partition)

    def _send_offsets(self, offsets):
        self.again_and_again(self.producer.send_offsets_to_transaction, offsets, self._consumer.consumer_group_metadata())

    def _ask_what_became_of_it(self, position):
        # The next producer of this name decides it, if it is not decided yet.
        self.begin()
        self.again_and_again(self.producer.abort_transaction)
        committed = {at.partition: max(at.offset, 0) for at in self._committed()}
        assert committed in (self.next, position), f"{self.name}: offsets were committed in part: {committed}"
        return committed == position

    def _committed(self):
        return self.again_and_again(self._consumer.committed, [TopicPartition(self.source, at) for at in PARTITIONS])

    def _go_back(self, partition):
        try:
            self._consumer.seek(TopicPartition(self.source, partition, self.next[partition]))
        except KafkaException:
            pass  # it is not assigned now, and begins where it was committed once it is

    def finish(self):
        while self.done < self.total:
            program.await_that(f"{self.name} to go on after {self.done} of {self.total} records of {self.source}",
                               self._goes_on)
        offsets = [at.offset for at in self._committed()]
        assert offsets == [self.next[at] for at in PARTITIONS], f"{self.name}: committed are {offsets}, copied {self.next}"
        self._consumer.close()

    def _goes_on(self):
        before = self.done
        self.work()
        return self.done > before


class Watcher(killed.Client):
    """Reads what is committed while all goes on, and keeps it."""

    def __init__(self, address, name, random, topic):
        super().__init__(name, random)
        self.topic, self.seen = topic, {}
        self._consumer = consumer_of(address)
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in PARTITIONS])

    def work(self):
        for message in self._consumer.consume(500, 0.2):
            if not message.error():
                self._see(message)

    def _see(self, message):
        at = (message.partition(), message.offset())
        value = message.value().decode()
        assert self.seen.setdefault(at, value) == value, f"{self.topic}: {at} has changed"
        self.done += 1

    def finish(self):
        self._consumer.close()

    def check_topic(self, records):
        for at, value in self.seen.items():
            assert records.get(at) == value, f"{self.topic}: {value} was read at {at}; now there is {records.get(at)}"


def consumer_of(address, **settings):
    return Consumer({"bootstrap.servers": address, "group.id": "reader", "isolation.level": "read_committed",
                     "enable.auto.commit": False, "auto.offset.reset": "error", **QUICK, **settings})


def read_all(address, topic):
    """What a reader of committed records sees: values by (partition, offset), each partition's in order."""
    consumer = consumer_of(address, **{"enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in PARTITIONS])
    values, ended = {}, set()

    def is_through():
        for message in consumer.consume(10000, 1):
            if not message.error():
                at = (message.partition(), message.offset())
                assert at not in values, f"{topic}: {at} is given twice"
                values[at] = message.value().decode()
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
            else:
                raise AssertionError(f"{topic}: {message.error()}")
        return len(ended) == len(PARTITIONS)

    program.await_that(f"the end of {topic}", is_through)
    consumer.close()
    return dict(sorted(values.items()))


def make_topics(address, topics):
    producer = Producer({"bootstrap.servers": address})

    def is_there(topic):
        found = producer.list_topics(topic, 10).topics[topic]
        return found.error is None and len(found.partitions) == len(PARTITIONS)

    for topic in topics:
        program.await_that(f"the topic {topic}", lambda: is_there(topic))  # asking makes it


def main():
    random = program.seeded("MILLRACE_SEED")

    def own():
        return type(random)(random.randrange(1 << 32))

    with program.folder() as folder, killed.KilledBroker(sys.argv[1], folder) as broker:
        address = broker.address
        make_topics(address, ["plain", "ledger", "source", "target0", "target1"])
        plain = [IdempotentProducer(address, f"idempotent{at}", own(), "plain") for at in range(2)]
        feeder = IdempotentProducer(address, "feeder", own(), "source", by_partition=True)
        writers = [LedgerWriter(address, f"writer{at}", own()) for at in range(2)]
        copiers = [Copier(address, f"copier{at}", own(), "source", f"target{at}") for at in range(2)]
        feeder.readers = copiers
        watchers = [Watcher(address, f"watcher of {topic}", own(), topic) for topic in ("plain", "ledger", "target0")]
        clients = [*plain, feeder, *writers, *copiers, *watchers]
        begun = time.monotonic()
        for client in clients:
            client.start()
        killed.kill_again_and_again(broker, clients, random)
        for client in (*plain, feeder, *writers, *watchers):
            client.stop()
        source = read_all(address, "source")
        for copier in copiers:
            copier.total = len(source)
            copier.stop()
        took = time.monotonic() - begun

        topics = {topic: read_all(address, topic) for topic in ("plain", "ledger", "target0", "target1")}
        for producer in plain:
            producer.check_topic(topics["plain"])
        feeder.check_topic(source)
        for writer in writers:
            writer.check_topic(topics["ledger"])
        for watcher in watchers:
            watcher.check_topic(topics[watcher.topic])
        for copier in copiers:
            for partition in PARTITIONS:
                wanted = [f"copy of {value}" for at, value in source.items() if at[0] == partition]
                copied = [value for at, value in topics[copier.target].items() if at[0] == partition]
                assert copied == wanted, f"{copier.target}-{partition} is not {copier.source}-{partition}: {len(copied)} " \
                                         f"records of {len(wanted)}, different from {first_difference(copied, wanted)} on"
    transactional = [*writers, *copiers]
    print(f"{killed.ROUNDS} kills in {took:.0f} s, librdkafka {libversion()[0]}: {sum(one.done for one in plain)} idempotent "
          f"records once and in order; {sum(one.commits for one in transactional)} transactions committed, "
          f"{sum(one.aborts for one in transactional)} aborted, {sum(one.unknown for one in transactional)} in doubt; "
          f"{sum(one.done for one in copiers)} of {len(copiers) * len(source)} copied exactly once; "
          f"slowest start {broker.slowest_start:.2f} s", flush=True)


def first_difference(one, other):
    for at, (left, right) in enumerate(zip(one, other)):
        if left != right:
            return f"{at} ({left!r}, not {right!r})"
    return min(len(one), len(other))


if __name__ == "__main__":
    main()
