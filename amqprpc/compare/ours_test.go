package compare

import (
	"context"
	"sync"
	"time"

	"rpcscope/amqprpc"
)

func serveOurs(s setting) error {
	server := &amqprpc.Server{
		Queue: s.queue, QueueType: amqprpc.QueueClassic, Prefetch: s.prefetch,
		Handler: func(_ context.Context, r *amqprpc.Request) (amqprpc.Response, error) {
			return amqprpc.Response{Body: r.Body}, nil
		},
	}
	server.URLs = []string{s.url}
	return server.Serve(context.Background())
}

func connectOurs(s setting) (loop, error) { return connectClient(s, amqprpc.Config{}) }
func connectOursNoConfirms(s setting) (loop, error) {
	return connectClient(s, amqprpc.Config{NoConfirms: true})
}

func connectClient(s setting, cfg amqprpc.Config) (loop, error) {
	cfg.URLs, cfg.Queue, cfg.Timeout = []string{s.url}, s.queue, testTimeout
	client, err := amqprpc.Dial(context.Background(), cfg)
	if err != nil {
		return nil, err
	}
	return func(w *watch) error {
		return concurrently(s.inFlight, w, func() error {
			_, err := client.Call(context.Background(), amqprpc.Request{Body: body})
			return err
		})
	}, nil
}

// concurrently makes calls in so many goroutines until the watch is over.
func concurrently(goroutines int, w *watch, call func() error) error {
	var wg sync.WaitGroup
	errs := make(chan error, goroutines)
	for range goroutines {
		wg.Go(func() {
			var took []time.Duration
			for began := time.Now(); !w.over(began); {
				if err := call(); err != nil {
					errs <- err
					return
				}
				ended := time.Now()
				took = append(took, ended.Sub(began))
				began = ended
			}
			w.add(took)
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}
