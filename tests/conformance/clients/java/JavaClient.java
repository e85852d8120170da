import com.fasterxml.jackson.databind.JsonNode;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/** The Java client as a driver: see drivers.py. */
public final class JavaClient {
    private static final Duration POLL = Duration.ofMillis(100);
    private final String address;
    private KafkaProducer<String, String> transactional;
    private KafkaConsumer<String, String> memberConsumer;
    private Thread member;
    private volatile boolean leaving;

    private JavaClient(String address) {
        this.address = address;
    }

    public static void main(String[] args) throws Exception {
        System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8));
        var client = new JavaClient(args[0]);
        var verbs = new HashMap<String, Driver.Verb>();
        verbs.put("hello", asked -> Map.of("version", AppInfoParser.getVersion()));
        verbs.put("produce", client::produce);
        verbs.put("consume", client::consume);
        verbs.put("join", client::join);
        verbs.put("leave", client::leave);
        verbs.put("open", asked -> client.open(asked.get("name").asText(), asked.get("timeout_ms").asInt()));
        verbs.put("begin", asked -> { client.transactional.beginTransaction(); return Map.of(); });
        verbs.put("send", client::send);
        verbs.put("commit", asked -> { client.transactional.commitTransaction(); return Map.of(); });
        verbs.put("abort", asked -> { client.transactional.abortTransaction(); return Map.of(); });
        verbs.put("copy", client::copy);
        JavaAdmin.addTo(verbs, args[0]);
        Driver.serve(verbs);
        System.exit(0);
    }

    private KafkaProducer<String, String> producer(Map<String, Object> settings) {
        settings.put("bootstrap.servers", address);
        settings.put("linger.ms", 5);
        return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    private KafkaConsumer<String, String> consumer(Map<String, Object> settings) {
        settings.put("bootstrap.servers", address);
        settings.put("enable.auto.commit", false);
        settings.put("auto.offset.reset", "earliest");
        return new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }

    private static Map<String, Object> classicMember(String group) {
        return new HashMap<>(Map.of("group.id", group, "session.timeout.ms", 6000, "heartbeat.interval.ms", 500));
    }

    /** A text that may be null. */
    private static String text(JsonNode node) {
        return node.isNull() ? null : node.asText();
    }

    private Map<String, ?> produce(JsonNode asked) throws Exception {
        var settings = new HashMap<String, Object>(Map.of("compression.type", asked.get("codec").asText(),
            "acks", asked.get("acks").asText(), "enable.idempotence", asked.get("idempotent").asBoolean()));
        try (var producer = producer(settings)) {
            var sent = new ArrayList<Future<RecordMetadata>>();
            for (JsonNode pair : asked.get("records")) {
                var record = new ProducerRecord<>(asked.get("topic").asText(), asked.get("partition").asInt(), text(pair.get(0)),
                    text(pair.get(1)));
                asked.get("headers").fields().forEachRemaining(header ->
                    record.headers().add(header.getKey(), header.getValue().asText().getBytes(StandardCharsets.UTF_8)));
                sent.add(producer.send(record));
            }
            for (var one : sent) one.get();
        }
        return Map.of();
    }

    private static List<Object> told(ConsumerRecord<String, String> record) {
        var headers = new LinkedHashMap<String, String>();
        record.headers().forEach(one -> headers.put(one.key(), new String(one.value(), StandardCharsets.UTF_8)));
        var row = new ArrayList<Object>();
        row.add(record.offset());
        row.add(record.timestamp());
        row.add(record.key());
        row.add(record.value());
        row.add(headers);
        return row;
    }

    private Map<String, ?> consume(JsonNode asked) {
        var place = new TopicPartition(asked.get("topic").asText(), asked.get("partition").asInt());
        JsonNode from = asked.get("from");
        try (var consumer = consumer(new HashMap<>(Map.of("isolation.level", asked.get("isolation").asText())))) {
            consumer.assign(List.of(place));
            consumer.seek(place, from.has("offset") ? from.get("offset").asLong()
                : consumer.offsetsForTimes(Map.of(place, from.get("time").asLong())).get(place).offset());
            var read = new ArrayList<List<Object>>();
            while (true) {
                for (var record : consumer.poll(POLL)) {
                    read.add(told(record));
                    if (asked.get("until").asText().equals(record.value())) return Map.of("records", read);
                }
            }
        }
    }

    /** Tells what the member has at each change. */
    private static final class Told implements ConsumerRebalanceListener {
        private final TreeSet<Integer> mine = new TreeSet<>();

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> gained) {
            gained.forEach(one -> mine.add(one.partition()));
            Driver.tell(Map.of("assigned", mine));
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> lost) {
            lost.forEach(one -> mine.remove(one.partition()));
            Driver.tell(Map.of("assigned", mine));
        }
    }

    private Map<String, ?> join(JsonNode asked) {
        String group = asked.get("group").asText(), protocol = asked.get("protocol").asText();
        Map<String, Object> settings = protocol.equals("classic") ? classicMember(group) : new HashMap<>(Map.of("group.id", group));
        settings.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, protocol);
        memberConsumer = consumer(settings);
        memberConsumer.subscribe(List.of(asked.get("topic").asText()), new Told());
        member = new Thread(this::beMember);
        member.start();
        return Map.of();
    }

    private void beMember() {
        try (var consumer = memberConsumer) {
            while (!leaving) {
                var read = new ArrayList<List<Object>>();
                consumer.poll(POLL).forEach(record -> read.add(List.of(record.partition(), record.value())));
                if (read.isEmpty()) continue;
                Driver.tell(Map.of("read", read));
                try {
                    consumer.commitSync();
                } catch (RebalanceInProgressException | CommitFailedException refused) {
                    // The group is being shared out anew: what was read is read again.
                }
            }
        } catch (Exception error) {
            Driver.tell(Map.of("failed", error.toString()));
        }
    }

    private Map<String, ?> leave(JsonNode asked) throws Exception {
        leaving = true;
        member.join(60_000);
        return Map.of();
    }

    private Map<String, ?> open(String name, int timeoutMs) {
        transactional = producer(new HashMap<>(Map.of("transactional.id", name, "transaction.timeout.ms", timeoutMs)));
        transactional.initTransactions();
        return Map.of();
    }

    private Map<String, ?> send(JsonNode asked) throws Exception {
        var sent = new ArrayList<Future<RecordMetadata>>();
        for (JsonNode value : asked.get("values")) {
            sent.add(transactional.send(new ProducerRecord<>(asked.get("topic").asText(), asked.get("partition").asInt(), null,
                value.asText())));
        }
        for (var one : sent) one.get();
        return Map.of();
    }

    private Map<String, ?> copy(JsonNode asked) {
        var settings = classicMember(asked.get("group").asText());
        settings.put("max.poll.records", 20);
        try (var consumer = consumer(settings)) {
            consumer.subscribe(List.of(asked.get("source").asText()));
            open(asked.get("name").asText(), 60_000);
            int turn = 0;
            for (int left = asked.get("count").asInt(); left > 0; ) {
                var records = consumer.poll(POLL);
                if (records.isEmpty()) continue;
                transactional.beginTransaction();
                var offsets = new HashMap<TopicPartition, OffsetAndMetadata>();
                for (var record : records) {
                    transactional.send(new ProducerRecord<>(asked.get("target").asText(), record.partition(), record.key(),
                        record.value()));
                    offsets.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
                }
                transactional.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
                if (++turn % 3 == 0) {
                    transactional.abortTransaction();
                    consumer.committed(consumer.assignment()).forEach((place, committed) ->
                        consumer.seek(place, committed == null ? 0 : committed.offset()));
                } else {
                    transactional.commitTransaction();
                    left -= records.count();
                }
            }
        }
        return Map.of();
    }
}
