package cluster

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rpcscope/amqprpc"
)

// work is how long a request takes, so that the load is bounded by it and not by the
// machine, which the nodes need too.
const work = 10 * time.Millisecond

// backoff is quick enough to be negligible in the measurements.
var backoff = amqprpc.Backoff{First: 10 * time.Millisecond, Max: 500 * time.Millisecond}

// A service is the servers of one queue, with counts of their work.
type service struct {
	*notifier
	servers  []*amqprpc.Server
	at       map[string]string // the address that each is connected to
	sessions map[string]int    // how often each began to consume
	executed map[string]int    // how often each correlation ID was
}

// answer returns the service's reply to a request.
func answer(body []byte) string { return "answer to " + string(body) }

// serve starts two servers and waits until they consume. The test's end shuts them down.
func serve(t *testing.T, broker amqprpc.ConnConfig, queue string) *service {
	t.Helper()
	s := &service{notifier: newNotifier(), at: map[string]string{}, sessions: map[string]int{}, executed: map[string]int{}}
	for i := range 2 {
		name := fmt.Sprintf("server-%d", i+1)
		broker.Name = name
		server := &amqprpc.Server{
			ConnConfig: broker, Queue: queue, QueueType: amqprpc.QueueAuto, Prefetch: 64, Backoff: backoff,
			Handler: s.handle,
			Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
				if e.Kind == amqprpc.EventConnected {
					s.change(func() { s.at[name], s.sessions[name] = e.Connection.Address, e.Epoch })
				}
			}),
		}
		s.servers = append(s.servers, server)
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(context.Background()) }()
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
			defer cancel()
			if err := server.Shutdown(ctx); err != nil {
				t.Errorf("shut down %s: %v", name, err)
			}
			if err := <-ended; err != nil { // Shutdown has waited for it
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	s.waitUntil(t, "both servers consume", func() bool { return len(s.at) == 2 }, s.describe)
	return s
}

func (s *service) handle(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
	s.change(func() { s.executed[req.CorrelationID]++ })
	select {
	case <-time.After(work):
		return amqprpc.Response{Body: []byte(answer(req.Body))}, nil
	case <-ctx.Done():
		return amqprpc.Response{}, ctx.Err()
	}
}

func (s *service) describe() string {
	return fmt.Sprintf("servers at %v, sessions %v", s.at, s.sessions)
}

// awaitMoveOfAll waits until both servers are at other addresses than this one.
func (s *service) awaitMoveOfAll(t *testing.T, dead string) {
	t.Helper()
	s.waitUntil(t, "the servers are at living nodes", func() bool { return s.at["server-1"] != dead && s.at["server-2"] != dead }, s.describe)
}

// redelivered counts the redelivered requests.
func (s *service) redelivered() (n int64) {
	for _, server := range s.servers {
		n += server.Stats().Redelivered
	}
	return n
}

// ran returns how often the request of this correlation ID was executed.
func (s *service) ran(id string) int {
	s.Lock()
	defer s.Unlock()
	return s.executed[id]
}
