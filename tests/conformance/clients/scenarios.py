"""What a Kafka client is asked to do, once for all of them: the list of capabilities, and the scenario that shows each.

A scenario gets a `Bench` and talks to the client's driver in the verbs of drivers.py. It returns when the capability holds and
raises AssertionError or `Refused` when it does not; `Lacks` means that the client cannot be asked.
"""

import itertools
import threading
import time

from drivers import Driver, Lacks, Refused, await_that
from wire import Connection

PARTITIONS = 6


class Bench:
    """One client at one broker: makes topics, starts drivers, and ends them all. Names are new in each run."""

    _numbers = itertools.count(1)
    _run = f"{int(time.time()):x}"

    def __init__(self, client, command, address, log):
        self.client = client
        self.command = command
        self.address = address
        self.log = log
        self._drivers = []
        self._driver = None
        self._lock = threading.Lock()

    def name(self, what):
        with self._lock:
            return f"{self.client}-{self._run}-{next(self._numbers)}-{what}"

    def topic(self, what, partitions=1, **settings):
        name = self.name(what)
        with Connection(self.address) as connection:
            connection.create_topic(name, partitions, settings)
        return name

    def batches(self, topic):
        with Connection(self.address) as connection:
            return connection.batches(topic)

    def group_kind(self, group):
        with Connection(self.address) as connection:
            return connection.group_kinds()[group]

    def another(self):
        """A driver of its own, for what must be two processes."""
        driver = Driver(self.command, self.address, self.log)
        self._drivers.append(driver)
        return driver

    @property
    def driver(self):
        self._driver = self._driver or self.another()
        return self._driver

    def call(self, verb, **arguments):
        return self.driver.call(verb, **arguments)

    def produce(self, topic, records, partition=0, headers=None, **settings):
        asked = {"codec": "none", "acks": "all", "idempotent": False, **settings}
        self.call("produce", topic=topic, partition=partition, records=records, headers=headers or {}, **asked)

    def spread(self, topic, what, count, partitions=PARTITIONS):
        """As many records to each partition; gives their values."""
        values = [f"{what} {number}" for number in range(count)]
        for partition in range(partitions):
            self.produce(topic, [[None, value] for value in values[partition::partitions]], partition)
        return set(values)

    def consume(self, topic, until, partition=0, isolation="read_uncommitted", **start):
        return self.call("consume", topic=topic, partition=partition, until=until, isolation=isolation,
                         **{"from": start or {"offset": 0}})["records"]

    def settled_records(self, topic, isolation="read_committed", partition=0):
        """The records of a partition that such a reader sees, up to where it ends now. What marks those ends is left out."""
        end = self.name("end")
        self.produce(topic, [["end", end]], partition)
        return [record for record in self.consume(topic, end, partition, isolation) if record[2] != "end"]

    def settled(self, topic, isolation="read_committed", partition=0):
        """Their values."""
        return [record[3] for record in self.settled_records(topic, isolation, partition)]

    def close(self):
        for driver in self._drivers:
            driver.close()


def numbered(what, count):
    return [[f"key {number}", f"{what} {number}"] for number in range(count)]


def same(got, sent):
    """Key and value of each record, in order."""
    for number, (came, went) in enumerate(zip(got, sent)):
        assert came[2:4] == went, f"record {number} was sent as {str(went)[:80]} and came back as {str(came[2:4])[:80]}"
    assert len(got) == len(sent), f"{len(sent)} records were sent, {len(got)} came back"


def produce_and_consume(bench):
    topic = bench.topic("records")
    odd = [["key", "value"], [None, "no key"], ["deleted", None], ["long", "x" * 100_000], ["größe", "naïve ☕"]]
    bench.produce(topic, odd, headers={"origin": "conformance"})
    sent = list(odd)
    for acks in ("0", "1", "all"):
        records = numbered(f"acks {acks}", 100)
        bench.produce(topic, records, acks=acks)
        sent += records
        # Nobody answers for what is sent with acks=0: it is there when it is seen.
        bench.consume(topic, records[-1][1])
    got = bench.consume(topic, sent[-1][1])
    same(got, sent)
    assert [record[0] for record in got] == list(range(len(sent))), "the offsets are not 0, 1, 2, ..."
    assert all(record[4] == ({"origin": "conformance"} if at < len(odd) else {}) for at, record in enumerate(got)), "headers"
    assert all(abs(record[1] / 1000 - time.time()) < 3600 for record in got), "the time stamps are not of today"
    middle = bench.consume(topic, sent[200][1], offset=190)
    assert [record[0] for record in middle] == list(range(190, 201)), "reading did not begin at its offset"


