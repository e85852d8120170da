"""confluent-kafka as a driver: see drivers.py."""

import sys

import confluent_kafka as kafka
from confluent_kafka import TopicPartition
from confluent_kafka import admin as administration
from driver import Member, data, serve, tell, text

AT = {"bootstrap.servers": sys.argv[1]}


def record_of(message):
    headers = {name: text(value) for name, value in message.headers() or []}
    return [message.offset(), message.timestamp()[1], text(message.key()), text(message.value()), headers]


def polled(consumer, count, seconds):
    """Messages, once the errors among them are told."""
    messages = consumer.consume(count, seconds)
    for message in messages:
        if message.error():
            raise kafka.KafkaException(message.error())
    return messages


def send(producer, topic, partition, records, headers=None):
    """Returns when all are acknowledged."""
    failures = []

    def delivered(error, _):
        if error:
            failures.append(error)

    for key, value in records:
        producer.produce(topic, data(value), data(key), partition, headers=headers, on_delivery=delivered)
    left = producer.flush(60)
    if failures or left:
        raise kafka.KafkaException(failures[0] if failures else f"{left} records were not acknowledged")


def done(futures):
    """The results of an administrator's calls, by name."""
    return {name: future.result(30) for name, future in futures.items()}


class Confluent:
    lacks = {}

    def __init__(self):
        self._admin = administration.AdminClient(AT)

    def hello(self):
        return {"version": f"{kafka.__version__}, librdkafka {kafka.libversion()[0]}"}

    def produce(self, topic, partition, records, headers, codec, acks, idempotent):
        producer = kafka.Producer({**AT, "compression.type": codec, "acks": acks, "enable.idempotence": idempotent,
                                   "linger.ms": 5})
        send(producer, topic, partition, records, headers)

    def consume(self, topic, partition, until, isolation, **start):
        consumer = kafka.Consumer({**AT, "group.id": "nobody", "enable.auto.commit": False, "isolation.level": isolation})
        begin = start["from"]
        if "time" in begin:
            place, = consumer.offsets_for_times([TopicPartition(topic, partition, begin["time"])], 30)
        else:
            place = TopicPartition(topic, partition, begin["offset"])
        consumer.assign([place])
        read = []
        while not read or read[-1][3] != until:
            read += map(record_of, polled(consumer, 1, 1))
        consumer.close()
        return {"records": read}

    def join(self, group, topic, protocol):
        settings = {**AT, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
                    "group.protocol": protocol}
        if protocol == "classic":
            settings |= {"session.timeout.ms": 6000, "heartbeat.interval.ms": 500}
        consumer = kafka.Consumer(settings)

        # Only the cooperative kinds of assignment go by steps.
        def now(consumer, partitions, gained):
            mine = {one.partition for one in consumer.assignment()}
            changed = {one.partition for one in partitions}
            tell(assigned=sorted(mine | changed if gained else mine - changed))

        consumer.subscribe([topic], on_assign=lambda one, partitions: now(one, partitions, True),
                           on_revoke=lambda one, partitions: now(one, partitions, False),
                           on_lost=lambda one, partitions: now(one, partitions, False))

        def turn():
            messages = polled(consumer, 100, 0.1)
            if messages:
                tell(read=[[message.partition(), text(message.value())] for message in messages])
                try:
                    consumer.commit(asynchronous=False)
                except kafka.KafkaException as refused:
                    # While the group is shared out anew nothing can be committed; what was read is then read again.
                    if refused.args[0].code() not in (kafka.KafkaError.REBALANCE_IN_PROGRESS, kafka.KafkaError._NO_OFFSET,
                                                      kafka.KafkaError.ILLEGAL_GENERATION, kafka.KafkaError.STALE_MEMBER_EPOCH):
                        raise

        self._member = Member(turn, consumer.close)

    def leave(self):
        self._member.leave()

    def open(self, name, timeout_ms):
        self._producer = kafka.Producer({**AT, "transactional.id": name, "transaction.timeout.ms": timeout_ms, "linger.ms": 5})
        self._producer.init_transactions(30)

    def begin(self):
        self._producer.begin_transaction()

    def send(self, topic, partition, values):
        send(self._producer, topic, partition, [[None, value] for value in values])

    def commit(self):
        self._producer.commit_transaction(30)

    def abort(self):
        self._producer.abort_transaction(30)

    def copy(self, group, name, source, target, count):
        consumer = kafka.Consumer({**AT, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
                                   "session.timeout.ms": 6000, "heartbeat.interval.ms": 500})
        consumer.subscribe([source])
        self.open(name, 60000)
        turn = 0
        while count > 0:
            messages = polled(consumer, 20, 1)
            if not messages:
                continue
            turn += 1
            self.begin()
            for message in messages:
                self._producer.produce(target, message.value(), message.key(), message.partition())
            mine = consumer.assignment()
            self._producer.send_offsets_to_transaction(consumer.position(mine), consumer.consumer_group_metadata(), 30)
            if turn % 3 == 0:
                self.abort()
                for place in consumer.committed(mine, 30):
                    consumer.seek(TopicPartition(place.topic, place.partition, max(place.offset, 0)))
            else:
                self.commit()
                count -= len(messages)
        consumer.close()

    def create_topic(self, name, partitions, config):
        done(self._admin.create_topics([administration.NewTopic(name, partitions, 1, config=config)]))

    def topics(self):
        listed = self._admin.list_topics(timeout=30).topics
        return {"topics": {name: len(topic.partitions) for name, topic in listed.items()}}

    def delete_topic(self, name):
        done(self._admin.delete_topics([name]))

    def add_partitions(self, topic, count):
        done(self._admin.create_partitions([administration.NewPartitions(topic, count)]))

    def offsets(self, topic, partition):
        def ask(spec):
            place = TopicPartition(topic, partition)
            return done(self._admin.list_offsets({place: spec}))[place].offset
        return {"earliest": ask(administration.OffsetSpec.earliest()), "latest": ask(administration.OffsetSpec.latest())}

    def set_config(self, topic, key, value):
        entry = administration.ConfigEntry(key, value, incremental_operation=administration.AlterConfigOpType.SET)
        done(self._admin.incremental_alter_configs(
            [administration.ConfigResource(administration.ResourceType.TOPIC, topic, incremental_configs=[entry])]))

    def get_config(self, topic, key):
        resource = administration.ConfigResource(administration.ResourceType.TOPIC, topic)
        return {"value": done(self._admin.describe_configs([resource]))[resource][key].value}

    def groups(self):
        return {"groups": [group.group_id for group in self._admin.list_consumer_groups().result(30).valid]}

    def describe_group(self, group):
        told = done(self._admin.describe_consumer_groups([group]))[group]
        return {"state": told.state.name.title(), "members": len(told.members)}

    def committed(self, group, topic):
        asked = kafka.ConsumerGroupTopicPartitions(group)
        told = done(self._admin.list_consumer_group_offsets([asked]))[group]
        return {"offsets": {place.partition: place.offset for place in told.topic_partitions if place.topic == topic}}

    def delete_group(self, group):
        done(self._admin.delete_consumer_groups([group]))

    def delete_records(self, topic, partition, offset):
        done(self._admin.delete_records([TopicPartition(topic, partition, offset)]))


serve(Confluent())
