package amqprpc_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// If Close is called among calls, each has one outcome, no event comes after it, and no goroutine is left.
func TestCloseAmongCalls(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	brokertest.NoLeaks(t)
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Prefetch: 64})
	for _, room := range []int{4, 1000} {
		observed := newTally()
		var closed atomic.Bool
		c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, MaxInFlight: room, Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			if closed.Load() {
				t.Errorf("after Close: %v of %s", e.Kind, e.ID)
			}
			observed.Observe(e)
		})})
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				for {
					if _, err := c.Go(context.Background(), amqprpc.Request{}).Result(); err != nil {
						wantIs(t, err, amqprpc.ErrClosed)
						return
					}
				}
			})
		}
		observed.until(t, "some answers", replies(amqprpc.Answer, 100))
		for range 3 {
			wg.Go(func() {
				within(t, "Close", func() {
					if err := c.Close(); err != nil {
						t.Error(err)
					}
				})
				closed.Store(true)
			})
		}
		wg.Wait()
		observed.check(t)
		if n := c.InFlight(); n != 0 {
			t.Errorf("%d calls in flight", n)
		}
		_, err := c.Call(context.Background(), amqprpc.Request{})
		wantIs(t, err, amqprpc.ErrClosed, amqprpc.ErrNotExecuted)
		_, err = c.QueueStats(context.Background(), queue)
		wantIs(t, err, amqprpc.ErrClosed)
		c.DropConnection() // does nothing
		if name := callbackQueue(c); name != "" {
			t.Errorf("the callback queue is %q", name)
		}
	}
}

// Close ends the reconnect attempts of a client.
func TestCloseWhileDisconnected(t *testing.T) {
	t.Parallel()
	node := brokertest.Own(t)
	brokertest.NoLeaks(t)
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(node.URL()), Queue: "q", Observer: observed})
	node.Kill()
	observed.until(t, "reconnecting", seen(amqprpc.EventReconnecting, 2))
	call := c.Go(context.Background(), amqprpc.Request{})
	within(t, "Close while disconnected", func() { c.Close() })
	_, err := call.Result()
	wantIs(t, err, amqprpc.ErrClosed, amqprpc.ErrNotExecuted)
	observed.check(t)
}

func TestQueueStatsCostNoConnection(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	declare(t, url, queue)
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, Observer: observed})
	c.Go(context.Background(), amqprpc.Request{})
	observed.until(t, "confirmed", seen(amqprpc.EventConfirmed, 1))
	if got, err := c.QueueStats(context.Background(), queue); err != nil || got != (amqprpc.QueueStats{Ready: 1}) {
		t.Errorf("%+v, %v", got, err)
	}
	for range 3 { // a missing queue costs a channel, not the connection
		_, err := c.QueueStats(context.Background(), queue+"-missing")
		wantIs(t, err, amqprpc.ErrUnroutable)
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.QueueStats(canceled, queue); err != nil {
		wantIs(t, err, context.Canceled)
	}
	if n := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventDisconnected] }); n != 0 {
		t.Errorf("%d connections lost", n)
	}
}

// Close ends calls of QueueStats that a broker does not answer, and leaves no goroutine of theirs.
func TestCloseEndsQueueStats(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	node := brokertest.Own(t)
	for _, asked := range []bool{false, true} { // whether the second connection is open
		c := dial(t, amqprpc.Config{ConnConfig: at(node.URL())})
		if asked {
			_, err := c.QueueStats(t.Context(), "missing")
			wantIs(t, err, amqprpc.ErrUnroutable)
		}
		brokertest.NoLeaks(t)
		if err := node.Freeze(); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		ended := make(chan error, 100)
		own := callbackQueue(c)
		for _, queue := range []string{"missing", "missing", own, own} {
			wg.Go(func() {
				_, err := c.QueueStats(context.Background(), queue)
				ended <- err
			})
		}
		short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := c.QueueStats(short, "missing") // its goroutine may wait for the broker
		wantIs(t, err, context.DeadlineExceeded)
		within(t, "Close", func() { c.Close() })
		within(t, "questions", wg.Wait)
		for range 4 {
			if err := <-ended; !errors.Is(err, amqprpc.ErrConnectionLost) && !errors.Is(err, amqprpc.ErrClosed) {
				t.Error(err)
			}
		}
		if err := node.Thaw(); err != nil {
			t.Fatal(err)
		}
	}
}