def empty_values(bench):
    topic = bench.topic("empty")
    sent = [["empty", ""], ["deleted", None], ["last", "value"]]
    bench.produce(topic, sent)
    same(bench.consume(topic, "value"), sent)


def compresses(codec):
    def scenario(bench):
        topic = bench.topic(codec)
        sent = numbered("the same words compress well, " * 5, 500)
        bench.produce(topic, sent, codec=codec)
        got = bench.consume(topic, sent[-1][1])
        same(got, sent)
        stored = {batch[0] for batch in bench.batches(topic)}
        # A batch of one record may be left as it is where compressing it makes it longer.
        assert codec in stored and stored <= {codec, "none"}, f"the batches are stored as {', '.join(sorted(stored))}"
    return scenario


def seek_by_time(bench):
    topic = bench.topic("timed")
    for lot in ("first", "second"):
        bench.produce(topic, numbered(lot, 50))
        begun = time.time()
        await_that("the clock has moved", lambda since=begun: time.time() > since + 0.02)
    records = bench.consume(topic, "second 49")
    turn = records[50][1]
    assert records[49][1] < turn, "both lots have the same time"
    found = bench.consume(topic, "second 49", time=turn)
    assert found[0][3] == "second 0", f"seeking the time of the second lot found {found[0][3]!r}"
    found = bench.consume(topic, "second 49", time=records[49][1] + 1)
    assert found[0][3] == "second 0", f"a time between the lots found {found[0][3]!r}"
    assert len(bench.consume(topic, "second 49", time=records[0][1] - 1000)) == 100, "a time before all is not the beginning"


def idempotence(bench):
    topic = bench.topic("idempotent")
    sent = numbered("once", 2000)
    bench.produce(topic, sent, idempotent=True)
    got = bench.consume(topic, sent[-1][1])
    same(got, sent)
    expected = {}
    for _, producer, sequence, count in bench.batches(topic):
        assert producer >= 0, "the batches have no producer id"
        assert sequence == expected.get(producer, 0), "the sequence has a gap"
        expected[producer] = sequence + count


def commit_and_resume(bench):
    topic, group = bench.topic("resumed", 2), bench.name("resumed")
    for turn in ("first", "second", "third"):
        sent = bench.spread(topic, turn, 40, 2)
        member = bench.another()
        member.call("join", group=group, topic=topic, protocol="classic")
        await_that(f"the {turn} lot to be read", lambda one=member, lot=sent: set(one.values()) >= lot, member)
        member.call("leave")
        again = set(member.values()) - sent
        assert not again, f"{len(again)} records were read again, such as {min(again)!r}"


def share_everything(members, partitions=PARTITIONS):
    """Whether the members have all partitions, each partition once."""
    parts = [member.assigned or set() for member in members]
    return all(parts) and sum(map(len, parts)) == partitions and set().union(*parts) == set(range(partitions))


def read_by(members):
    return {value for member in members for value in member.values()}


def begin_group(bench, protocol):
    """A topic, and two members that share it."""
    topic, group = bench.topic("shared", PARTITIONS), bench.name("shared")
    sent = bench.spread(topic, "first", 120)
    members = []
    for _ in range(2):
        members.append(bench.another())
        members[-1].call("join", group=group, topic=topic, protocol=protocol)
        await_that(f"{len(members)} of 2 members to share the partitions", lambda: share_everything(members), *members)
    # A client may fall back to the other protocol without a word.
    kind = bench.group_kind(group).lower()
    assert kind == protocol, f"the members speak the {kind} protocol"
    await_that("all to be read", lambda: read_by(members) >= sent, *members)
    more = bench.spread(topic, "second", 120)
    await_that("all to be read by two", lambda: read_by(members) >= more, *members)
    assert all(more & set(member.values()) for member in members), "one of two members read nothing"
    return topic, group, members


