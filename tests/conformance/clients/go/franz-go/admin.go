package main

import (
	"context"
	"errors"

	"millrace.test/conformance/driver"

	"github.com/twmb/franz-go/pkg/kadm"
)

type adminVerb func(context.Context, *kadm.Client, *driver.Request) (driver.Answer, error)

func addAdmin(verbs map[string]driver.Verb, admin *kadm.Client) {
	for name, do := range map[string]adminVerb{
		"create_topic": createTopic, "topics": topics, "delete_topic": deleteTopic, "add_partitions": addPartitions,
		"offsets": offsets, "set_config": setConfig, "get_config": getConfig, "groups": groups,
		"describe_group": describeGroup, "committed": committed, "delete_group": deleteGroup, "delete_records": deleteRecords,
	} {
		verbs[name] = func(asked *driver.Request) (driver.Answer, error) {
			ctx, cancel := patient()
			defer cancel()
			return do(ctx, admin, asked)
		}
	}
}

func createTopic(ctx context.Context, admin *kadm.Client, asked *driver.Request) (driver.Answer, error) {
	_, err := admin.CreateTopic(ctx, asked.Partitions, 1, asked.Config, asked.Name)
	return nil, err
}

func topics(ctx context.Context, admin *kadm.Client, _ *driver.Request) (driver.Answer, error) {
	listed, err := admin.ListTopics(ctx)
	found := map[string]int{}
	for name, topic := range listed {
		found[name] = len(topic.Partitions)
	}
	return driver.Answer{"topics": found}, err
}

func deleteTopic(ctx context.Context, admin *kadm.Client, asked *driver.Request) (driver.Answer, error) {
	_, err := admin.DeleteTopic(ctx, asked.Name)
	return nil, err
}

func addPartitions(ctx context.Context, admin *kadm.Client, asked *driver.Request) (driver.Answer, error) {
	told, err := admin.UpdatePartitions(ctx, asked.Count, asked.Topic)
	return nil, errors.Join(err, told.Error())
}

func offsets(ctx context.Context, admin *kadm.Client, asked *driver.Request) (driver.Answer, error) {
	starts, first := admin.ListStartOffsets(ctx, asked.Topic)
	ends, second := admin.ListEndOffsets(ctx, asked.Topic)
	start, _ := starts.Lookup(asked.Topic, asked.Partition)
	end, _ := ends.Lookup(asked.Topic, asked.Partition)
	return driver.Answer{"earliest": start.Offset, "latest": end.Offset}, errors.Join(first, second, start.Err, end.Err)
}

func setConfig(ctx context.Context, admin *kadm.Client, asked *driver.Request) (driver.Answer, error) {
	change := kadm.AlterConfig{Op: kadm.SetConfig, Name: asked.Key, Value: &asked.Value}
	told, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{change}, asked.Topic)
	if err != nil {
		return nil, err
	}
	return nil, told[0].Err
}

func getConfig(ctx context.Context, admin *kadm.Client, asked *driver.Request) (driver.Answer, error) {
	told, err := admin.DescribeTopicConfigs(ctx, asked.Topic)
	if err != nil {
		return nil, err
	}
	for _, one := range told[0].Configs {
		if one.Key == asked.Key {
			return driver.Answer{"value": one.Value}, nil
		}
	}
	return nil, errors.Join(told[0].Err, errors.New("the answer lacks the key"))
}

func groups(ctx context.Context, admin *kadm.Client, _ *driver.Request) (driver.Answer, error) {
	listed, err := admin.ListGroups(ctx)
	return driver.Answer{"groups": listed.Groups()}, err
}

func describeGroup(ctx context.Context, admin *kadm.Client, asked *driver.Request) (driver.Answer, error) {
	told, err := admin.DescribeGroups(ctx, asked.Group)
	one := told[asked.Group]
	return driver.Answer{"state": one.State, "members": len(one.Members)}, errors.Join(err, one.Err)
}

func committed(ctx context.Context, admin *kadm.Client, asked *driver.Request) (driver.Answer, error) {
	told, err := admin.FetchOffsets(ctx, asked.Group)
	found := map[int32]int64{}
	for partition, one := range told[asked.Topic] {
		found[partition] = one.At
	}
	return driver.Answer{"offsets": found}, err
}

func deleteGroup(ctx context.Context, admin *kadm.Client, asked *driver.Request) (driver.Answer, error) {
	_, err := admin.DeleteGroup(ctx, asked.Group)
	return nil, err
}

func deleteRecords(ctx context.Context, admin *kadm.Client, asked *driver.Request) (driver.Answer, error) {
	var before kadm.Offsets
	before.AddOffset(asked.Topic, asked.Partition, asked.Offset, -1)
	told, err := admin.DeleteRecords(ctx, before)
	return nil, errors.Join(err, told[asked.Topic][asked.Partition].Err)
}
