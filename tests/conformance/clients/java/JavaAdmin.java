import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/** The verbs of administration, by the Java AdminClient. */
final class JavaAdmin {
    private final Admin admin;

    private JavaAdmin(String address) {
        admin = Admin.create(Map.of("bootstrap.servers", address));
    }

    static void addTo(Map<String, Driver.Verb> verbs, String address) {
        var one = new JavaAdmin(address);
        verbs.put("create_topic", one::createTopic);
        verbs.put("topics", one::topics);
        verbs.put("delete_topic", one::deleteTopic);
        verbs.put("add_partitions", one::addPartitions);
        verbs.put("offsets", one::offsets);
        verbs.put("set_config", one::setConfig);
        verbs.put("get_config", one::getConfig);
        verbs.put("groups", one::groups);
        verbs.put("describe_group", one::describeGroup);
        verbs.put("committed", one::committed);
        verbs.put("delete_group", one::deleteGroup);
        verbs.put("delete_records", one::deleteRecords);
    }

    private Map<String, ?> createTopic(JsonNode asked) throws Exception {
        var config = new HashMap<String, String>();
        asked.get("config").fields().forEachRemaining(entry -> config.put(entry.getKey(), entry.getValue().asText()));
        var topic = new NewTopic(asked.get("name").asText(), Optional.of(asked.get("partitions").asInt()), Optional.empty());
        admin.createTopics(List.of(topic.configs(config))).all().get();
        return Map.of();
    }

    private Map<String, ?> topics(JsonNode asked) throws Exception {
        var names = admin.listTopics().names().get();
        var told = admin.describeTopics(names).allTopicNames().get();
        return Map.of("topics",
            told.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, one -> one.getValue().partitions().size())));
    }

    private Map<String, ?> deleteTopic(JsonNode asked) throws Exception {
        admin.deleteTopics(List.of(asked.get("name").asText())).all().get();
        return Map.of();
    }

    private Map<String, ?> addPartitions(JsonNode asked) throws Exception {
        admin.createPartitions(Map.of(asked.get("topic").asText(), NewPartitions.increaseTo(asked.get("count").asInt()))).all().get();
        return Map.of();
    }

    private long offset(TopicPartition place, OffsetSpec spec) throws Exception {
        return admin.listOffsets(Map.of(place, spec)).partitionResult(place).get().offset();
    }

    private Map<String, ?> offsets(JsonNode asked) throws Exception {
        var place = new TopicPartition(asked.get("topic").asText(), asked.get("partition").asInt());
        return Map.of("earliest", offset(place, OffsetSpec.earliest()), "latest", offset(place, OffsetSpec.latest()));
    }

    private static ConfigResource topicOf(JsonNode asked) {
        return new ConfigResource(ConfigResource.Type.TOPIC, asked.get("topic").asText());
    }

    private Map<String, ?> setConfig(JsonNode asked) throws Exception {
        var change = new AlterConfigOp(new ConfigEntry(asked.get("key").asText(), asked.get("value").asText()),
            AlterConfigOp.OpType.SET);
        admin.incrementalAlterConfigs(Map.of(topicOf(asked), List.of(change))).all().get();
        return Map.of();
    }

    private Map<String, ?> getConfig(JsonNode asked) throws Exception {
        var resource = topicOf(asked);
        return Map.of("value",
            admin.describeConfigs(List.of(resource)).all().get().get(resource).get(asked.get("key").asText()).value());
    }

    private Map<String, ?> groups(JsonNode asked) throws Exception {
        return Map.of("groups", admin.listGroups().all().get().stream().map(GroupListing::groupId).toList());
    }

    private Map<String, ?> describeGroup(JsonNode asked) throws Exception {
        String group = asked.get("group").asText();
        var told = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
        return Map.of("state", told.groupState().toString(), "members", told.members().size());
    }

    private Map<String, ?> committed(JsonNode asked) throws Exception {
        var offsets = new TreeMap<Integer, Long>();
        admin.listConsumerGroupOffsets(asked.get("group").asText()).partitionsToOffsetAndMetadata().get().forEach((place, one) -> {
            if (place.topic().equals(asked.get("topic").asText())) offsets.put(place.partition(), one.offset());
        });
        return Map.of("offsets", offsets);
    }

    private Map<String, ?> deleteGroup(JsonNode asked) throws Exception {
        admin.deleteConsumerGroups(List.of(asked.get("group").asText())).all().get();
        return Map.of();
    }

    private Map<String, ?> deleteRecords(JsonNode asked) throws Exception {
        var place = new TopicPartition(asked.get("topic").asText(), asked.get("partition").asInt());
        admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(asked.get("offset").asLong()))).all().get();
        return Map.of();
    }
}
