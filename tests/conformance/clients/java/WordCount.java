import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Produced;

/**
 * One instance of a Kafka Streams application that counts words, exactly once: WordCount ID SOURCE TARGET STATE_FOLDER HOST:PORT.
 * It tells its state as it changes, and ends when its input does.
 */
public final class WordCount {
    public static void main(String[] args) throws Exception {
        var builder = new StreamsBuilder();
        builder.stream(args[1], Consumed.with(Serdes.String(), Serdes.String()))
            .flatMapValues(line -> Arrays.asList(line.split(" ")))
            .groupBy((key, word) -> word, Grouped.with(Serdes.String(), Serdes.String()))
            .count()
            .toStream()
            .mapValues(count -> Long.toString(count))
            .to(args[2], Produced.with(Serdes.String(), Serdes.String()));
        var config = new Properties();
        config.putAll(Map.of("bootstrap.servers", args[4], "application.id", args[0], "state.dir", args[3],
            "processing.guarantee", "exactly_once_v2", "commit.interval.ms", "100", "num.stream.threads", "2"));
        config.putAll(Map.of("consumer.auto.offset.reset", "earliest", "consumer.session.timeout.ms", "6000",
            "consumer.heartbeat.interval.ms", "500", "producer.transaction.timeout.ms", "5000"));
        var streams = new KafkaStreams(builder.build(), config);
        streams.setStateListener((now, before) -> Driver.tell(Map.of("state", now.toString())));
        streams.setUncaughtExceptionHandler(error -> {
            Driver.tell(Map.of("failed", error.toString()));
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.REPLACE_THREAD;
        });
        streams.start();
        while (System.in.read() >= 0) { }
        streams.close(Duration.ofSeconds(30));
        System.exit(0);
    }

    private WordCount() {}
}
