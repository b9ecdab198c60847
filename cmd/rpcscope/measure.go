package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
	"rpcscope/cmd/internal/cli"
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
)

// A measurement is what came of one run of a load.
type measurement struct {
	books       ledger.Snapshot
	result      load.Result
	said        *report.Tally // by failed calls
	servers     *localServers
	up          time.Duration // how long the servers were there
	interrupted bool
	denied      *amqprpc.PermissionError // for want of which the run was ended
}

// measure makes one run: it connects, starts the servers, makes the calls, and stops the
// servers. observers, of which books are one, are told of every event; recorded, nil for no
// recording, begins when all is there and before the first call.
func (o *loadOptions) measure(ctx context.Context, stderr io.Writer, books *ledger.Ledger, observers *ledger.Tee, recorded *recording) (*measurement, error) {
	broker, err := o.broker.Broker("rpcscope")
	if err != nil {
		return nil, err
	}
	client, err := amqprpc.Dial(ctx, amqprpc.Config{
		ConnConfig: broker, Queue: o.queue, Timeout: o.timeout, Observer: observers,
		MaxInFlight: load.MaxConcurrency, Backoff: cli.Backoff,
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil, cli.Fail(cli.Interrupted, context.Cause(ctx))
		}
		return nil, onBroker(err)
	}
	defer client.Close()
	if o.servers > 0 && !o.force {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		stats, err := client.QueueStats(ctx, o.queue)
		cancel()
		if err := lab.OtherConsumers(o.queue, stats, err); err != nil {
			return nil, notAlone(err)
		}
	}
	m := &measurement{said: &report.Tally{}}
	m.servers, err = o.startServers(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, cli.Fail(cli.Interrupted, context.Cause(ctx))
		}
		return nil, cli.Fail(cli.FellShort, err)
	}
	defer m.servers.close() //nolint:errcheck // the first close tells
	began := time.Now()
	// From here on it is a run, and worth overwriting an old recording for.
	observers.Between(func() { err = recorded.begin() })
	if err != nil {
		return nil, cli.Fail(cli.FellShort, err)
	}
	var completed atomic.Bool
	var denied atomic.Pointer[amqprpc.PermissionError]
	var l *load.Load
	l, err = load.New(client, load.Plan{
		Source: o.work.Request, Check: o.work.Check, Seed: o.seed,
		Rate: o.rate, Concurrency: o.concurrency,
		Count: o.count, Duration: o.duration, Warmup: o.warmup, Observer: observers,
		OnResult: func(c *load.Call) {
			// The outcome is counted anyway; what more there is to say is said here.
			if lab.HasDetail(c.Err) {
				m.said.Add(c.Err)
			}
			why := (*amqprpc.PermissionError)(nil)
			if c.Err == nil {
				completed.Store(true)
			} else if errors.As(c.Err, &why) && !completed.Load() && denied.CompareAndSwap(nil, why) {
				l.Stop() // all the others would fail as this one did
			}
		},
	})
	if err != nil {
		return nil, err
	}
	result, err := watched(ctx, l, books)
	m.result, m.interrupted, m.denied = result, ctx.Err() != nil, denied.Load()
	if err != nil && !m.interrupted {
		return nil, cli.Fail(cli.FellShort, err)
	}
	if err := m.servers.close(); err != nil {
		fmt.Fprintf(stderr, "rpcscope: %s\n", text.Escape(err.Error(), 400))
	}
	m.up = time.Since(began)
	settle(client)

	observers.Between(func() { // a replay ends with the same numbers
		m.books = books.Snapshot(report.SummaryQuery())
		recorded.end()
	})
	if err := m.books.Broken(); err != nil {
		return nil, cli.Fail(cli.FellShort, err)
	}
	return m, nil
}

// notAlone refuses to start servers because of what somebody else has on the queue.
func notAlone(err error) error {
	return cli.Fail(cli.FellShort, fmt.Errorf("%w: give another --queue, or --force to start fibservers there", err))
}

// report tells, besides a summary in JSON, what its keys have no room for: the answers that
// were wrong, and, if a call fell short, the verdict. run says which run it is of.
func (m *measurement) report(stderr io.Writer, run string, s *report.Summary) {
	for _, wrong := range m.result.Wrongs {
		fmt.Fprintf(stderr, "rpcscope: %swrong answer: %s\n", run, text.Escape(wrong.Error(), 400))
	}
	if s.Fault == "" && (s.Short() > 0 || s.Interrupted) { // a fault has an error of its own
		fmt.Fprintf(stderr, "rpcscope: %s%s\n", run, s.Verdict())
	}
}

// settle gives replies that are on their way a chance to be counted: a duplicate of
// the last answer, say. When the broker has answered a question that was put behind
// them, they are here.
func settle(client *amqprpc.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if info, ok := client.Connection(); ok {
		client.QueueStats(ctx, info.Queue) //nolint:errcheck // the answer does not matter
	}
}
