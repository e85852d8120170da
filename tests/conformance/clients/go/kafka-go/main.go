// kafka-go as a driver: see drivers.py.
package main

import (
	"context"
	"errors"
	"os"
	"time"

	"millrace.test/conformance/driver"

	"github.com/segmentio/kafka-go"
)

const patience = 60 * time.Second

var (
	address = os.Args[1]
	client  = &kafka.Client{Addr: kafka.TCP(address), Timeout: patience}
	codecs  = map[string]kafka.Compression{"gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd}
	acks    = map[string]kafka.RequiredAcks{"0": kafka.RequireNone, "1": kafka.RequireOne, "all": kafka.RequireAll}
	group   *kafka.ConsumerGroup
	ended   chan struct{}
)

func patient() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

func produce(asked *driver.Request) (driver.Answer, error) {
	if asked.Idempotent {
		return nil, driver.Lacks("its producer is never idempotent")
	}
	writer := &kafka.Writer{
		Addr: kafka.TCP(address), Topic: asked.Topic, RequiredAcks: acks[asked.Acks], Compression: codecs[asked.Codec],
		BatchTimeout: 5 * time.Millisecond, BatchSize: 500,
		Balancer: kafka.BalancerFunc(func(kafka.Message, ...int) int { return int(asked.Partition) }),
	}
	var messages []kafka.Message
	for _, record := range asked.Records {
		message := kafka.Message{Key: driver.Bytes(record[0]), Value: driver.Bytes(record[1])}
		for name, value := range asked.Headers {
			message.Headers = append(message.Headers, kafka.Header{Key: name, Value: []byte(value)})
		}
		messages = append(messages, message)
	}
	ctx, cancel := patient()
	defer cancel()
	return nil, errors.Join(writer.WriteMessages(ctx, messages...), writer.Close())
}

func newReader(topic string, partition int, isolation kafka.IsolationLevel) *kafka.Reader {
	return kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{address}, Topic: topic, Partition: partition, MaxWait: 100 * time.Millisecond,
		MaxBytes: 10 << 20, IsolationLevel: isolation,
	})
}

func consume(asked *driver.Request) (driver.Answer, error) {
	isolation := kafka.ReadUncommitted
	if asked.Isolation == "read_committed" {
		isolation = kafka.ReadCommitted
	}
	reader := newReader(asked.Topic, int(asked.Partition), isolation)
	defer reader.Close()
	ctx, cancel := patient()
	defer cancel()
	var err error
	if asked.From.Time != nil {
		err = reader.SetOffsetAt(ctx, time.UnixMilli(*asked.From.Time))
	} else {
		err = reader.SetOffset(*asked.From.Offset)
	}
	var read [][]any
	for err == nil {
		var message kafka.Message
		if message, err = reader.ReadMessage(ctx); err != nil {
			break
		}
		headers := map[string]string{}
		for _, one := range message.Headers {
			headers[one.Key] = string(one.Value)
		}
		read = append(read, driver.Record(message.Offset, message.Time.UnixMilli(), message.Key, message.Value, headers))
		if string(message.Value) == asked.Until {
			return driver.Answer{"records": read}, nil
		}
	}
	return nil, err
}

func join(asked *driver.Request) (driver.Answer, error) {
	if asked.Protocol != "classic" {
		return nil, driver.Lacks("it does not speak that protocol")
	}
	var err error
	group, err = kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: asked.Group, Brokers: []string{address}, Topics: []string{asked.Topic}, StartOffset: kafka.FirstOffset,
		HeartbeatInterval: 500 * time.Millisecond, SessionTimeout: 6 * time.Second, JoinGroupBackoff: 200 * time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	ended = make(chan struct{})
	go beMember(asked.Topic)
	return nil, nil
}

// beMember lives through the generations of the group, as long as it is not closed.
func beMember(topic string) {
	defer close(ended)
	for {
		generation, err := group.Next(context.Background())
		if errors.Is(err, kafka.ErrGroupClosed) {
			return
		}
		if err != nil {
			continue // It could not join yet, and tries again by itself.
		}
		mine := []int32{}
		for _, one := range generation.Assignments[topic] {
			mine = append(mine, int32(one.ID))
			partition := one
			generation.Start(func(ctx context.Context) { readPartition(ctx, generation, topic, partition) })
		}
		generation.Start(func(ctx context.Context) {
			<-ctx.Done()
			driver.Assigned(nil)
		})
		driver.Assigned(mine)
	}
}

func readPartition(ctx context.Context, generation *kafka.Generation, topic string, assigned kafka.PartitionAssignment) {
	reader := newReader(topic, assigned.ID, kafka.ReadUncommitted)
	defer reader.Close()
	err := reader.SetOffset(assigned.Offset)
	for err == nil {
		var message kafka.Message
		if message, err = reader.ReadMessage(ctx); err == nil {
			driver.Read(int32(assigned.ID), message.Value)
			err = generation.CommitOffsets(map[string]map[int]int64{topic: {assigned.ID: message.Offset + 1}})
		}
	}
}

func leave(*driver.Request) (driver.Answer, error) {
	err := group.Close()
	<-ended
	return nil, err
}

func main() {
	verbs := map[string]driver.Verb{
		"hello": func(*driver.Request) (driver.Answer, error) {
			return driver.Answer{"version": driver.Version("github.com/segmentio/kafka-go")}, nil
		},
		"produce": produce, "consume": consume, "join": join, "leave": leave,
		"create_topic": createTopic, "topics": topics, "delete_topic": deleteTopic, "add_partitions": addPartitions,
		"offsets": offsets, "set_config": setConfig, "get_config": getConfig, "groups": groups,
		"describe_group": describeGroup, "committed": committed, "delete_group": deleteGroup,
	}
	for _, verb := range []string{"open", "begin", "send", "commit", "abort", "copy"} {
		verbs[verb] = func(*driver.Request) (driver.Answer, error) {
			return nil, driver.Lacks("it has the requests of transactions, and no producer that uses them")
		}
	}
	driver.Serve(verbs)
}
