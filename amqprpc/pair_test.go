package amqprpc

import (
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Returns that come after the end are taken all the same: amqp091-go would wait 5 s
// for each.
func TestReturnsAreTakenToTheEnd(t *testing.T) {
	p := &pair{returns: make(chan amqp.Return, 1), over: make(chan struct{})}
	p.end(ErrClosed)
	done := make(chan struct{})
	go func() {
		defer close(done)
		settleConfirms(p, make(chan unconfirmed[int]), func(amqp.Return) {}, func(int, bool) {})
	}()
	for i := range 1000 {
		select {
		case p.returns <- amqp.Return{}:
		case <-time.After(4 * time.Second):
			t.Fatalf("nobody takes return %d", i)
		}
	}
	close(p.returns)
	<-done
}
