package main

import (
	"errors"

	"millrace.test/conformance/driver"

	"github.com/segmentio/kafka-go"
)

func createTopic(asked *driver.Request) (driver.Answer, error) {
	topic := kafka.TopicConfig{Topic: asked.Name, NumPartitions: int(asked.Partitions), ReplicationFactor: 1}
	for key, value := range asked.Config {
		topic.ConfigEntries = append(topic.ConfigEntries, kafka.ConfigEntry{ConfigName: key, ConfigValue: *value})
	}
	ctx, cancel := patient()
	defer cancel()
	told, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
	if err != nil {
		return nil, err
	}
	return nil, told.Errors[asked.Name]
}

func topics(*driver.Request) (driver.Answer, error) {
	ctx, cancel := patient()
	defer cancel()
	told, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, err
	}
	found := map[string]int{}
	for _, topic := range told.Topics {
		found[topic.Name] = len(topic.Partitions)
	}
	return driver.Answer{"topics": found}, nil
}

func deleteTopic(asked *driver.Request) (driver.Answer, error) {
	ctx, cancel := patient()
	defer cancel()
	told, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{asked.Name}})
	if err != nil {
		return nil, err
	}
	return nil, told.Errors[asked.Name]
}

func addPartitions(asked *driver.Request) (driver.Answer, error) {
	ctx, cancel := patient()
	defer cancel()
	change := kafka.TopicPartitionsConfig{Name: asked.Topic, Count: int32(asked.Count)}
	told, err := client.CreatePartitions(ctx, &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{change}})
	if err != nil {
		return nil, err
	}
	return nil, told.Errors[asked.Topic]
}

func offsets(asked *driver.Request) (driver.Answer, error) {
	ctx, cancel := patient()
	defer cancel()
	partition := int(asked.Partition)
	told, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		asked.Topic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)}}})
	if err != nil {
		return nil, err
	}
	for _, one := range told.Topics[asked.Topic] {
		return driver.Answer{"earliest": one.FirstOffset, "latest": one.LastOffset}, one.Error
	}
	return nil, errors.New("the answer lacks the topic")
}

func setConfig(asked *driver.Request) (driver.Answer, error) {
	ctx, cancel := patient()
	defer cancel()
	change := kafka.IncrementalAlterConfigsRequestConfig{Name: asked.Key, Value: asked.Value, ConfigOperation: kafka.ConfigOperationSet}
	told, err := client.IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{{ResourceType: kafka.ResourceTypeTopic, ResourceName: asked.Topic,
			Configs: []kafka.IncrementalAlterConfigsRequestConfig{change}}}})
	if err != nil {
		return nil, err
	}
	return nil, told.Resources[0].Error
}

func getConfig(asked *driver.Request) (driver.Answer, error) {
	ctx, cancel := patient()
	defer cancel()
	told, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{
		{ResourceType: kafka.ResourceTypeTopic, ResourceName: asked.Topic, ConfigNames: []string{asked.Key}}}})
	if err != nil {
		return nil, err
	}
	for _, one := range told.Resources[0].ConfigEntries {
		return driver.Answer{"value": one.ConfigValue}, nil
	}
	return nil, errors.Join(told.Resources[0].Error, errors.New("the answer lacks the key"))
}

func groups(*driver.Request) (driver.Answer, error) {
	ctx, cancel := patient()
	defer cancel()
	told, err := client.ListGroups(ctx, &kafka.ListGroupsRequest{})
	if err != nil {
		return nil, err
	}
	found := []string{}
	for _, one := range told.Groups {
		found = append(found, one.GroupID)
	}
	return driver.Answer{"groups": found}, told.Error
}

func describeGroup(asked *driver.Request) (driver.Answer, error) {
	ctx, cancel := patient()
	defer cancel()
	told, err := client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{asked.Group}})
	if err != nil {
		return nil, err
	}
	one := told.Groups[0]
	return driver.Answer{"state": one.GroupState, "members": len(one.Members)}, one.Error
}

func committed(asked *driver.Request) (driver.Answer, error) {
	ctx, cancel := patient()
	defer cancel()
	told, err := client.ConsumerOffsets(ctx, kafka.TopicAndGroup{Topic: asked.Topic, GroupId: asked.Group})
	return driver.Answer{"offsets": told}, err
}

func deleteGroup(asked *driver.Request) (driver.Answer, error) {
	ctx, cancel := patient()
	defer cancel()
	told, err := client.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{asked.Group}})
	if err != nil {
		return nil, err
	}
	return nil, told.Errors[asked.Group]
}
