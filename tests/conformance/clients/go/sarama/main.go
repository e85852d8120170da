// sarama as a driver: see drivers.py.
package main

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"millrace.test/conformance/driver"

	"github.com/IBM/sarama"
)

var (
	addresses = []string{os.Args[1]}
	codecs    = map[string]sarama.CompressionCodec{"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP,
		"snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD}
	acks = map[string]sarama.RequiredAcks{"0": sarama.NoResponse, "1": sarama.WaitForLocal, "all": sarama.WaitForAll}

	producer sarama.SyncProducer
	group    sarama.ConsumerGroup
	stop     context.CancelFunc
	ended    chan struct{}
)

func newConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Producer.Return.Successes = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Consumer.Group.Session.Timeout = 6 * time.Second
	config.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	return config
}

func message(topic string, partition int32, key, value *string) *sarama.ProducerMessage {
	one := &sarama.ProducerMessage{Topic: topic, Partition: partition}
	if key != nil {
		one.Key = sarama.StringEncoder(*key)
	}
	if value != nil {
		one.Value = sarama.StringEncoder(*value)
	}
	return one
}

func produce(asked *driver.Request) (driver.Answer, error) {
	config := newConfig()
	config.Producer.Compression = codecs[asked.Codec]
	config.Producer.RequiredAcks = acks[asked.Acks]
	if asked.Idempotent {
		config.Producer.Idempotent = true
		config.Net.MaxOpenRequests = 1
	}
	one, err := sarama.NewSyncProducer(addresses, config)
	if err != nil {
		return nil, err
	}
	var messages []*sarama.ProducerMessage
	for _, record := range asked.Records {
		next := message(asked.Topic, asked.Partition, record[0], record[1])
		for name, value := range asked.Headers {
			next.Headers = append(next.Headers, sarama.RecordHeader{Key: []byte(name), Value: []byte(value)})
		}
		messages = append(messages, next)
	}
	return nil, errors.Join(one.SendMessages(messages), one.Close())
}

// startOf is the offset that a request's `from` means.
func startOf(client sarama.Client, asked *driver.Request) (int64, error) {
	if asked.From.Time != nil {
		return client.GetOffset(asked.Topic, asked.Partition, *asked.From.Time)
	}
	return *asked.From.Offset, nil
}

func consume(asked *driver.Request) (driver.Answer, error) {
	config := newConfig()
	if asked.Isolation == "read_committed" {
		config.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	client, err := sarama.NewClient(addresses, config)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	offset, err := startOf(client, asked)
	if err != nil {
		return nil, err
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(asked.Topic, asked.Partition, offset)
	if err != nil {
		return nil, err
	}
	defer partition.Close()
	var read [][]any
	for one := range partition.Messages() {
		headers := map[string]string{}
		for _, header := range one.Headers {
			headers[string(header.Key)] = string(header.Value)
		}
		read = append(read, driver.Record(one.Offset, one.Timestamp.UnixMilli(), one.Key, one.Value, headers))
		if string(one.Value) == asked.Until {
			return driver.Answer{"records": read}, nil
		}
	}
	return nil, errors.New("the consumer ended")
}

// member tells what it has and what it reads, and commits each record.
type member struct{ topic string }

func (one member) Setup(session sarama.ConsumerGroupSession) error {
	driver.Assigned(session.Claims()[one.topic])
	return nil
}

func (member) Cleanup(sarama.ConsumerGroupSession) error {
	driver.Assigned(nil)
	return nil
}

func (member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case one, open := <-claim.Messages():
			if !open {
				return nil
			}
			driver.Read(one.Partition, one.Value)
			session.MarkMessage(one, "")
			session.Commit()
		case <-session.Context().Done():
			return nil
		}
	}
}

func join(asked *driver.Request) (driver.Answer, error) {
	if asked.Protocol != "classic" {
		return nil, driver.Lacks("it does not speak that protocol")
	}
	var err error
	if group, err = sarama.NewConsumerGroup(addresses, asked.Group, newConfig()); err != nil {
		return nil, err
	}
	var ctx context.Context
	ctx, stop = context.WithCancel(context.Background())
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			if err := group.Consume(ctx, []string{asked.Topic}, member{asked.Topic}); err != nil && ctx.Err() == nil {
				driver.Tell(driver.Answer{"failed": err.Error()})
				return
			}
		}
	}()
	return nil, nil
}

func leave(*driver.Request) (driver.Answer, error) {
	stop()
	<-ended
	return nil, group.Close()
}

