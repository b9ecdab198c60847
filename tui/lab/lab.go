package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
	"rpcscope/server/pool"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
)

// ErrClosed is returned by methods that have no effect after [Lab.Close].
var ErrClosed = errors.New("the lab is closed")

// A Lab is a client, a load, a pool of servers and their ledger. Create one with [Open] and
// close it. Its methods may be called from any goroutine.
type Lab struct {
	cfg Config
	stories
	tee     *ledger.Tee // passes events to the ledger, Config.Observer and observe
	client  *amqprpc.Client
	pool    *pool.Pool
	notes   notes
	conn    connectionState
	queue   requestQueue
	servers servers
	manual  manualCalls

	workload     atomic.Pointer[Workload] // of the next request
	timeout      atomic.Int64             // of the next request, in ns
	startAllowed atomic.Bool              // servers may be started beside foreign ones
	panicked     atomic.Pointer[PanicError]

	ctx       context.Context // ends when Close has waited for calls in flight
	cancel    context.CancelFunc
	running   sync.WaitGroup // Go is called with mu held and closed false
	closeOnce sync.Once
	closeErr  error

	mu       sync.Mutex
	closed   bool
	load     *load.Load     // the current one
	loads    sync.WaitGroup // all that run
	state    Load           // without Progress
	fault    string         // of the next server
	nextSeed int64          // of the next server
}

// Open connects to the broker, and starts the load as soon as there is a consumer. It blocks
// until connected, as [amqprpc.Dial] does, and until the broker has described the queue, at most
// three seconds; ctx bounds only that.
//
// The error is an amqprpc.ErrInvalidConfig or one of amqprpc.Dial.
func Open(ctx context.Context, cfg Config) (*Lab, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	fib, err := ParseFib(cfg.Fib)
	if err != nil {
		return nil, err
	}
	l := &Lab{cfg: cfg, stories: stories{ledger.New(ledger.Config{})}, nextSeed: cfg.ServerSeed}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.timeout.Store(int64(cfg.Timeout))
	l.queue.wake, l.queue.state.Name = make(chan struct{}, 1), cfg.Queue
	l.state = Load{
		Concurrency: cfg.Concurrency, Rate: cfg.Rate, Timeout: cfg.Timeout, Seed: cfg.Seed,
		Paused: cfg.Paused, Waiting: true,
	}
	l.startAllowed.Store(cfg.Force || cfg.OwnQueue)
	if cfg.Service != nil {
		l.setWorkload(cfg.Service)
		if cfg.PauseIfForeign && !cfg.Paused {
			l.state.Paused, l.state.PausedBy = true, "it asks a service that is not rpcscope's"
		}
	} else {
		l.setWorkload(fib)
	}
	cfg.Pool.Output, cfg.Pool.OnExit = l.onServerOutput, l.onServerExit
	l.pool = pool.New(cfg.Pool)

	l.tee = ledger.NewTee(l.ledger, cfg.Observer, amqprpc.ObserverFunc(l.observe))
	l.client, err = amqprpc.Dial(ctx, amqprpc.Config{
		ConnConfig: cfg.Broker, Backoff: cfg.Backoff, Queue: cfg.Queue, MaxInFlight: maxInFlight,
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			defer l.catch()
			l.tee.Observe(l.explainLoss(e))
		}),
	})
	if err != nil {
		l.cancel()
		return nil, err
	}
	l.mu.Lock()
	l.newLoad(cfg.Rate, cfg.Concurrency) //nolint:errcheck // the values were checked
	l.mu.Unlock()
	// No server has been started yet: all consumers are foreign.
	queue, failures := l.queryQueue(ctx)
	l.startLoad(queue, true, failures)
	l.start(func() { l.poll(!queue.Known) }) //nolint:errcheck // not closed
	return l, nil
}

// closeGrace is how long calls in flight may go on after [Lab.Close].
const closeGrace = 250 * time.Millisecond

