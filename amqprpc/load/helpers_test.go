package load

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rpcscope/amqprpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// numbered is a Source of requests that hold their number and a random one.
func numbered(k int64, rng *rand.Rand) amqprpc.Request {
	return amqprpc.Request{Body: binary.AppendUvarint(nil, uint64(k)), Type: fmt.Sprint(rng.IntN(1000), rng.IntN(1000))}
}

func number(req amqprpc.Request) int64 {
	k, _ := binary.Uvarint(req.Body)
	return int64(k)
}

// A begun call is a call as the server sees it.
type begun struct {
	k        int64
	typ      string
	intended time.Duration // since the recorder was made
	at       time.Duration
}

// A recorder is a Caller that records the calls. serve returns the error of a call.
type recorder struct {
	origin time.Time
	serve  func(ctx context.Context, k int) error

	mu    sync.Mutex
	calls []begun
	now   int // outstanding
	peak  int // maximum of now
}

func newRecorder(serve func(ctx context.Context, k int) error) *recorder {
	return &recorder{origin: time.Now(), serve: serve}
}

func (r *recorder) Call(ctx context.Context, req amqprpc.Request) (amqprpc.Reply, error) {
	k := number(req)
	r.mu.Lock()
	r.calls = append(r.calls, begun{k, req.Type, req.Intended.Sub(r.origin), time.Since(r.origin)})
	r.now++
	r.peak = max(r.peak, r.now)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.now--
		r.mu.Unlock()
	}()
	return amqprpc.Reply{}, r.serve(ctx, int(k))
}

func (r *recorder) outstanding() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// since returns the calls after the first n.
func (r *recorder) since(n int) []begun {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]begun(nil), r.calls[n:]...)
}

// byNumber returns calls 0 to n-1 in this order, and fails the test unless each was made once.
func (r *recorder) byNumber(t *testing.T, n int64) []begun {
	t.Helper()
	all := r.since(0)
	if int64(len(all)) != n {
		t.Fatalf("%d calls were made, want %d", len(all), n)
	}
	sorted := make([]begun, n)
	seen := make([]bool, n)
	for _, c := range all {
		if c.k < 0 || c.k >= n || seen[c.k] {
			t.Fatalf("call %d is one too many or was made twice", c.k)
		}
		seen[c.k], sorted[c.k] = true, c
	}
	return sorted
}

// work returns a serve that answers after d.
func work(d time.Duration) func(context.Context, int) error {
	return func(ctx context.Context, _ int) error { return sleep(ctx, d) }
}

func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return &amqprpc.CallError{Outcome: amqprpc.Canceled}
	}
}

func newLoad(t *testing.T, server *recorder, plan Plan) *Load {
	t.Helper()
	if plan.Source == nil {
		plan.Source = numbered
	}
	l, err := New(server.Call, plan)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// run runs the load and checks the invariants of every run.
func run(t *testing.T, ctx context.Context, l *Load) (Result, error) {
	t.Helper()
	res, err := l.Run(ctx)
	checkEnd(t, l, res)
	return res, err
}

// checkEnd checks the invariants of a load that has ended.
func checkEnd(t *testing.T, l *Load, res Result) {
	t.Helper()
	if res.Started != res.Completed+res.Failed {
		t.Errorf("started %d != completed %d + failed %d", res.Started, res.Completed, res.Failed)
	}
	if l.workers != 0 {
		t.Errorf("%d workers left", l.workers)
	}
	p := l.Progress()
	if p.Phase != Done || p.Outstanding != 0 || p.Started != res.Started || p.Elapsed != res.Elapsed || p.Paused {
		t.Errorf("progress after the end: %+v, result %+v", p, res)
	}
}

// background runs the load in a goroutine. wait waits for its end.
func background(t *testing.T, ctx context.Context, l *Load) (wait func() (Result, error)) {
	t.Helper()
	var res Result
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		res, err = l.Run(ctx)
	}()
	return func() (Result, error) {
		t.Helper()
		<-done
		checkEnd(t, l, res)
		return res, err
	}
}
