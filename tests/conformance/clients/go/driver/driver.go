// Package driver is what the drivers in Go share: the loop of requests and answers. drivers.py tells the protocol.
package driver

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
)

// Request has the fields of all verbs.
type Request struct {
	ID         int               `json:"id"`
	Do         string            `json:"do"`
	Topic      string            `json:"topic"`
	Partition  int32             `json:"partition"`
	Partitions int32             `json:"partitions"`
	Records    [][2]*string      `json:"records"`
	Headers    map[string]string `json:"headers"`
	Codec      string            `json:"codec"`
	Acks       string            `json:"acks"`
	Idempotent bool              `json:"idempotent"`
	From       struct {
		Offset *int64 `json:"offset"`
		Time   *int64 `json:"time"`
	} `json:"from"`
	Until     string             `json:"until"`
	Isolation string             `json:"isolation"`
	Group     string             `json:"group"`
	Protocol  string             `json:"protocol"`
	Name      string             `json:"name"`
	TimeoutMs int32              `json:"timeout_ms"`
	Values    []string           `json:"values"`
	Source    string             `json:"source"`
	Target    string             `json:"target"`
	Count     int                `json:"count"`
	Config    map[string]*string `json:"config"`
	Key       string             `json:"key"`
	Value     string             `json:"value"`
	Offset    int64              `json:"offset"`
}

// Answer is what a verb answers, or a part of it.
type Answer map[string]any

// Verb does what a request asks.
type Verb func(*Request) (Answer, error)

// Lacks is the error of a client that has no such thing.
type Lacks string

func (reason Lacks) Error() string { return string(reason) }

// Record is a record as `consume` tells it.
func Record(offset, time int64, key, value []byte, headers map[string]string) []any {
	return []any{offset, time, text(key), text(value), headers}
}

func text(data []byte) any {
	if data == nil {
		return nil
	}
	return string(data)
}

// Bytes is the other way round: a text that may be null.
func Bytes(words *string) []byte {
	if words == nil {
		return nil
	}
	return []byte(*words)
}

// Version is that of a module in this program, without its "v".
func Version(module string) string {
	build, _ := debug.ReadBuildInfo()
	for _, one := range build.Deps {
		if one.Path == module {
			return one.Version[1:]
		}
	}
	return "unknown"
}

var writing sync.Mutex

// Tell writes an event or an answer.
func Tell(what Answer) {
	line, err := json.Marshal(what)
	if err != nil {
		line = []byte(fmt.Sprintf(`{"failed": %q}`, err))
	}
	writing.Lock()
	defer writing.Unlock()
	os.Stdout.Write(append(line, '\n'))
}

// Read tells of one record that a member got.
func Read(partition int32, value []byte) {
	Tell(Answer{"read": [][]any{{partition, string(value)}}})
}

// Assigned tells which partitions a member has now.
func Assigned(partitions []int32) {
	Tell(Answer{"assigned": append([]int32{}, partitions...)})
}

// Serve answers the requests on standard input until it ends.
func Serve(verbs map[string]Verb) {
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var request Request
		if err := json.Unmarshal(line, &request); err != nil {
			Tell(Answer{"failed": err.Error()})
			continue
		}
		Tell(answer(verbs, &request))
	}
}

func answer(verbs map[string]Verb, request *Request) Answer {
	verb, known := verbs[request.Do]
	if !known {
		return Answer{"id": request.ID, "lacks": "it has no such call"}
	}
	answer, err := verb(request)
	if reason, lacks := err.(Lacks); lacks {
		return Answer{"id": request.ID, "lacks": string(reason)}
	}
	if err != nil {
		return Answer{"id": request.ID, "error": err.Error()}
	}
	if answer == nil {
		answer = Answer{}
	}
	return Answer{"id": request.ID, "ok": answer}
}
