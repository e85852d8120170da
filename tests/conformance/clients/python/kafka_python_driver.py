"""kafka-python as a driver: see drivers.py."""

import sys

import kafka
from driver import Lacks, Member, data, serve, tell, text
from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import CommitFailedError, RebalanceInProgressError

AT = {"bootstrap_servers": sys.argv[1]}
SESSION = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 500, "auto_offset_reset": "earliest",
           "enable_auto_commit": False}


def record_of(record):
    headers = {name: text(value) for name, value in record.headers}
    return [record.offset, record.timestamp, text(record.key), text(record.value), headers]


def send(producer, topic, partition, records, headers=None):
    """Returns when all are acknowledged."""
    headers = [(name, data(value)) for name, value in (headers or {}).items()]
    sent = [producer.send(topic, data(value), data(key), headers, partition) for key, value in records]
    producer.flush(60)
    for one in sent:
        one.get(60)


class Told(ConsumerRebalanceListener):
    """Tells what a member has: this client gives all partitions back before it gets others."""

    def on_partitions_revoked(self, revoked):
        tell(assigned=[])

    def on_partitions_assigned(self, assigned):
        tell(assigned=sorted(one.partition for one in assigned))


class KafkaPython:
    lacks = {}

    def __init__(self):
        self._admin_client = None

    @property
    def _admin(self):
        self._admin_client = self._admin_client or KafkaAdminClient(**AT)
        return self._admin_client

    def hello(self):
        return {"version": kafka.__version__}

    def produce(self, topic, partition, records, headers, codec, acks, idempotent):
        with KafkaProducer(**AT, compression_type=None if codec == "none" else codec, linger_ms=5,
                           acks=acks if acks == "all" else int(acks), enable_idempotence=idempotent) as producer:
            send(producer, topic, partition, records, headers)

    def consume(self, topic, partition, until, isolation, **start):
        place, begin = TopicPartition(topic, partition), start["from"]
        with KafkaConsumer(**AT, isolation_level=isolation, enable_auto_commit=False) as consumer:
            consumer.assign([place])
            offset = consumer.offsets_for_times({place: begin["time"]})[place].offset if "time" in begin else begin["offset"]
            consumer.seek(place, offset)
            read = []
            for record in consumer:
                read.append(record_of(record))
                if read[-1][3] == until:
                    return {"records": read}

    def join(self, group, topic, protocol):
        if protocol != "classic":
            raise Lacks("it does not speak that protocol")
        consumer = KafkaConsumer(**AT, **SESSION, group_id=group)
        consumer.subscribe([topic], listener=Told())

        def turn():
            # Version 3.0.12 forgets an assignment that arrives just as a poll times out: fewer polls, fewer of those.
            records = [record for lot in consumer.poll(1000).values() for record in lot]
            if records:
                tell(read=[[record.partition, text(record.value)] for record in records])
                try:
                    consumer.commit()
                except (CommitFailedError, RebalanceInProgressError):
                    pass  # The group is being shared out anew: what was read is read again.

        self._member = Member(turn, consumer.close)

    def leave(self):
        self._member.leave()

    def open(self, name, timeout_ms):
        self._producer = KafkaProducer(**AT, transactional_id=name, transaction_timeout_ms=timeout_ms, linger_ms=5)
        self._producer.init_transactions()

    def begin(self):
        self._producer.begin_transaction()

    def send(self, topic, partition, values):
        send(self._producer, topic, partition, [[None, value] for value in values])

    def commit(self):
        self._producer.commit_transaction()

    def abort(self):
        self._producer.abort_transaction()

    def copy(self, group, name, source, target, count):
        consumer = KafkaConsumer(**AT, **SESSION, group_id=group)
        consumer.subscribe([source])
        self.open(name, 60000)
        turn = 0
        while count > 0:
            records = [record for lot in consumer.poll(1000, 20).values() for record in lot]
            if not records:
                continue
            turn += 1
            self.begin()
            for record in records:
                self._producer.send(target, record.value, record.key, partition=record.partition)
            mine = consumer.assignment()
            offsets = {place: OffsetAndMetadata(consumer.position(place), "", -1) for place in mine}
            self._producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
            if turn % 3 == 0:
                self.abort()
                for place in mine:
                    consumer.seek(place, consumer.committed(place) or 0)
            else:
                self.commit()
                count -= len(records)
        consumer.close()

    def create_topic(self, name, partitions, config):
        self._admin.create_topics({name: {"num_partitions": partitions, "replication_factor": 1, "configs": config}})

    def topics(self):
        return {"topics": {topic["name"]: len(topic["partitions"]) for topic in self._admin.describe_topics()}}

    def delete_topic(self, name):
        self._admin.delete_topics([name])

    def add_partitions(self, topic, count):
        self._admin.create_partitions({topic: count})

    def offsets(self, topic, partition):
        place = TopicPartition(topic, partition)

        def ask(which):
            return self._admin.list_partition_offsets({place: which})[place].offset
        return {"earliest": ask(-2), "latest": ask(-1)}

    def set_config(self, topic, key, value):
        told = self._admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {key: value})])
        for results in told.values():
            if results[topic] != "OK":
                raise RuntimeError(str(results[topic]))

    def get_config(self, topic, key):
        told = self._admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
        (topics,) = told.values()
        return {"value": topics[topic][key]["value"]}

    def groups(self):
        return {"groups": [group["group_id"] for group in self._admin.list_groups()]}

    def describe_group(self, group):
        told = self._admin.describe_groups([group])[group]
        return {"state": str(told["group_state"]), "members": len(told["members"])}

    def committed(self, group, topic):
        told = self._admin.list_group_offsets(group)[group]
        return {"offsets": {place.partition: one.offset for place, one in told.items() if place.topic == topic}}

    def delete_group(self, group):
        told = self._admin.delete_groups([group])[group]
        if told != "OK":
            raise RuntimeError(str(told))

    def delete_records(self, topic, partition, offset):
        self._admin.delete_records({TopicPartition(topic, partition): offset})


serve(KafkaPython())
