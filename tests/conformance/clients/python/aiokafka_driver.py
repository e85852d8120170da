"""aiokafka as a driver: see drivers.py. The client lives in an event loop of its own; each verb is a coroutine run there."""

import asyncio
import sys
import threading

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import CommitFailedError, RebalanceInProgressError, for_code
from driver import Lacks, data, serve, tell, text

AT = {"bootstrap_servers": sys.argv[1]}
SESSION = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 500, "auto_offset_reset": "earliest",
           "enable_auto_commit": False}


def record_of(record):
    headers = {name: text(value) for name, value in record.headers}
    return [record.offset, record.timestamp, text(record.key), text(record.value), headers]


async def send(producer, topic, partition, records, headers=None):
    """Returns when all are acknowledged."""
    headers = [(name, data(value)) for name, value in (headers or {}).items()]
    sent = [await producer.send(topic, data(value), data(key), partition, headers=headers) for key, value in records]
    for one in sent:
        await asyncio.wait_for(one, 60)


def check(code, message=""):
    if code:
        raise for_code(code)(message)


class Told(ConsumerRebalanceListener):
    """Tells what a member has: this client gives all partitions back before it gets others."""

    def on_partitions_revoked(self, revoked):
        tell(assigned=[])

    def on_partitions_assigned(self, assigned):
        tell(assigned=sorted(one.partition for one in assigned))


class Client:
    lacks = {
        "delete_group": "it has no call that deletes a group",
    }

    async def hello(self):
        return {"version": aiokafka.__version__}

    async def produce(self, topic, partition, records, headers, codec, acks, idempotent):
        async with AIOKafkaProducer(**AT, compression_type=None if codec == "none" else codec, linger_ms=5,
                                    acks=acks if acks == "all" else int(acks), enable_idempotence=idempotent) as producer:
            await send(producer, topic, partition, records, headers)

    async def consume(self, topic, partition, until, isolation, **start):
        place, begin = TopicPartition(topic, partition), start["from"]
        async with AIOKafkaConsumer(**AT, isolation_level=isolation, enable_auto_commit=False) as consumer:
            consumer.assign([place])
            if "time" in begin:
                consumer.seek(place, (await consumer.offsets_for_times({place: begin["time"]}))[place].offset)
            else:
                consumer.seek(place, begin["offset"])
            read = []
            async for record in consumer:
                read.append(record_of(record))
                if read[-1][3] == until:
                    return {"records": read}

    async def join(self, group, topic, protocol):
        if protocol != "classic":
            raise Lacks("it does not speak that protocol")
        self._leaving = asyncio.Event()
        self._member = asyncio.create_task(self._be_member(group, topic))

    async def _be_member(self, group, topic):
        try:
            consumer = AIOKafkaConsumer(**AT, **SESSION, group_id=group)
            consumer.subscribe([topic], listener=Told())
            await consumer.start()
            while not self._leaving.is_set():
                records = [record for lot in (await consumer.getmany(timeout_ms=100)).values() for record in lot]
                if records:
                    tell(read=[[record.partition, text(record.value)] for record in records])
                    try:
                        await consumer.commit()
                    except (CommitFailedError, RebalanceInProgressError):
                        pass  # The group is being shared out anew: what was read is read again.
            await consumer.stop()
        except Exception as error:  # pylint: disable=broad-except
            tell(failed=f"{type(error).__name__}: {error}")

    async def leave(self):
        self._leaving.set()
        await asyncio.wait_for(self._member, 60)

    async def open(self, name, timeout_ms):
        self._producer = AIOKafkaProducer(**AT, transactional_id=name, transaction_timeout_ms=timeout_ms, linger_ms=5)
        await self._producer.start()

    async def begin(self):
        await self._producer.begin_transaction()

    async def send(self, topic, partition, values):
        await send(self._producer, topic, partition, [[None, value] for value in values])

    async def commit(self):
        await self._producer.commit_transaction()

    async def abort(self):
        await self._producer.abort_transaction()

    async def copy(self, group, name, source, target, count):
        async with AIOKafkaConsumer(source, **AT, **SESSION, group_id=group) as consumer:
            await self.open(name, 60000)
            turn = 0
            while count > 0:
                lots = await consumer.getmany(timeout_ms=1000, max_records=20)
                records = [record for lot in lots.values() for record in lot]
                if not records:
                    continue
                turn += 1
                await self.begin()
                for record in records:
                    await self._producer.send(target, record.value, record.key, record.partition)
                offsets = {place: lot[-1].offset + 1 for place, lot in lots.items()}
                await self._producer.send_offsets_to_transaction(offsets, group)
                if turn % 3 == 0:
                    await self.abort()
                    for place in consumer.assignment():
                        consumer.seek(place, await consumer.committed(place) or 0)
                else:
                    await self.commit()
                    count -= len(records)

    async def _admin(self):
        if not hasattr(self, "_admin_client"):
            self._admin_client = AIOKafkaAdminClient(**AT)
            await self._admin_client.start()
        return self._admin_client

    async def create_topic(self, name, partitions, config):
        topic = NewTopic(name, partitions, 1, topic_configs=config)
        for _, code, *message in (await (await self._admin()).create_topics([topic])).topic_errors:
            check(code, message)

    async def topics(self):
        told = await (await self._admin()).describe_topics()
        return {"topics": {topic["topic"]: len(topic["partitions"]) for topic in told}}

    async def delete_topic(self, name):
        for _, code, *message in (await (await self._admin()).delete_topics([name])).topic_error_codes:
            check(code, message)

    async def add_partitions(self, topic, count):
        await (await self._admin()).create_partitions({topic: NewPartitions(count)})

    async def offsets(self, topic, partition):
        place = TopicPartition(topic, partition)
        async with AIOKafkaConsumer(**AT) as consumer:
            return {"earliest": (await consumer.beginning_offsets([place]))[place],
                    "latest": (await consumer.end_offsets([place]))[place]}

    async def set_config(self, topic, key, value):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {key: value})
        for answer in await (await self._admin()).alter_configs([resource]):
            for code, message, *_ in answer.resources:
                check(code, message)

    async def get_config(self, topic, key):
        answers = await (await self._admin()).describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        code, message, _, _, entries = answers[0].resources[0][:5]
        check(code, message)
        return {"value": next(entry[1] for entry in entries if entry[0] == key)}

    async def groups(self):
        return {"groups": [group[0] for group in await (await self._admin()).list_consumer_groups()]}

    async def describe_group(self, group):
        answers = await (await self._admin()).describe_consumer_groups([group])
        code, _, state, _, _, members, *_ = answers[0].groups[0]
        check(code)
        return {"state": state, "members": len(members)}

    async def committed(self, group, topic):
        told = await (await self._admin()).list_consumer_group_offsets(group)
        return {"offsets": {place.partition: one.offset for place, one in told.items() if place.topic == topic}}

    async def delete_records(self, topic, partition, offset):
        await (await self._admin()).delete_records({TopicPartition(topic, partition): RecordsToDelete(offset)})


class AioKafka:
    """The client's verbs as calls that wait for their coroutines."""

    lacks = Client.lacks

    def __init__(self):
        self._client = Client()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def __getattr__(self, verb):
        def call(**arguments):
            return asyncio.run_coroutine_threadsafe(getattr(self._client, verb)(**arguments), self._loop).result()
        return call


serve(AioKafka())
