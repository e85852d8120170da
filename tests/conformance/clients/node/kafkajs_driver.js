// kafkajs as a driver: see drivers.py.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import zstd from "@mongodb-js/zstd";
import kafkajs from "kafkajs";
import snappy from "kafkajs-snappy";
import lz4 from "lz4-napi";

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, Partitioners, logLevel } = kafkajs;

// kafkajs brings gzip, the others are added as its documentation tells.
CompressionCodecs[CompressionTypes.Snappy] = snappy;
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async (encoder) => lz4.compressFrame(encoder.buffer),
  decompress: async (buffer) => lz4.decompressFrame(buffer),
});
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async (encoder) => zstd.compress(encoder.buffer, 3),
  decompress: async (buffer) => zstd.decompress(buffer),
});
const codecs = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

const kafka = new Kafka({ brokers: [process.argv[2]], logLevel: logLevel.NOTHING, retry: { retries: 8 } });
const session = { sessionTimeout: 6000, heartbeatInterval: 500, maxWaitTimeInMs: 100, retry: { retries: 8 } };

class Lacks extends Error {}

const tell = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const text = (data) => (data === null || data === undefined ? null : data.toString());

let number = 0;
let adminClient;
let member;
let producer;
let transaction;

async function admin() {
  if (!adminClient) {
    adminClient = kafka.admin();
    await adminClient.connect();
  }
  return adminClient;
}

function newProducer(settings) {
  return kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false, ...settings });
}

function recordOf(message) {
  const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, text(value)]);
  return [Number(message.offset), Number(message.timestamp), text(message.key), text(message.value), Object.fromEntries(headers)];
}

/** The offset of a partition's first record at or after a time. */
async function offsetAt(topic, partition, time) {
  const found = await (await admin()).fetchTopicOffsetsByTimestamp(topic, time);
  return found.find((one) => one.partition === partition).offset;
}