// Close ends the load, stops all servers, deletes the queue if it is the lab's own, and closes
// the client, in this order. Calls that do not end within a quarter of a second are canceled.
// No goroutine and no process of the lab is left when it returns; the ledger can still be read.
//
// Servers finish their work unless ctx ends first. The error names those that were killed then,
// and a queue that could not be deleted. Later Closes wait and return the same error.
func (l *Lab) Close(ctx context.Context) error {
	l.closeOnce.Do(func() { l.closeErr = l.close(ctx) })
	return l.closeErr
}

func (l *Lab) close(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	l.load.Stop()
	l.mu.Unlock()
	drained := make(chan struct{})
	go func() {
		l.loads.Wait()
		close(drained)
	}()

	timer := time.NewTimer(closeGrace)
	defer timer.Stop()
	select {
	case <-drained:
	case <-timer.C:
	case <-ctx.Done():
	}
	l.cancel()
	err := l.pool.Close(ctx)
	if l.cfg.OwnQueue { // no server is left that would declare it again
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
		defer cancel()
		if failure := l.client.DeleteQueue(ctx, l.cfg.Queue); failure != nil {
			err = errors.Join(err, fmt.Errorf("the queue %s was not deleted: %w", l.cfg.Queue, failure))
		}
	}
	l.client.Close() //nolint:errcheck // returns nil
	l.running.Wait()
	return err
}

// start runs f on a goroutine of the lab, unless the lab is closed.
func (l *Lab) start(f func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.startLocked(f)
}

func (l *Lab) startLocked(f func()) error {
	if l.closed {
		return ErrClosed
	}
	l.running.Go(func() {
		defer l.catch()
		f()
	})
	return nil
}

// withTimeout returns a context that also ends with the lab.
func (l *Lab) withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, d)
	stop := context.AfterFunc(l.ctx, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// Snapshot returns the lab's current state. It is cheap and never blocks: call it ten to twenty
// times a second.
func (l *Lab) Snapshot(q Query) Snapshot {
	// The ledger is told of an event before its note is written, so the notes are read first.
	s := Snapshot{Notes: l.notes.last(q.Notes), StandIn: l.cfg.StandIn}
	s.Queue, s.Marks, s.Pool = l.queue.get(), l.servers.allMarks(), l.pool.List()
	if err := l.startWarning(s.Queue); err != nil {
		s.StartWarning = err.Error()
	}
	l.mu.Lock()
	s.Load, s.Fault = l.state, l.fault
	s.Load.Progress = l.load.Progress()
	l.mu.Unlock()
	if p := l.panicked.Load(); p != nil {
		s.Err = p
	}
	s.Ledger = l.ledger.Snapshot(q.Ledger)
	return s
}

// SnapshotThen returns the ledger's state and calls f before the next event. So a recording that
// f ends holds exactly these events. All calls wait for f, which must not use the lab.
func (l *Lab) SnapshotThen(q ledger.Query, f func()) (s ledger.Snapshot) {
	l.tee.Between(func() {
		s = l.ledger.Snapshot(q)
		f()
	})
	return s
}

// RunConfig returns the configuration of the current load, for summaries.
func (l *Lab) RunConfig() report.RunConfig {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := report.RunConfig{
		Queue: l.cfg.Queue, Concurrency: l.state.Concurrency, Rate: l.state.Rate,
		TimeoutMS: l.state.Timeout.Milliseconds(), Seed: l.state.Seed,
	}
	(*l.workload.Load()).Describe(&c)
	return c
}

// DropConnection closes the client's sockets, as a failing network does. The client reconnects.
func (l *Lab) DropConnection() {
	if _, connected := l.client.Connection(); !connected {
		l.notes.add(Failure, "there is no connection to drop", "")
		return
	}
	calls := text.Plural(l.ledger.Snapshot(ledger.Query{}).Calls.InFlight, "call", "calls")
	l.notes.add(Info, "dropped the connection, with "+calls+" in flight", "")
	l.conn.dropped.Store(true)
	l.client.DropConnection()
}
