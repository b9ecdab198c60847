package chaos

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"rpcscope/amqprpc"
)

const workers = 6 // of each client

// load makes calls of all kinds until ctx ends. The returned function waits for their outcomes.
func (w *world) load(ctx context.Context) (wait func()) {
	var wg sync.WaitGroup
	for i := range w.clients {
		for j := range workers {
			r := rand.New(rand.NewPCG(w.seed, uint64(1000+i*workers+j)))
			wg.Go(func() {
				for ctx.Err() == nil {
					w.callSome(r, i)
					select {
					case <-time.After(between(r, 0, 60*time.Millisecond)):
					case <-ctx.Done():
					}
				}
			})
		}
	}
	return wg.Wait
}

// callSome makes a call of a random kind, or a few at once, and waits for the outcome.
func (w *world) callSome(r *rand.Rand, client int) {
	ctx := context.Background()
	req := amqprpc.Request{Timeout: between(r, 2*time.Second, 5*time.Second)}
	wants, padding := aNumber, 0
	switch n := r.IntN(100); {
	case n < 50:
	case n < 65:
		req.Idempotent = true
		req.Timeout *= 2
	case n < 73:
		req.Timeout = time.Millisecond * time.Duration(1+r.IntN(40))
	case n < 81:
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		timer := time.AfterFunc(time.Millisecond*time.Duration(r.IntN(60)), cancel)
		defer timer.Stop()
	case n < 85:
		wants = noQueue
		req.Queue = "no such queue"
		req.Timeout = time.Second
	case n < 90:
		wants = aRefusal
	case n < 95:
		padding = 1 << (16 + r.IntN(5)) // to 1 MiB
	default:
		w.burst(r, client)
		return
	}
	req.Persistent = r.IntN(4) == 0
	w.call(ctx, client, wants, padding, req)
}

// call makes one call and notes its result.
func (w *world) call(ctx context.Context, client int, wants expectation, padding int, req amqprpc.Request) error {
	n := int(w.next.Add(1))
	req.Body = bodyOf(n, wants, padding)
	w.attempted.Add(1)
	call := w.clients[client].Go(ctx, req)
	reply, err := call.Result()
	w.clientRecord[client].result(call.ID(), question{n, wants, req.Idempotent}, reply, err)
	return err
}

// burst makes more calls at once than there is room for.
func (w *world) burst(r *rand.Rand, client int) {
	var wg sync.WaitGroup
	for range 20 + r.IntN(60) {
		wg.Go(func() {
			_ = w.call(context.Background(), client, aNumber, 0, amqprpc.Request{Timeout: 3 * time.Second})
		})
	}
	wg.Wait()
}
