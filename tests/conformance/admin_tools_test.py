"""Kafka's own tools for operators against `millrace broker`: they are answered, or refused what one node cannot do.

    admin_tools_test.py PROGRAM KAFKA

KAFKA is the script that runs a class of a Kafka distribution; without it or Java the test is skipped. With
MILLRACE_CONFORMANCE_AT=HOST:PORT the same runs against a broker that is there already, such as an Apache Kafka of one
node: what it asks of Millrace alone is left out then.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import program  # noqa: E402

CLASSES = {
    "acls": "org.apache.kafka.tools.AclCommand",
    "broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
    "client-metrics": "org.apache.kafka.tools.ClientMetricsCommand",
    "cluster": "org.apache.kafka.tools.ClusterTool",
    "configs": "kafka.admin.ConfigCommand",
    "consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "consumer-perf-test": "org.apache.kafka.tools.ConsumerPerformance",
    "delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "features": "org.apache.kafka.tools.FeatureCommand",
    "get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
    "log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "metadata-quorum": "org.apache.kafka.tools.MetadataQuorumCommand",
    "producer-perf-test": "org.apache.kafka.tools.ProducerPerformance",
    "reassign-partitions": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    "topics": "org.apache.kafka.tools.TopicCommand",
}
# A tool lives for a second or two: the quick compiler and a small heap start soonest.
JVM = "-Xmx256M -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto"
RECORDS = 3000


class Tools:
    """Runs Kafka's tools: `tools("topics", "--list")` gives what it printed."""

    def __init__(self, kafka, address):
        self.kafka = kafka
        self.address = address

    def run(self, name, *arguments):
        command = [self.kafka, "tool", CLASSES[name], *map(str, arguments)]
        if not name.endswith("perf-test") and name != "cluster":
            command[3:3] = ["--bootstrap-server", self.address]
        environment = {**os.environ, "PEER_JVM": JVM, "PEER_LOG": "error"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
        return done.returncode, done.stdout + done.stderr

    def __call__(self, name, *arguments):
        code, text = self.run(name, *arguments)
        assert code == 0, f"kafka-{name} {' '.join(map(str, arguments))} gave {code}:\n{text}"
        return text

    def refused(self, name, *arguments):
        """Runs what must fail: the tool says so, by its exit code or an exception."""
        code, text = self.run(name, *arguments)
        assert code != 0 or "Exception" in text or "rror" in text, f"kafka-{name} was not refused:\n{text}"
        return text


def has(text, *patterns):
    for pattern in patterns:
        assert re.search(pattern, text, re.MULTILINE), f"no {pattern!r} in:\n{text}"


def every_api_is_known(tools):
    text = tools("broker-api-versions")
    for api in (r"Produce\(0\)", r"DescribeTopicPartitions\(75\)", r"OffsetForLeaderEpoch\(23\)",
                r"AlterClientQuotas\(49\)"):
        has(text, api + ": .*usable")
    assert "UNKNOWN(" not in text, text


def topics_come_and_go(tools):
    tools("topics", "--create", "--topic", "orders", "--partitions", 3, "--config", "retention.ms=86400000")
    tools("topics", "--create", "--topic", "short", "--partitions", 1)
    assert {"orders", "short"} <= set(tools("topics", "--list").split())
    has(tools("topics", "--describe", "--topic", "orders"), r"PartitionCount: 3\b", r"ReplicationFactor: 1\b",
        r"retention\.ms=86400000", r"Partition: 2\s+Leader: 1\s+Replicas: 1\s+Isr: 1")
    tools("topics", "--alter", "--topic", "orders", "--partitions", 4)
    has(tools("topics", "--describe", "--topic", "orders"), r"PartitionCount: 4\b")
    assert not tools("topics", "--describe", "--unavailable-partitions").strip()
    has(tools.refused("topics", "--create", "--topic", "orders"), r"already exists|exists already")
    tools("topics", "--delete", "--topic", "short")
    assert "short" not in tools("topics", "--list").split()


def settings_are_set_and_taken_back(tools):
    topic = ("--entity-type", "topics", "--entity-name", "orders")
    tools("configs", *topic, "--alter", "--add-config", "max.message.bytes=2000000,cleanup.policy=[compact,delete]")
    has(tools("configs", *topic, "--describe"), r"max\.message\.bytes=2000000", r"cleanup\.policy=compact,delete")
    tools("configs", *topic, "--alter", "--delete-config", "max.message.bytes,cleanup.policy")
    assert "max.message.bytes" not in tools("configs", *topic, "--describe")
    tools.refused("configs", *topic, "--alter", "--add-config", "no.such.key=1")
    broker = ("--entity-type", "brokers", "--entity-default")
    tools("configs", *broker, "--alter", "--add-config", "log.retention.ms=3600000")
    has(tools("configs", *broker, "--describe"), r"log\.retention\.ms=3600000")
    has(tools("configs", "--entity-type", "brokers", "--entity-name", 1, "--all", "--describe"), r"num\.partitions=")
    group = ("--entity-type", "groups", "--entity-name", "readers")
    tools("configs", *group, "--alter", "--add-config", "consumer.session.timeout.ms=50000")
    has(tools("configs", *group, "--describe"), r"consumer\.session\.timeout\.ms=50000")
    has(tools.refused("configs", *group, "--alter", "--add-config", "consumer.session.timeout.ms=1"),
        r"group\.consumer\.min")
    tools("configs", *group, "--alter", "--delete-config", "consumer.session.timeout.ms")
    assert "50000" not in tools("configs", *group, "--describe")


def quotas_are_kept(tools):
    ann = ("--entity-type", "users", "--entity-name", "ann")
    tools("configs", *ann, "--alter", "--add-config", "producer_byte_rate=1048576,request_percentage=12.5")
    clients = ("--entity-type", "clients", "--entity-default")
    tools("configs", *clients, "--alter", "--add-config", "consumer_byte_rate=5000000")
    tools("configs", "--entity-type", "ips", "--entity-name", "127.0.0.1", "--alter", "--add-config",
          "connection_creation_rate=100")
    has(tools("configs", *ann, "--describe"), r"producer_byte_rate=1048576", r"request_percentage=12\.5")
    has(tools("configs", *clients, "--describe"), r"consumer_byte_rate=5000000")
    has(tools("configs", "--entity-type", "ips", "--describe"), r"127\.0\.0\.1.*connection_creation_rate=100")
    tools("configs", *ann, "--alter", "--delete-config", "producer_byte_rate,request_percentage")
    assert "byte_rate" not in tools("configs", *ann, "--describe")


def records_go_through_a_java_client(tools):
    """Its consumer reads by topic id, in fetch sessions."""
    tools("producer-perf-test", "--topic", "orders", "--num-records", RECORDS, "--record-size", 500, "--throughput", -1,
          "--producer-props", f"bootstrap.servers={tools.address}", "acks=all", "batch.size=2000")
    text = tools("consumer-perf-test", "--bootstrap-server", tools.address, "--topic", "orders", "--group", "perf",
                 "--num-records", RECORDS)
    read = [line.split(", ") for line in text.splitlines() if re.match(r"\d{4}-", line)]
    assert read and int(read[0][4]) >= RECORDS, text


def ends(tools, time):
    text = tools("get-offsets", "--topic", "orders", "--time", time)
    return {int(found[1]): int(found[2]) for found in re.finditer(r"^orders:(\d+):(\d+)", text, re.MULTILINE)}


def offsets_and_sizes_are_true(tools):
    assert sum(ends(tools, "latest").values()) == RECORDS
    assert set(ends(tools, "earliest").values()) == {0}
    assert sum(offset + 1 for offset in ends(tools, "max-timestamp").values()) > 0
    text = tools("log-dirs", "--describe", "--topic-list", "orders")
    described = json.loads(next(line for line in text.splitlines() if line.startswith("{")))
    sizes = [partition["size"] for broker in described["brokers"] for directory in broker["logDirs"]
             for partition in directory["partitions"]]
    assert len(sizes) == 4 and sum(sizes) > RECORDS * 500, described
    directory = described["brokers"][0]["logDirs"][0]
    assert directory["error"] is None, described
    return directory["logDir"]


def records_are_deleted(tools, folder):
    upto = {partition: offset // 2 for partition, offset in ends(tools, "latest").items()}
    request = folder / "delete.json"
    request.write_text(json.dumps({"version": 1, "partitions": [
        {"topic": "orders", "partition": partition, "offset": offset} for partition, offset in upto.items()]}))
    has(tools("delete-records", "--offset-json-file", request), r"low_watermark: \d+")
    assert ends(tools, "earliest") == upto


def leaders_stay(tools):
    has(tools("leader-election", "--election-type", "preferred", "--topic", "orders", "--partition", 0),
        r"[Vv]alid replica already elected")
    tools("leader-election", "--election-type", "preferred", "--all-topic-partitions")
    tools("leader-election", "--election-type", "unclean", "--all-topic-partitions")
    tools.refused("leader-election", "--election-type", "preferred", "--topic", "none", "--partition", 0)


def replicas_stay(tools, folder, log_dir):
    def plan(replicas, directories=None):
        partition = {"topic": "orders", "partition": 0, "replicas": replicas}
        if directories:
            partition["log_dirs"] = directories
        file = folder / "reassign.json"
        file.write_text(json.dumps({"version": 1, "partitions": [partition]}))
        return file

    tools("reassign-partitions", "--reassignment-json-file", plan([1]), "--execute")
    has(tools("reassign-partitions", "--reassignment-json-file", plan([1]), "--verify"),
        r"Reassignment of partition orders-0 is completed")
    tools("reassign-partitions", "--reassignment-json-file", plan([1], [log_dir]), "--execute")
    has(tools("reassign-partitions", "--list"), r"No partition reassignments found")
    has(tools.refused("reassign-partitions", "--reassignment-json-file", plan([2]), "--execute"),
        r"[Uu]nknown broker id 2|INVALID_REPLICA_ASSIGNMENT|InvalidReplicaAssignment")
    topics = folder / "topics.json"
    topics.write_text(json.dumps({"version": 1, "topics": [{"topic": "orders"}]}))
    has(tools("reassign-partitions", "--topics-to-move-json-file", topics, "--broker-list", 1, "--generate"),
        r"Proposed partition reassignment")
    tools("reassign-partitions", "--reassignment-json-file", plan([1]), "--cancel")


def features_are_told(tools):
    has(tools("features", "describe"), r"Feature: metadata\.version\s+SupportedMinVersion: \S+\s+SupportedMaxVersion: "
        r"\S+\s+FinalizedVersionLevel: \S+\s+Epoch: \d+")
    tools.refused("features", "upgrade", "--feature", "no.such.feature=1")
    tools.refused("features", "downgrade", "--feature", "metadata.version=1")


def the_cluster_tells_of_itself(tools):
    has(tools("cluster", "cluster-id", "--bootstrap-server", tools.address), r"Cluster ID: \S+")
    has(tools("cluster", "list-endpoints", "--bootstrap-server", tools.address), r"^1\s+127\.0\.0\.1\s+\d+")
    tools.refused("cluster", "unregister", "--id", 99, "--bootstrap-server", tools.address)
    has(tools("metadata-quorum", "describe", "--status"), r"LeaderId:\s+1", r"HighWatermark:\s+\d+", r"CurrentVoters:")
    has(tools("metadata-quorum", "describe", "--replication"), r"^1\s.*Leader")
    tools("client-metrics", "--list")
    has(tools.refused("acls", "--list"), r"SecurityDisabled")


def groups_show_their_lag(tools):
    has(tools("consumer-groups", "--list"), r"^perf$")
    has(tools("consumer-groups", "--describe", "--group", "perf"), r"^perf\s+orders\s+0\s")


def get(url, host=None):
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def metrics_show_what_happened(url):
    text = get(url)
    has(text, r"^millrace_topics \d+$", r'^millrace_partition_size_bytes\{topic="orders",partition="0"\} [1-9]',
        r'^millrace_request_seconds_count\{api="Fetch"\} [1-9]',
        r'^millrace_group_lag\{group="perf",topic="orders",partition="\d"\} \d',
        r'^millrace_request_errors_total\{api="CreateTopics",error="TOPIC_ALREADY_EXISTS"\} 1$',
        r"^millrace_partitions_offline 0$", r"^millrace_flush_seconds_count [1-9]")
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) \S+ .+|[a-z_]+(\{([a-z]+="[^"]*",?)+\})? -?[0-9.e+-]+', line), line
    try:
        get(url, host="rebound.example")
    except urllib.error.HTTPError as error:
        assert error.code == 421, error
    else:
        raise AssertionError("a foreign Host header was answered")


def check(tools, folder):
    every_api_is_known(tools)
    topics_come_and_go(tools)
    settings_are_set_and_taken_back(tools)
    quotas_are_kept(tools)
    records_go_through_a_java_client(tools)
    log_dir = offsets_and_sizes_are_true(tools)
    records_are_deleted(tools, folder)
    leaders_stay(tools)
    replicas_stay(tools, folder, log_dir)
    features_are_told(tools)
    the_cluster_tells_of_itself(tools)
    groups_show_their_lag(tools)


def main():
    millrace, kafka = sys.argv[1:3]
    if not pathlib.Path(kafka).exists():
        program.skip(f"there is no {kafka}")
    program.need("java", "mvn")
    if subprocess.run([kafka, "get"], capture_output=True, timeout=600, check=False).returncode != 0:
        program.skip("Kafka's jars cannot be had here")
    with program.folder() as folder:
        if there := os.environ.get("MILLRACE_CONFORMANCE_AT"):
            return check(Tools(kafka, there), folder)
        with program.Running(millrace, "broker", "--data", folder / "data", "--listen", "127.0.0.1:0", "--metrics",
                             "127.0.0.1:0", "--set", "offsets.topic.num.partitions=4") as broker:
            def said(pattern):
                return program.await_that(pattern, lambda: re.search(pattern, broker.messages()))
            check(Tools(kafka, said(r"listening on (\S+) as").group(1)), folder)
            metrics_show_what_happened(said(r"metrics are at (\S+)").group(1))
            assert broker.end() == 0, broker.messages()
    return None


if __name__ == "__main__":
    main()
