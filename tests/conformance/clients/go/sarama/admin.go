package main

import (
	"errors"

	"millrace.test/conformance/driver"

	"github.com/IBM/sarama"
)

type adminVerb func(sarama.ClusterAdmin, *driver.Request) (driver.Answer, error)

// withAdmin makes a verb of what an administrator does.
func withAdmin(do adminVerb) driver.Verb {
	return func(asked *driver.Request) (driver.Answer, error) {
		admin, err := sarama.NewClusterAdmin(addresses, newConfig())
		if err != nil {
			return nil, err
		}
		defer admin.Close()
		return do(admin, asked)
	}
}

func createTopic(admin sarama.ClusterAdmin, asked *driver.Request) (driver.Answer, error) {
	detail := &sarama.TopicDetail{NumPartitions: asked.Partitions, ReplicationFactor: 1, ConfigEntries: asked.Config}
	return nil, admin.CreateTopic(asked.Name, detail, false)
}

func topics(admin sarama.ClusterAdmin, _ *driver.Request) (driver.Answer, error) {
	listed, err := admin.ListTopics()
	found := map[string]int32{}
	for name, topic := range listed {
		found[name] = topic.NumPartitions
	}
	return driver.Answer{"topics": found}, err
}

func deleteTopic(admin sarama.ClusterAdmin, asked *driver.Request) (driver.Answer, error) {
	return nil, admin.DeleteTopic(asked.Name)
}

func addPartitions(admin sarama.ClusterAdmin, asked *driver.Request) (driver.Answer, error) {
	return nil, admin.CreatePartitions(asked.Topic, int32(asked.Count), nil, false)
}

func offsets(asked *driver.Request) (driver.Answer, error) {
	client, err := sarama.NewClient(addresses, newConfig())
	if err != nil {
		return nil, err
	}
	defer client.Close()
	earliest, first := client.GetOffset(asked.Topic, asked.Partition, sarama.OffsetOldest)
	latest, second := client.GetOffset(asked.Topic, asked.Partition, sarama.OffsetNewest)
	return driver.Answer{"earliest": earliest, "latest": latest}, errors.Join(first, second)
}

func setConfig(admin sarama.ClusterAdmin, asked *driver.Request) (driver.Answer, error) {
	change := sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &asked.Value}
	return nil, admin.IncrementalAlterConfig(sarama.TopicResource, asked.Topic,
		map[string]sarama.IncrementalAlterConfigsEntry{asked.Key: change}, false)
}

func getConfig(admin sarama.ClusterAdmin, asked *driver.Request) (driver.Answer, error) {
	entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: asked.Topic,
		ConfigNames: []string{asked.Key}})
	for _, one := range entries {
		return driver.Answer{"value": one.Value}, err
	}
	return nil, errors.Join(err, errors.New("the answer lacks the key"))
}

func groups(admin sarama.ClusterAdmin, _ *driver.Request) (driver.Answer, error) {
	listed, err := admin.ListConsumerGroups()
	found := []string{}
	for name := range listed {
		found = append(found, name)
	}
	return driver.Answer{"groups": found}, err
}

func describeGroup(admin sarama.ClusterAdmin, asked *driver.Request) (driver.Answer, error) {
	told, err := admin.DescribeConsumerGroups([]string{asked.Group})
	if err != nil {
		return nil, err
	}
	return driver.Answer{"state": told[0].State, "members": len(told[0].Members)}, nil
}

func committed(admin sarama.ClusterAdmin, asked *driver.Request) (driver.Answer, error) {
	told, err := admin.ListConsumerGroupOffsetsBatch(map[string]map[string][]int32{asked.Group: nil})
	if err != nil {
		return nil, err
	}
	found := map[int32]int64{}
	for partition, block := range told[asked.Group].Blocks[asked.Topic] {
		found[partition] = block.Offset
	}
	return driver.Answer{"offsets": found}, nil
}

func deleteGroup(admin sarama.ClusterAdmin, asked *driver.Request) (driver.Answer, error) {
	return nil, admin.DeleteConsumerGroup(asked.Group)
}

func deleteRecords(admin sarama.ClusterAdmin, asked *driver.Request) (driver.Answer, error) {
	return nil, admin.DeleteRecords(asked.Topic, map[int32]int64{asked.Partition: asked.Offset})
}
