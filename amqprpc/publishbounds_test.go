package amqprpc

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/link"
)

// Unconfirmed messages are bounded, even if their contexts have ended.
func TestPublishIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newObservedClient(t, Config{})
		s := c.connect()
		publish := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			return c.Publish(ctx, Message{RoutingKey: "q"})
		}
		for range maxUnconfirmed {
			if err := publish(); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
		}
		if err := publish(); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrNotExecuted) {
			t.Errorf("one more: %v", err)
		}
		s.Confirmed(1, false, true)
		if err := publish(); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrNotExecuted) {
			t.Errorf("after a confirm: %v", err)
		}
		waiting := func(ctx context.Context) <-chan error {
			result := make(chan error, 1)
			go func() { result <- c.Publish(ctx, Message{RoutingKey: "q"}) }()
			synctest.Wait()
			return result
		}
		result := waiting(t.Context())
		s.Blocked(true, "memory")
		if err := <-result; !errors.Is(err, ErrBlocked) {
			t.Errorf("after an alarm: %v", err)
		}
		s.Blocked(false, "")
		ctx, cancel := context.WithCancel(t.Context())
		result = waiting(ctx)
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) || !errors.Is(err, ErrNotExecuted) {
			t.Errorf("after a cancellation: %v", err)
		}
		result = waiting(t.Context())
		s.Confirmed(0, true, true) // of those before
		synctest.Wait()
		s.Confirmed(0, true, true)
		if err := <-result; err != nil {
			t.Errorf("after all confirms: %v", err)
		}
		if len(s.oneWays) != 0 || s.unconfirmed.Len() != 0 {
			t.Errorf("%d messages and %d confirms are kept", len(s.oneWays), s.unconfirmed.Len())
		}
		for range maxUnconfirmed {
			if err := publish(); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
		}
		result = waiting(t.Context())
		s.lose(errors.New("lost"))
		if err := <-result; !errors.Is(err, ErrConnectionLost) || !errors.Is(err, ErrNotExecuted) {
			t.Errorf("after the connection was lost: %v", err)
		}
	})
}

// The return of a call is not taken for that of a message of Publish with the same MessageID, or the other way round.
func TestReturnsOfTheSameMessageID(t *testing.T) {
	for _, ofCall := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			c := newObservedClient(t, Config{})
			s := c.connect()
			defer s.lose(ErrClosed)
			call := c.Go(t.Context(), Request{MessageID: "m"})
			result := make(chan error, 1)
			go func() { result <- c.Publish(t.Context(), Message{RoutingKey: "q", MessageID: "m"}) }()
			synctest.Wait()
			returned := amqp.Publishing{MessageId: "m"}
			if ofCall {
				c.mu.Lock()
				returned.CorrelationId, returned.Headers = call.id, amqp.Table{HeaderRPC: call.meta().String()}
				c.mu.Unlock()
			}
			s.Returned(link.Return{Code: 312, Text: "NO_ROUTE", RoutingKey: "q", Properties: &returned})
			s.Confirmed(0, true, true)
			if err := <-result; errors.Is(err, ErrUnroutable) == ofCall {
				t.Errorf("a return of the call: %v; Publish: %v", ofCall, err)
			}
			synctest.Wait()
			select {
			case <-call.Done():
				if !ofCall || !errors.Is(call.err, ErrUnroutable) {
					t.Errorf("a return of the call: %v; the call: %v", ofCall, call.err)
				}
			default:
				if ofCall {
					t.Error("the call has not ended")
				}
			}
		})
	}
}