const verbs = {
  hello: async () => ({ version: createRequire(import.meta.url)("kafkajs/package.json").version }),

  async produce({ topic, partition, records, headers, codec, acks, idempotent }) {
    const one = newProducer({ idempotent, maxInFlightRequests: idempotent ? 1 : null });
    await one.connect();
    await one.send({
      topic,
      acks: acks === "all" ? -1 : Number(acks),
      compression: codecs[codec],
      messages: records.map(([key, value]) => ({ key, value, headers, partition })),
    });
    await one.disconnect();
  },

  // There is no reading without a group: a group of its own, whose place is set by hand.
  async consume({ topic, partition, from, until, isolation }) {
    const offset = from.time === undefined ? from.offset : await offsetAt(topic, partition, from.time);
    const groupId = `alone-${process.pid}-${(number += 1)}`;
    const consumer = kafka.consumer({ ...session, groupId, readUncommitted: isolation === "read_uncommitted" });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const records = [];
    await new Promise((done, failed) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => failed(payload.error));
      consumer
        .run({
          autoCommit: false,
          eachMessage: async ({ partition: where, message }) => {
            // What came before the seek is thrown away with it.
            if (where !== partition || Number(message.offset) < offset || records.at(-1)?.[3] === until) return;
            records.push(recordOf(message));
            if (records.at(-1)[3] === until) done();
          },
        })
        .catch(failed);
      consumer.seek({ topic, partition, offset: String(offset) });
    });
    await consumer.disconnect();
    return { records };
  },

  async join({ group, topic, protocol }) {
    if (protocol !== "classic") throw new Lacks("it does not speak that protocol");
    member = kafka.consumer({ ...session, groupId: group });
    member.on(member.events.GROUP_JOIN, ({ payload }) => tell({ assigned: payload.memberAssignment[topic] ?? [] }));
    member.on(member.events.REBALANCING, () => tell({ assigned: [] }));
    member.on(member.events.CRASH, ({ payload }) => payload.restart || tell({ failed: String(payload.error) }));
    await member.connect();
    await member.subscribe({ topic, fromBeginning: true });
    await member.run({
      autoCommit: false,
      eachBatch: async ({ batch, heartbeat }) => {
        tell({ read: batch.messages.map((message) => [batch.partition, text(message.value)]) });
        const next = (BigInt(batch.lastOffset()) + 1n).toString();
        await member.commitOffsets([{ topic, partition: batch.partition, offset: next }]);
        await heartbeat();
      },
    });
  },

  leave: () => member.disconnect(),

  async open({ name, timeout_ms: transactionTimeout }) {
    producer = newProducer({ transactionalId: name, transactionTimeout, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
  },

  async begin() {
    transaction = await producer.transaction();
  },

  async send({ topic, partition, values }) {
    await transaction.send({ topic, messages: values.map((value) => ({ value, partition })) });
  },

  commit: () => transaction.commit(),

  abort: () => transaction.abort(),

  async copy({ group, name, source, target, count }) {
    await verbs.open({ name, timeout_ms: 60000 });
    const consumer = kafka.consumer({ ...session, groupId: group });
    await consumer.connect();
    await consumer.subscribe({ topic: source, fromBeginning: true });
    let left = count;
    let turn = 0;
    await new Promise((done, failed) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => failed(payload.error));
      consumer
        .run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          eachBatch: async ({ batch, resolveOffset }) => {
            const messages = batch.messages.slice(0, 20);
            const last = messages.at(-1).offset;
            const partitions = [{ partition: batch.partition, offset: (BigInt(last) + 1n).toString() }];
            await verbs.begin();
            await transaction.send({
              topic: target,
              messages: messages.map(({ key, value }) => ({ key, value, partition: batch.partition })),
            });
            await transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic: source, partitions }] });
            turn += 1;
            if (turn % 3 === 0) {
              await transaction.abort(); // What is not resolved is fetched again.
            } else {
              await transaction.commit();
              resolveOffset(last);
              left -= messages.length;
              if (left <= 0) done();
            }
          },
        })
        .catch(failed);
    });
    await consumer.disconnect();
    await producer.disconnect();
  },

  async create_topic({ name, partitions, config }) {
    const configEntries = Object.entries(config).map(([key, value]) => ({ name: key, value }));
    const isNew = await (await admin()).createTopics({ topics: [{ topic: name, numPartitions: partitions, configEntries }] });
    if (!isNew) throw new Error("the topic exists");
  },

  async topics() {
    const { topics } = await (await admin()).fetchTopicMetadata();
    return { topics: Object.fromEntries(topics.map((topic) => [topic.name, topic.partitions.length])) };
  },

  delete_topic: async ({ name }) => (await admin()).deleteTopics({ topics: [name] }),

  add_partitions: async ({ topic, count }) => void (await (await admin()).createPartitions({ topicPartitions: [{ topic, count }] })),

  async offsets({ topic, partition }) {
    const found = (await (await admin()).fetchTopicOffsets(topic)).find((one) => one.partition === partition);
    return { earliest: Number(found.low), latest: Number(found.high) };
  },

  async set_config({ topic, key, value }) {
    const resource = { type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name: key, value }] };
    await (await admin()).alterConfigs({ validateOnly: false, resources: [resource] });
  },

  async get_config({ topic, key }) {
    const resource = { type: ConfigResourceTypes.TOPIC, name: topic, configNames: [key] };
    const { resources } = await (await admin()).describeConfigs({ resources: [resource], includeSynonyms: false });
    return { value: resources[0].configEntries[0].configValue };
  },

  groups: async () => ({ groups: (await (await admin()).listGroups()).groups.map((group) => group.groupId) }),

  async describe_group({ group }) {
    const [told] = (await (await admin()).describeGroups([group])).groups;
    return { state: told.state, members: told.members.length };
  },

  async committed({ group, topic }) {
    const [told] = await (await admin()).fetchOffsets({ groupId: group, topics: [topic] });
    return { offsets: Object.fromEntries(told.partitions.map((one) => [one.partition, Number(one.offset)])) };
  },

  delete_group: async ({ group }) => void (await (await admin()).deleteGroups([group])),

  async delete_records({ topic, partition, offset }) {
    await (await admin()).fetchTopicOffsets(topic); // It deletes only in topics that it has asked about.
    await (await admin()).deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: verb, ...asked } = JSON.parse(line);
  try {
    tell({ id, ok: (await verbs[verb](asked)) ?? {} });
  } catch (error) {
    tell({ id, [error instanceof Lacks ? "lacks" : "error"]: error instanceof Lacks ? error.message : String(error) });
  }
}
process.exit(0);
