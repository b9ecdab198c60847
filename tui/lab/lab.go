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
)

// ErrClosed is returned by what cannot be done any more after [Lab.Close].
var ErrClosed = errors.New("the lab is closed")

// A Lab is a client, a load, a pool of servers and their books. Make one with [Open], and
// close it.
type Lab struct {
	cfg    Config
	books  *ledger.Ledger
	all    *ledger.Tee // the books, and whoever else is told of events
	notes  notes
	watch  watch
	queue  queue
	fleet  fleet
	client *amqprpc.Client
	pool   *pool.Pool

	// What the next request is made of; read by every worker of the load.
	work    atomic.Pointer[Workload]
	timeout atomic.Int64 // in ns
	byHand  atomic.Int64 // requests made by Call and Burst, for their random numbers
	bursts  atomic.Int64 // calls of bursts that have not ended
	numbers numbers      // of calls by hand
	allowed atomic.Bool  // servers may be started beside somebody else's

	panicked atomic.Pointer[PanicError]

	ctx     context.Context // ends when Close has given calls their grace
	cancel  context.CancelFunc
	running sync.WaitGroup // the lab's goroutines; Add with mu held and closed false
	closing sync.Once
	closeOf error

	mu      sync.Mutex
	closed  bool
	load    *load.Load    // the present one
	loads   []*load.Load  // those that run, the present one last
	drained chan struct{} // closed when no load runs any more, after Close has begun
	state   Load          // without Progress
	fault   string
	seed    int64 // of the next server
}

// Open dials the broker and begins the load as soon as somebody consumes from the queue.
// It blocks until connected, as [amqprpc.Dial] does, and until the broker has told of the queue,
// three seconds at most; ctx bounds that alone.
//
// The error is an amqprpc.ErrInvalidConfig, or what amqprpc.Dial returns.
func Open(ctx context.Context, cfg Config) (*Lab, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	fib, err := ParseFib(cfg.Fib)
	if err != nil {
		return nil, err
	}
	l := &Lab{cfg: cfg, books: ledger.New(ledger.Config{}), seed: cfg.ServerSeed}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.timeout.Store(int64(cfg.Timeout))
	l.drained = make(chan struct{})
	l.queue.init(cfg.Queue)
	l.fleet.init(cfg.Pool)
	l.state = Load{
		Concurrency: cfg.Concurrency, Rate: cfg.Rate, Timeout: cfg.Timeout, Seed: cfg.Seed,
		Paused: cfg.Paused, Waiting: true,
	}
	l.allowed.Store(cfg.Force || cfg.OwnQueue)
	if cfg.Service != nil {
		l.ask(cfg.Service)
		if cfg.PauseIfForeign && !cfg.Paused {
			l.state.Paused, l.state.PausedBy = true, "it asks a service that is not rpcscope's"
		}
	} else {
		l.ask(fib)
	}
	cfg.Pool.Output, cfg.Pool.OnExit = l.serverSaid, l.serverEnded
	l.pool = pool.New(cfg.Pool)

	l.all = ledger.NewTee(l.books, cfg.Observer, amqprpc.ObserverFunc(l.observe))
	l.client, err = amqprpc.Dial(ctx, amqprpc.Config{
		ConnConfig: cfg.Broker, Backoff: cfg.Backoff, Queue: cfg.Queue, MaxInFlight: mostInFlight,
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			defer l.catch()
			l.all.Observe(l.explained(e))
		}),
	})
	if err != nil {
		l.cancel()
		return nil, err
	}
	l.mu.Lock()
	err = l.newLoad(cfg.Rate, cfg.Concurrency)
	l.mu.Unlock()
	if err != nil { // cannot be: all of it was checked
		l.cancel()
		l.client.Close() //nolint:errcheck // returns nil
		return nil, err
	}
	// Before a server can be started here: who consumes now is somebody else.
	now, failed := l.askBroker(ctx)
	l.begin(now, true, failed)
	l.start(func() { l.poll(!now.Known) }) //nolint:errcheck // it is open
	return l, nil
}

// grace is how long calls in flight may go on after [Lab.Close].
const grace = 250 * time.Millisecond

