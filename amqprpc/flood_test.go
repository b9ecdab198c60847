package amqprpc_test

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// floodReplies is how many foreign replies TestUnknownRepliesHoldNoMemory sends. A million passes too; it only takes longer.
const floodReplies = 100_000

// A flood of unknown replies costs a client no memory that stays, and no call.
func TestUnknownRepliesHoldNoMemory(t *testing.T) {
	brokertest.SkipIfShort(t)
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Prefetch: 64})
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, Observer: observed})
	if _, err := c.Call(context.Background(), amqprpc.Request{}); err != nil {
		t.Fatal(err)
	}
	ch, callback := openChannel(t, url), callbackQueue(c)
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
	observed.until(t, "all of the flood", replies(amqprpc.Unknown, floodReplies))
	flooding.Store(false)
	workers.Wait()
	after := heap()
	t.Logf("%d replies, %d calls meanwhile; heap %d KB before, %d KB after", floodReplies, calls.Load(), before>>10, after>>10)
	// Each remembered call costs about 200 bytes; unknown replies nothing.
	if grown := after - before; grown > 8<<20+400*calls.Load() {
		t.Errorf("the heap has grown by %d KB", grown>>10)
	}
	if got := observed.count(func(t *tally) int { return t.classes[amqprpc.Unknown] }); got != floodReplies {
		t.Errorf("%d unknown replies, %d were sent", got, floodReplies)
	}
	observed.check(t)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A countedConn counts the bytes that are read from it.
type countedConn struct {
	net.Conn
	read *atomic.Int64
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// Replies that come faster than they are looked at stay out of the client.
func TestRepliesWaitAtTheBroker(t *testing.T) {
	const replies, size = 2000, 10_000 // 20 MB
	url := brokertest.Shared(t).URL()
	ch := openChannel(t, url)
	if err := ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	var read, seen atomic.Int64
	blocked, unblock := make(chan struct{}), make(chan struct{})
	all := make(chan struct{})
	c := dial(t, amqprpc.Config{
		ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return countedConn{conn, &read}, err
		}},
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			if e.Kind != amqprpc.EventReply {
				return
			}
			switch seen.Add(1) {
			case 1:
				close(blocked)
				<-unblock
			case replies:
				close(all)
			}
		}),
	})
	callback := callbackQueue(c)
	var last *amqp.DeferredConfirmation
	for i := range replies {
		var err error
		if last, err = ch.PublishWithDeferredConfirm("", callback, false, false, amqp.Publishing{CorrelationId: fmt.Sprint(i), Body: make([]byte, size)}); err != nil {
			t.Fatal(err)
		}
	}
	for what, happened := range map[string]<-chan struct{}{"a reply": blocked, "the last confirm": last.Done()} {
		select {
		case <-happened:
		case <-time.After(testTimeout):
			t.Fatalf("no sign of %s", what)
		}
	}
	if n := read.Load(); n > 1<<20 {
		t.Errorf("%d KB were read, of %d that are there", n>>10, replies*size>>10)
	}
	close(unblock)
	select {
	case <-all:
	case <-time.After(testTimeout):
		t.Fatalf("%d replies seen, of %d", seen.Load(), replies)
	}
}

// An idle server keeps no request or reply in memory.
func TestIdleServerKeepsNoReply(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	freed := make(chan struct{})
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Handler: func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
		body := make([]byte, 4<<10)
		runtime.AddCleanup(&body[0], func(freed chan struct{}) { close(freed) }, freed)
		return amqprpc.Response{Body: body}, nil
	}})
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue})
	if _, err := c.Call(context.Background(), amqprpc.Request{}); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(testTimeout); ; {
		runtime.GC()
		select {
		case <-freed:
			return
		case <-tick.C:
		case <-late:
			t.Fatal("the reply is kept")
		}
	}
}