def members_come_and_go(protocol):
    def scenario(bench):
        topic, group, members = begin_group(bench, protocol)
        members.append(bench.another())
        members[-1].call("join", group=group, topic=topic, protocol=protocol)
        await_that("three members to share the partitions", lambda: share_everything(members), *members)
        leaver = members.pop(0)
        leaver.call("leave")
        # At once, long before its session would end.
        await_that("two to take over from the one that left", lambda: share_everything(members), *members, patience=30)
        sent = bench.spread(topic, "third", 120)
        await_that("all to be read by those that stay", lambda: read_by(members) >= sent, *members)
        for member in members:
            member.call("leave")
        assert not sent & set(leaver.values()), "the one that left read on"
    return scenario


def a_member_crashes(protocol):
    def scenario(bench):
        topic, _, members = begin_group(bench, protocol)
        members.pop().kill()
        await_that("the other to take over from the one that was killed", lambda: share_everything(members), *members)
        sent = bench.spread(topic, "third", 120)
        await_that("all to be read by the one that is left", lambda: read_by(members) >= sent, *members)
        members[0].call("leave")
    return scenario


def values(what, count=20):
    return [f"{what} {number}" for number in range(count)]


def begin_transaction(bench, driver, topic, what, **settings):
    driver.call("open", **{"timeout_ms": 60000, **settings})
    driver.call("begin")
    for partition in range(2):
        driver.call("send", topic=topic, partition=partition, values=values(what))


def transactions(bench):
    topic = bench.topic("transactions", 2)
    bench.call("open", name=bench.name("plain"), timeout_ms=60000)
    for turn in range(3):
        for verb in ("commit", "abort"):
            bench.call("begin")
            for partition in range(2):
                bench.call("send", topic=topic, partition=partition, values=values(f"{verb} {turn}"))
            bench.call(verb)
    kept = sum((values(f"commit {turn}") for turn in range(3)), [])
    both = sum((values(f"{verb} {turn}") for turn in range(3) for verb in ("commit", "abort")), [])
    for partition in range(2):
        assert bench.settled(topic, partition=partition) == kept, "read_committed sees others than those committed"
        assert bench.settled(topic, "read_uncommitted", partition) == both, "read_uncommitted does not see all"


def refused(what, driver, verb, **arguments):
    try:
        driver.call(verb, **arguments)
    except Refused:
        return
    raise AssertionError(f"{what} was not refused")


def fencing(bench):
    topic, name = bench.topic("fenced", 2), bench.name("fenced")
    zombie, alive = bench.another(), bench.another()
    begin_transaction(bench, zombie, topic, "zombie", name=name)
    begin_transaction(bench, alive, topic, "alive", name=name)
    alive.call("commit")
    refused("the commit of a producer that was fenced", zombie, "commit")
    for partition in range(2):
        assert bench.settled(topic, partition=partition) == values("alive"), "others than those of the second producer are seen"


def timing_out(bench):
    topic, slow = bench.topic("late", 2), bench.another()
    begin_transaction(bench, slow, topic, "late", name=bench.name("late"), timeout_ms=2000)
    for partition in range(2):
        # Waits for the abort: nothing after the transaction can be seen before it is decided.
        assert bench.settled(topic, partition=partition) == [], "records of a transaction whose time was over are seen"
    refused("the commit of a transaction whose time was over", slow, "commit")


def exactly_once_copy(bench):
    source, target, group, name = bench.topic("source", 2), bench.topic("target", 2), bench.name("copy"), bench.name("copy")
    sent = set()
    for turn, count in (("first", 200), ("second", 100)):
        sent |= bench.spread(source, turn, count, 2)
        copier = bench.another()
        copier.call("copy", group=group, name=name, source=source, target=target, count=count)
        copier.close()
        got = [value for partition in range(2) for value in bench.settled(target, partition=partition)]
        assert len(got) == len(set(got)), f"{len(got) - len(set(got))} records were copied twice"
        assert set(got) == sent, f"{len(sent)} records were to be copied, {len(got)} were"


def admin_topics(bench):
    topic = bench.name("made")

    def partitions():
        return bench.call("topics")["topics"].get(topic, 0)

    bench.call("create_topic", name=topic, partitions=3, config={"retention.ms": "86400000"})
    await_that("the new topic to be listed with 3 partitions", lambda: partitions() == 3)
    refused("a second topic of that name", bench.driver, "create_topic", name=topic, partitions=1, config={})
    bench.produce(topic, numbered("made", 10), 2)
    assert bench.call("offsets", topic=topic, partition=2) == {"earliest": 0, "latest": 10}, "the offsets are not 0 and 10"
    bench.call("add_partitions", topic=topic, count=5)
    await_that("5 partitions", lambda: partitions() == 5)
    bench.call("delete_topic", name=topic)
    await_that("the topic to be gone", lambda: partitions() == 0)