// Close ends the load, stops all servers, deletes the queue where it is the lab's own, and
// closes the client, in this order. Calls that have not ended a quarter of a second after
// the last one was begun are canceled. When it returns, no goroutine and no process of the
// lab is left; its books can still be read.
//
// Servers drain, however long that takes, unless ctx ends first: the error names those
// that had to be killed then, and a queue that could not be deleted. All Closes wait for
// the first one and return its error.
func (l *Lab) Close(ctx context.Context) error {
	l.closing.Do(func() { l.closeOf = l.close(ctx) })
	return l.closeOf
}

func (l *Lab) close(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	for _, running := range l.loads {
		running.Stop()
	}
	if len(l.loads) == 0 {
		close(l.drained)
	}
	l.mu.Unlock()

	wait := time.NewTimer(grace)
	defer wait.Stop()
	select {
	case <-l.drained:
	case <-wait.C:
	case <-ctx.Done():
	}
	l.cancel()
	err := l.pool.Close(ctx)
	if l.cfg.OwnQueue {
		err = errors.Join(err, l.deleteQueue(context.WithoutCancel(ctx)))
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

// startLocked is start with mu held.
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

// bounded returns a context that also ends with the lab, and after the given time.
func (l *Lab) bounded(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, most)
	stop := context.AfterFunc(l.ctx, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// Look returns what there is to see. It is cheap and waits for nobody: call it ten to
// twenty times a second.
func (l *Lab) Snapshot(q Query) Snapshot {
	// Notes are left when something has happened, and the ledger is told before anybody
	// else. In this order there is no note of what the rest does not show yet.
	look := Snapshot{Notes: l.notes.last(q.Notes), StandIn: l.cfg.StandIn}
	look.Queue, look.Marks, look.Pool = l.queue.look(), l.fleet.lastMarks(), l.pool.List()
	look.Starting = l.fleet.notYetIn(look.Pool)
	if err := l.beside(look.Queue); err != nil {
		look.StartWarning = err.Error()
	}
	l.mu.Lock()
	look.Load, look.Fault = l.state, l.fault
	look.Load.Progress = l.load.Progress()
	l.mu.Unlock()
	if p := l.panicked.Load(); p != nil {
		look.Err = p
	}
	look.Ledger = l.books.Snapshot(q.Ledger)
	return look
}

// Last returns the books as they are and calls f before the next event. A recording that f
// ends holds exactly what these books do. It holds up every call meanwhile, so f must not
// use the lab.
func (l *Lab) SnapshotThen(q ledger.Query, f func()) (books ledger.Snapshot) {
	l.all.Between(func() {
		books = l.books.Snapshot(q)
		f()
	})
	return books
}

// Inspect returns the story of a correlation ID, as [ledger.Ledger.Inspect] does.
func (l *Lab) Inspect(id string) (ledger.Story, bool) { return l.books.Inspect(id) }

// InspectStray returns the story that a discarded reply belongs to, as
// [ledger.Ledger.InspectStray] does.
func (l *Lab) InspectStray(seq uint64) (ledger.Story, bool) { return l.books.InspectStray(seq) }

// Find returns IDs that begin with prefix, at most so many, as [ledger.Ledger.Find] does.
func (l *Lab) Find(prefix string, most int) []string { return l.books.Find(prefix, most) }

// RunConfig returns what the load is asked to do at present, for summaries.
func (l *Lab) RunConfig() report.RunConfig {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := report.RunConfig{
		Queue: l.cfg.Queue, Concurrency: l.state.Concurrency, Rate: l.state.Rate,
		TimeoutMS: l.state.Timeout.Milliseconds(), Seed: l.state.Seed,
	}
	(*l.work.Load()).Describe(&c)
	return c
}

// DropConnection cuts the client's sockets, as a failing network does. The client
// connects again.
func (l *Lab) DropConnection() {
	if _, connected := l.client.Connection(); !connected {
		l.notes.add(Failure, "there is no connection to drop", "")
		return
	}
	with := "no call"
	switch n := l.books.Snapshot(ledger.Query{}).Calls.InFlight; {
	case n == 1:
		with = "1 call"
	case n > 1:
		with = fmt.Sprintf("%d calls", n)
	}
	l.notes.add(Info, "dropped the connection, with "+with+" in flight", "")
	l.watch.dropped.Store(true)
	l.client.DropConnection()
}
