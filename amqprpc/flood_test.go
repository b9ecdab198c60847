package amqprpc_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// floodReplies is how many foreign replies TestFlood sends. A million passes too;
// it only takes longer.
const floodReplies = 100_000

// A flood of replies that nobody asked for costs a client no memory that stays, and
// no call.
func TestFlood(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	serve(t, &amqprpc.Server{Broker: at(url), Queue: queue, Prefetch: 64})
	told := newTally()
	c := dial(t, amqprpc.Config{Broker: at(url), Queue: queue, Observer: told})
	if _, err := c.Call(context.Background(), amqprpc.Request{}); err != nil {
		t.Fatal(err)
	}
	ch, callback := foreign(t, url), c.CallbackQueue()
	before := heap()

	var flooding atomic.Bool
	flooding.Store(true)
	var workers sync.WaitGroup
	var calls atomic.Int64
	for range 4 {
		workers.Go(func() {
			for flooding.Load() {
				if _, err := c.Call(context.Background(), amqprpc.Request{Body: []byte("real")}); err != nil {
					t.Error(err)
					return
				}
				calls.Add(1)
			}
		})
	}
	body := make([]byte, 100)
	for i := range floodReplies {
		id := hostileIDs[i%len(hostileIDs)]
		if i%2 == 0 {
			id = fmt.Sprint("foreign-", i)
		}
		if err := ch.PublishWithContext(context.Background(), "", callback, false, false, amqp.Publishing{CorrelationId: id, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	told.until(t, "all of the flood", replies(amqprpc.Unknown, floodReplies))
	flooding.Store(false)
	workers.Wait()
	after := heap()
	t.Logf("%d replies, %d calls meanwhile; heap %d KB before, %d KB after", floodReplies, calls.Load(), before>>10, after>>10)
	// Each remembered call costs about 200 bytes; unknown replies nothing.
	if grown := after - before; grown > 8<<20+400*calls.Load() {
		t.Errorf("the heap has grown by %d KB", grown>>10)
	}
	if got := told.count(func(t *tally) int { return t.classes[amqprpc.Unknown] }); got != floodReplies {
		t.Errorf("%d unknown replies, %d were sent", got, floodReplies)
	}
	told.check(t)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
