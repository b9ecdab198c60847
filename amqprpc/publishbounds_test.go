package amqprpc

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Messages whose confirms do not come are bounded, whatever their contexts do.
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
		if len(s.oneWays) != 0 || s.confirms.Len() != 0 {
			t.Errorf("%d messages and %d confirms are kept", len(s.oneWays), s.confirms.Len())
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
