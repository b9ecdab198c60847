package amqprpc_test

import (
	"context"
	"errors"
	"testing"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// One server answers several queues on one connection, each with its own handler.
func TestServerServesSeveralQueues(t *testing.T) {
	url, first := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	names := []string{first, first + "-2", first + "-3"}
	handler := func(name string) amqprpc.Handler {
		return func(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
			return amqprpc.Response{Body: []byte(name + " " + req.Queue)}, nil
		}
	}
	s := &amqprpc.Server{ConnConfig: at(url), Queue: names[0], Handler: handler("first"), Prefetch: 4}
	s.Handle(names[1], handler("second"))
	s.Handle(names[2], handler("third"))
	serve(t, s)
	c := dial(t, amqprpc.Config{ConnConfig: at(url)})
	for i, want := range []string{"first", "second", "third"} {
		reply, err := c.Call(t.Context(), amqprpc.Request{Queue: names[i]})
		if err != nil || string(reply.Body) != want+" "+names[i] {
			t.Errorf("queue %d: %q, %v", i, reply.Body, err)
		}
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if stats := s.Stats(); stats.Answered != 3 || stats.Reconnects != 0 {
		t.Errorf("%+v", stats)
	}

	for what, spoil := range map[string]func(*amqprpc.Server){
		"no handler":   func(s *amqprpc.Server) { s.Handle("q", nil) },
		"two handlers": func(s *amqprpc.Server) { s.Handle("q", echo); s.Handle("q", echo) },
		"no queue":     func(s *amqprpc.Server) {},
		"no name":      func(s *amqprpc.Server) { s.Handle("", echo) },
	} {
		s := &amqprpc.Server{ConnConfig: at(url)}
		spoil(s)
		if err := s.Serve(t.Context()); !errors.Is(err, amqprpc.ErrInvalidConfig) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
