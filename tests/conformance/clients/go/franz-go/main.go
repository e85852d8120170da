// franz-go as a driver: see drivers.py.
package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"millrace.test/conformance/driver"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const patience = 100 * time.Second

var (
	codecs = map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	acks = map[string]kgo.Acks{"0": kgo.NoAck(), "1": kgo.LeaderAck(), "all": kgo.AllISRAcks()}

	producer *kgo.Client
	member   *kgo.Client
	stop     context.CancelFunc
	ended    chan struct{}
)

func newClient(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(options, kgo.SeedBrokers(os.Args[1]), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
}

func patient() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

func produce(asked *driver.Request) (driver.Answer, error) {
	options := []kgo.Opt{kgo.ProducerBatchCompression(codecs[asked.Codec]), kgo.RequiredAcks(acks[asked.Acks])}
	if !asked.Idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	client, err := newClient(options...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var records []*kgo.Record
	for _, pair := range asked.Records {
		record := &kgo.Record{Topic: asked.Topic, Partition: asked.Partition, Key: driver.Bytes(pair[0]), Value: driver.Bytes(pair[1])}
		for name, value := range asked.Headers {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
		records = append(records, record)
	}
	ctx, cancel := patient()
	defer cancel()
	return nil, client.ProduceSync(ctx, records...).FirstErr()
}

func consume(asked *driver.Request) (driver.Answer, error) {
	isolation := kgo.ReadUncommitted()
	if asked.Isolation == "read_committed" {
		isolation = kgo.ReadCommitted()
	}
	offset := kgo.NewOffset()
	if asked.From.Time != nil {
		offset = offset.AfterMilli(*asked.From.Time)
	} else {
		offset = offset.At(*asked.From.Offset)
	}
	client, err := newClient(kgo.FetchIsolationLevel(isolation), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{asked.Topic: {asked.Partition: offset}}))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := patient()
	defer cancel()
	var read [][]any
	for {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		for _, one := range fetches.Records() {
			headers := map[string]string{}
			for _, header := range one.Headers {
				headers[header.Key] = string(header.Value)
			}
			read = append(read, driver.Record(one.Offset, one.Timestamp.UnixMilli(), one.Key, one.Value, headers))
			if string(one.Value) == asked.Until {
				return driver.Answer{"records": read}, nil
			}
		}
	}
}

// assignment tells what a member has at each change.
type assignment struct {
	topic string
	lock  sync.Mutex
	mine  []int32
}

func (one *assignment) gained(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	one.lock.Lock()
	defer one.lock.Unlock()
	one.mine = append(one.mine, partitions[one.topic]...)
	driver.Assigned(one.mine)
}

func (one *assignment) lost(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	one.lock.Lock()
	defer one.lock.Unlock()
	one.mine = slices.DeleteFunc(one.mine, func(mine int32) bool { return slices.Contains(partitions[one.topic], mine) })
	driver.Assigned(one.mine)
}

func membership(group, topic string) []kgo.Opt {
	return []kgo.Opt{kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(100 * time.Millisecond), kgo.SessionTimeout(6 * time.Second), kgo.HeartbeatInterval(500 * time.Millisecond)}
}

func join(asked *driver.Request) (driver.Answer, error) {
	mine := &assignment{topic: asked.Topic}
	options := append(membership(asked.Group, asked.Topic), kgo.DisableAutoCommit(), kgo.OnPartitionsAssigned(mine.gained),
		kgo.OnPartitionsRevoked(mine.lost), kgo.OnPartitionsLost(mine.lost))
	if asked.Protocol == "consumer" {
		options = append(options, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	}
	var err error
	if member, err = newClient(options...); err != nil {
		return nil, err
	}
	var ctx context.Context
	ctx, stop = context.WithCancel(context.Background())
	ended = make(chan struct{})
	go beMember(ctx)
	return nil, nil
}

// What a commit may meet while the group is shared out anew: what was read is then read again.
var rebalancing = []error{kerr.RebalanceInProgress, kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.StaleMemberEpoch}

func beMember(ctx context.Context) {
	defer close(ended)
	for ctx.Err() == nil {
		fetches := member.PollFetches(ctx)
		if err := fetches.Err(); err != nil && ctx.Err() == nil {
			driver.Tell(driver.Answer{"failed": err.Error()})
			return
		}
		records := fetches.Records()
		if len(records) == 0 {
			continue
		}
		for _, one := range records {
			driver.Read(one.Partition, one.Value)
		}
		err := member.CommitRecords(context.Background(), records...)
		if err != nil && !slices.ContainsFunc(rebalancing, func(known error) bool { return errors.Is(err, known) }) {
			driver.Tell(driver.Answer{"failed": err.Error()})
			return
		}
	}
}

func leave(*driver.Request) (driver.Answer, error) {
	stop()
	<-ended
	member.Close()
	return nil, nil
}

func transactional(asked *driver.Request) []kgo.Opt {
	return []kgo.Opt{kgo.TransactionalID(asked.Name), kgo.TransactionTimeout(time.Duration(asked.TimeoutMs) * time.Millisecond)}
}

func open(asked *driver.Request) (driver.Answer, error) {
	var err error
	producer, err = newClient(transactional(asked)...)
	return nil, err
}

func begin(*driver.Request) (driver.Answer, error) { return nil, producer.BeginTransaction() }

func send(asked *driver.Request) (driver.Answer, error) {
	var records []*kgo.Record
	for _, value := range asked.Values {
		records = append(records, &kgo.Record{Topic: asked.Topic, Partition: asked.Partition, Value: []byte(value)})
	}
	ctx, cancel := patient()
	defer cancel()
	return nil, producer.ProduceSync(ctx, records...).FirstErr()
}

func end(how kgo.TransactionEndTry) driver.Verb {
	return func(*driver.Request) (driver.Answer, error) {
		ctx, cancel := patient()
		defer cancel()
		return nil, errors.Join(producer.Flush(ctx), producer.EndTransaction(ctx, how))
	}
}

func copyAll(asked *driver.Request) (driver.Answer, error) {
	asked.TimeoutMs = 60000
	options := append(transactional(asked), membership(asked.Group, asked.Source)...)
	session, err := kgo.NewGroupTransactSession(append(options, kgo.SeedBrokers(os.Args[1]),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	ctx, cancel := patient()
	defer cancel()
	turn := 0
	for left := asked.Count; left > 0; {
		fetches := session.PollRecords(ctx, 20)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		records := fetches.Records()
		if len(records) == 0 {
			continue
		}
		if err := session.Begin(); err != nil {
			return nil, err
		}
		failed := kgo.AbortingFirstErrPromise(session.Client())
		for _, one := range records {
			session.Produce(ctx, &kgo.Record{Topic: asked.Target, Partition: one.Partition, Key: one.Key, Value: one.Value},
				failed.Promise())
		}
		turn++
		committed, err := session.End(ctx, kgo.TransactionEndTry(failed.Err() == nil && turn%3 != 0))
		if err != nil {
			return nil, err
		}
		if committed {
			left -= len(records)
		}
	}
	return nil, nil
}

func main() {
	verbs := map[string]driver.Verb{
		"hello": func(*driver.Request) (driver.Answer, error) {
			return driver.Answer{"version": driver.Version("github.com/twmb/franz-go")}, nil
		},
		"produce": produce, "consume": consume, "join": join, "leave": leave, "open": open, "begin": begin, "send": send,
		"commit": end(kgo.TryCommit), "abort": end(kgo.TryAbort), "copy": copyAll,
	}
	client, err := newClient()
	if err != nil {
		panic(err)
	}
	addAdmin(verbs, kadm.NewClient(client))
	driver.Serve(verbs)
}