func open(asked *driver.Request) (driver.Answer, error) {
	config := newConfig()
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Transaction.ID = asked.Name
	config.Producer.Transaction.Timeout = time.Duration(asked.TimeoutMs) * time.Millisecond
	var err error
	producer, err = sarama.NewSyncProducer(addresses, config)
	return nil, err
}

func begin(*driver.Request) (driver.Answer, error)  { return nil, producer.BeginTxn() }
func commit(*driver.Request) (driver.Answer, error) { return nil, producer.CommitTxn() }
func abort(*driver.Request) (driver.Answer, error)  { return nil, producer.AbortTxn() }

func send(asked *driver.Request) (driver.Answer, error) {
	var messages []*sarama.ProducerMessage
	for at := range asked.Values {
		messages = append(messages, message(asked.Topic, asked.Partition, nil, &asked.Values[at]))
	}
	return nil, producer.SendMessages(messages)
}

// copier moves records in transactions. After an aborted one its session ends: the next begins where the group committed.
type copier struct {
	asked *driver.Request
	lock  sync.Mutex // its claims share one producer
	turn  int
	left  int
	done  context.CancelFunc
}

func (*copier) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*copier) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (one *copier) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	var lot []*sarama.ConsumerMessage
	for {
		select {
		case next, open := <-claim.Messages():
			if !open {
				return nil
			}
			if lot = append(lot, next); len(lot) < 20 && next.Offset+1 < claim.HighWaterMarkOffset() {
				continue
			}
			aborted, err := one.move(session, lot)
			if aborted || err != nil {
				return err
			}
			lot = nil
		case <-session.Context().Done():
			return nil
		}
	}
}

func (one *copier) move(session sarama.ConsumerGroupSession, lot []*sarama.ConsumerMessage) (aborted bool, err error) {
	one.lock.Lock()
	defer one.lock.Unlock()
	if session.Context().Err() != nil {
		return true, nil // The other claim has ended the session: these come again.
	}
	if err := producer.BeginTxn(); err != nil {
		return false, err
	}
	var messages []*sarama.ProducerMessage
	for _, next := range lot {
		value := string(next.Value)
		messages = append(messages, message(one.asked.Target, next.Partition, nil, &value))
		if err := producer.AddMessageToTxn(next, one.asked.Group, nil); err != nil {
			return false, err
		}
	}
	if err := producer.SendMessages(messages); err != nil {
		return false, err
	}
	if one.turn++; one.turn%3 == 0 {
		return true, producer.AbortTxn()
	}
	if err := producer.CommitTxn(); err != nil {
		return false, err
	}
	if one.left -= len(lot); one.left <= 0 {
		one.done()
	}
	return false, nil
}

func copyAll(asked *driver.Request) (driver.Answer, error) {
	asked.TimeoutMs = 60000
	if _, err := open(asked); err != nil {
		return nil, err
	}
	from, err := sarama.NewConsumerGroup(addresses, asked.Group, newConfig())
	if err != nil {
		return nil, err
	}
	ctx, done := context.WithTimeout(context.Background(), 100*time.Second)
	defer done()
	work := &copier{asked: asked, left: asked.Count, done: done}
	for ctx.Err() == nil {
		if err := from.Consume(ctx, []string{asked.Source}, work); err != nil && ctx.Err() == nil {
			return nil, err
		}
	}
	if work.left > 0 {
		return nil, context.DeadlineExceeded
	}
	return nil, errors.Join(from.Close(), producer.Close())
}

func main() {
	driver.Serve(map[string]driver.Verb{
		"hello": func(*driver.Request) (driver.Answer, error) {
			return driver.Answer{"version": driver.Version("github.com/IBM/sarama")}, nil
		},
		"produce": produce, "consume": consume, "join": join, "leave": leave,
		"open": open, "begin": begin, "send": send, "commit": commit, "abort": abort, "copy": copyAll,
		"create_topic": withAdmin(createTopic), "topics": withAdmin(topics), "delete_topic": withAdmin(deleteTopic),
		"add_partitions": withAdmin(addPartitions), "offsets": offsets, "set_config": withAdmin(setConfig),
		"get_config": withAdmin(getConfig), "groups": withAdmin(groups), "describe_group": withAdmin(describeGroup),
		"committed": withAdmin(committed), "delete_group": withAdmin(deleteGroup), "delete_records": withAdmin(deleteRecords),
	})
}
