"""Kafka's own programs, as capabilities of a client named kafka-tools: the operator's tools, and a Kafka Streams application.

Their driver is the Java client's; its command line is also how any other class of the distribution is run.
"""

import collections
import json
import random
import re
import subprocess
import tempfile

from drivers import Driver, await_that
from scenarios import begin_transaction, numbered, refused

CLASSES = {
    "configs": "kafka.admin.ConfigCommand",
    "consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "topics": "org.apache.kafka.tools.TopicCommand",
    "transactions": "org.apache.kafka.tools.TransactionsCommand",
    "verifiable-consumer": "org.apache.kafka.tools.VerifiableConsumer",
    "verifiable-producer": "org.apache.kafka.tools.VerifiableProducer",
}


def java(bench, main):
    """The command line of a class: the driver's, with another class."""
    return [*bench.command[:-1], main]


def run(bench, name, *arguments):
    command = [*java(bench, CLASSES[name]), "--bootstrap-server", bench.address, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def tool(bench, name, *arguments, has=()):
    """What the tool printed; all of the patterns must be in it."""
    code, text = run(bench, name, *arguments)
    assert code == 0, f"kafka-{name} {' '.join(map(str, arguments))} gave {code}:\n{text.strip()}"
    for pattern in has:
        assert re.search(pattern, text, re.MULTILINE), f"kafka-{name} did not tell {pattern!r} but\n{text.strip()}"
    return text


def topics(bench):
    name = bench.name("topics")
    tool(bench, "topics", "--create", "--topic", name, "--partitions", 3, "--config", "retention.ms=86400000")
    tool(bench, "topics", "--list", has=[f"^{name}$"])
    tool(bench, "topics", "--describe", "--topic", name, has=[r"PartitionCount: 3\b", r"retention\.ms=86400000", r"Isr: 1"])
    tool(bench, "topics", "--alter", "--topic", name, "--partitions", 4)
    tool(bench, "topics", "--describe", "--topic", name, has=[r"PartitionCount: 4\b"])
    tool(bench, "topics", "--delete", "--topic", name)
    assert name not in tool(bench, "topics", "--list").split(), "the topic is still listed"


def configs(bench):
    topic = ("--entity-type", "topics", "--entity-name", bench.topic("configs"))
    tool(bench, "configs", *topic, "--alter", "--add-config", "max.message.bytes=2000000,cleanup.policy=[compact,delete]")
    tool(bench, "configs", *topic, "--describe", has=[r"max\.message\.bytes=2000000", r"cleanup\.policy=compact,delete"])
    tool(bench, "configs", *topic, "--alter", "--delete-config", "max.message.bytes")
    assert "max.message.bytes" not in tool(bench, "configs", *topic, "--describe"), "the setting is still there"
    tool(bench, "configs", "--entity-type", "brokers", "--entity-name", 1, "--all", "--describe", has=[r"num\.partitions="])


def consumer_groups(bench):
    topic, group = bench.topic("watched"), bench.name("watched")
    bench.produce(topic, numbered("line", 30))
    with bench.another() as member:
        member.call("join", group=group, topic=topic, protocol="classic")
        await_that("all to be read", lambda: len(member.read) == 30, member)
        tool(bench, "consumer-groups", "--list", has=[f"^{group}$"])
        tool(bench, "consumer-groups", "--describe", "--group", group, "--state", has=[r"\bStable\b"])
        tool(bench, "consumer-groups", "--describe", "--group", group, "--members", has=[rf"^{group}\s+\S+\s+\S+\s+\S+\s.*1\b"])
        member.call("leave")
    bench.produce(topic, numbered("line", 12))
    tool(bench, "consumer-groups", "--describe", "--group", group, has=[rf"^{group}\s+{topic}\s+0\s+30\s+42\s+12\b"])
    tool(bench, "consumer-groups", "--reset-offsets", "--to-earliest", "--execute", "--group", group, "--topic", topic)
    tool(bench, "consumer-groups", "--describe", "--group", group, has=[rf"^{group}\s+{topic}\s+0\s+0\s+42\s+42\b"])
    tool(bench, "consumer-groups", "--delete", "--group", group)
    assert group not in tool(bench, "consumer-groups", "--list").split(), "the group is still listed"


def transactions(bench):
    topic, name = bench.topic("hanging", 2), bench.name("hanging")
    with bench.another() as producer:
        begin_transaction(bench, producer, topic, "open", name=name)
        tool(bench, "transactions", "list", has=[rf"^{name}\s+\d+\s+\d+\s+Ongoing"])
        tool(bench, "transactions", "describe", "--transactional-id", name, has=[r"Ongoing", f"{topic}-0"])
        tool(bench, "transactions", "describe-producers", "--topic", topic, "--partition", 0,
             has=[r"^\d+\s+\d+\s+-?\d+\s+19\s+\d+\s+0\b"])
        tool(bench, "transactions", "find-hanging", "--broker-id", 1)
        tool(bench, "transactions", "forceTerminateTransaction", "--transactionalId", name)
        refused("the commit of a transaction that was ended by force", producer, "commit")
    assert bench.settled(topic) == [], "records of a transaction that was ended by force are seen"


def verifiable(bench):
    topic, group = bench.topic("verifiable"), bench.name("verifiable")
    sent = tool(bench, "verifiable-producer", "--topic", topic, "--max-messages", 500, "--acks", -1)
    sent = [json.loads(line) for line in sent.splitlines() if line.startswith("{")]
    acknowledged = [one for one in sent if one["name"] == "producer_send_success"]
    assert len(acknowledged) == 500, f"{len(acknowledged)} of 500 messages were acknowledged"
    read = tool(bench, "verifiable-consumer", "--topic", topic, "--group-id", group, "--max-messages", 500)
    read = [json.loads(line) for line in read.splitlines() if line.startswith("{")]
    count = sum(one["count"] for one in read if one["name"] == "records_consumed")
    assert count == 500, f"{count} of 500 messages were consumed"
    assert any(one["name"] == "offsets_committed" and one["success"] for one in read), "no offsets were committed"


def streams_word_count(bench):
    """Two instances count words exactly once, one of them is killed: every count is right, and none is ever told twice."""
    source, target, name = bench.topic("lines", 4), bench.topic("counts", 4), bench.name("count")
    choice = random.Random(7)
    words = [f"word{number}" for number in range(40)]
    expected = collections.Counter()

    def produce(lines):
        for partition in range(4):
            lot = [" ".join(choice.choices(words, k=5)) for _ in range(lines)]
            bench.produce(source, [[None, line] for line in lot], partition)
            expected.update(word for line in lot for word in line.split())

    def told():
        """The counts of each word that a reader of committed records sees, in order."""
        counts = collections.defaultdict(list)
        for partition in range(4):
            for _, _, word, count, _ in bench.settled_records(target, partition=partition):
                counts[word].append(int(count))
        return counts

    def all_counted():
        counts = told()
        return counts if {word: seen[-1] for word, seen in counts.items()} == expected else None

    with tempfile.TemporaryDirectory() as folder:
        instances = [Driver([*java(bench, "WordCount"), name, source, target, f"{folder}/{number}"], bench.address, bench.log)
                     for number in range(2)]
        try:
            await_that("two instances to run", lambda: all(one.state == "RUNNING" for one in instances), *instances)
            produce(100)
            await_that("the first counts", all_counted, *instances)
            produce(400)
            instances.pop().kill()
            produce(100)
            counts = await_that("the counts to be right after one of two instances was killed", all_counted, *instances)
        finally:
            for one in instances:
                one.close()
    for word, seen in counts.items():
        assert seen == sorted(set(seen)), f"the counts of {word} went {seen[-10:]}"


CAPABILITIES = [
    ("kafka-topics", "create, list, describe, alter, delete", topics),
    ("kafka-configs", "alter and describe topics' settings; all of the broker's", configs),
    ("kafka-consumer-groups", "list, describe with lag, members and state; reset offsets; delete", consumer_groups),
    ("kafka-transactions", "list, describe, describe producers, find hanging, end by force", transactions),
    ("kafka-verifiable", "kafka-verifiable-producer and -consumer: all acknowledged, all read, committed", verifiable),
    ("kafka-streams", "word count, exactly once v2, two instances of which one is killed: counts are right", streams_word_count),
]
