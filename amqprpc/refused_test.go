package amqprpc_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// If the broker refuses everything for a while, the client reconnects. Calls that were nacked end as rejected, and are
// retried as always. One that was published and not yet nacked then is lost. An ack resets the count.
func TestClientReconnectsIfAllIsRefused(t *testing.T) {
	t.Parallel()
	url := brokertest.OnRabbitMQ(t).URL()
	queue := fullQueue(t, url)
	fill := func() { // by somebody else: the client has nothing to wait for
		withChannel(t, url, func(ch *amqp.Channel) error {
			if err := ch.Confirm(false); err != nil {
				return err
			}
			confirm, err := ch.PublishWithDeferredConfirm("", queue, true, false, amqp.Publishing{})
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
			defer cancel()
			if acked, err := confirm.WaitContext(ctx); err != nil || !acked {
				return errors.Join(errors.New("the queue does not even take the first message"), err)
			}
			return nil
		})
	}
	observed := newStoryTally()
	gaveUp := make(chan string, 100)
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, Timeout: 2 * testTimeout, Retry: amqprpc.Retry{Attempts: -1, Backoff: quick}, Backoff: quick,
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			observed.Observe(e)
			if e.Kind == amqprpc.EventDisconnected {
				gaveUp <- e.Text
			}
		})})
	for range 2 {
		fill()
		retried := c.Go(context.Background(), amqprpc.Request{Idempotent: true})
		var calls []*amqprpc.Call
		every, late := time.NewTicker(10*time.Millisecond), time.After(testTimeout)
		for cause := ""; cause == ""; {
			select {
			case <-every.C:
				calls = append(calls, c.Go(context.Background(), amqprpc.Request{}))
			case cause = <-gaveUp:
				if want := "the broker has refused every request for 3 s: reconnecting"; cause != want {
					t.Errorf("disconnected: %q, want %q", cause, want)
				}
			case <-late:
				t.Fatalf("%d calls, and the client stays connected", len(calls))
			}
		}
		every.Stop()
		rejected := 0
		for i, call := range calls {
			_, err := call.Result()
			nacked := func(e amqprpc.Event) bool { return e.Kind == amqprpc.EventNacked }
			if slices.ContainsFunc(observed.story(call.ID()), nacked) {
				wantIs(t, err, amqprpc.ErrRejected)
				rejected++
			} else {
				wantIs(t, err, amqprpc.ErrConnectionLost)
			}
			if t.Failed() {
				t.Fatalf("call %d of %d", i+1, len(calls))
			}
		}
		if rejected < 3 {
			t.Errorf("%d of %d calls were rejected", rejected, len(calls))
		}
		s := serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, QueueType: amqprpc.QueueAuto})
		if reply, err := retried.Result(); err != nil || reply.Attempt < 3 {
			t.Errorf("the retried call: attempt %d, error %v", reply.Attempt, err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		if err := s.Shutdown(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	observed.check(t)
}