def admin_configs(bench):
    topic = bench.topic("settings", **{"retention.ms": "86400000"})

    def value(key):
        return bench.call("get_config", topic=topic, key=key)["value"]

    assert value("retention.ms") == "86400000", value("retention.ms")
    bench.call("set_config", topic=topic, key="max.message.bytes", value="2000000")
    await_that("the new value", lambda: value("max.message.bytes") == "2000000")
    refused("a key that does not exist", bench.driver, "set_config", topic=topic, key="no.such.key", value="1")


def admin_groups(bench):
    topic, group = bench.topic("watched", 2), bench.name("watched")
    sent = bench.spread(topic, "line", 40, 2)
    member = bench.another()
    member.call("join", group=group, topic=topic, protocol="classic")
    await_that("all to be read", lambda: set(member.values()) >= sent, member)
    assert group in bench.call("groups")["groups"], "the group is not listed"
    seen = bench.call("describe_group", group=group)
    assert seen == {"state": "Stable", "members": 1}, f"the group is told as {seen}"
    member.call("leave")
    assert bench.call("committed", group=group, topic=topic)["offsets"] == {"0": 20, "1": 20}, "other offsets are committed"
    await_that("an empty group", lambda: bench.call("describe_group", group=group) == {"state": "Empty", "members": 0})


def admin_delete_group(bench):
    topic, group = bench.topic("left", 2), bench.name("left")
    member = bench.another()
    member.call("join", group=group, topic=topic, protocol="classic")
    await_that("its partitions", lambda: share_everything([member], 2), member)
    refused("to delete a group that has a member", bench.driver, "delete_group", group=group)
    member.call("leave")
    bench.call("delete_group", group=group)
    refused("to delete it once more", bench.driver, "delete_group", group=group)


def admin_records(bench):
    topic = bench.topic("trimmed")
    bench.produce(topic, numbered("line", 100))
    bench.call("delete_records", topic=topic, partition=0, offset=40)
    assert bench.call("offsets", topic=topic, partition=0) == {"earliest": 40, "latest": 100}, "the log does not begin at 40"
    assert bench.consume(topic, "line 99", offset=40)[0][0] == 40


# Name, what it is, scenario. The names are what `./dev conformance` takes and the page shows.
CAPABILITIES = [
    ("records", "produce with acks 0, 1, all; consume: keys, nulls, headers, times, from an offset", produce_and_consume),
    ("empty-values", "an empty value is one, and no value is none", empty_values),
    *((codec, f"batches compressed by {codec}, both ways", compresses(codec)) for codec in ("gzip", "snappy", "lz4", "zstd")),
    ("seek-by-time", "consume from a time on", seek_by_time),
    ("idempotence", "an idempotent producer: once, in order", idempotence),
    ("commit-resume", "commit, leave, come back and go on from there", commit_and_resume),
    ("group", "members of a group join and leave, classic protocol", members_come_and_go("classic")),
    ("group-crash", "a member of a group is killed, classic protocol", a_member_crashes("classic")),
    ("group-848", "members of a group join and leave, `group.protocol=consumer`", members_come_and_go("consumer")),
    ("group-848-crash", "a member of a group is killed, `group.protocol=consumer`", a_member_crashes("consumer")),
    ("transactions", "transactions committed and aborted, over two partitions", transactions),
    ("fencing", "a second producer of a transactional id fences the first", fencing),
    ("txn-time-out", "a transaction left open is aborted when its time is over", timing_out),
    ("exactly-once", "read, process, write, with offsets in the transaction; some are aborted", exactly_once_copy),
    ("admin-topics", "create, list, extend, delete topics; offsets", admin_topics),
    ("admin-configs", "read and set a topic's settings", admin_configs),
    ("admin-groups", "list and describe groups; committed offsets", admin_groups),
    ("admin-delete-group", "delete a group, unless it has members", admin_delete_group),
    ("admin-records", "delete records before an offset", admin_records),
]
