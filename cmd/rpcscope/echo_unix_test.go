//go:build linux || darwin

package main

import (
	"context"
	"sync/atomic"
	"testing"

	"rpcscope/amqprpc"
)

// serve answers the requests of a queue with fib(5), in this process.
func serve(t testing.TB, url, queue string, served *atomic.Int64) {
	t.Helper()
	ready := make(chan struct{})
	s := &amqprpc.Server{
		ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, Name: "echo"}, Queue: queue, QueueType: amqprpc.QueueClassic, Prefetch: 256,
		Handler: func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
			served.Add(1)
			return amqprpc.Response{Body: []byte("5")}, nil
		},
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			if e.Kind == amqprpc.EventConnected && e.Epoch == 1 {
				close(ready)
			}
		}),
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(context.Background()) }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
}
