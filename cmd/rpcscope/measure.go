package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
	"rpcscope/cmd/internal/cli"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
)

// A measurement is the outcome of one run of a load.
type measurement struct {
	ledger      ledger.Snapshot
	result      load.Result
	failures    *report.Tally
	servers     []pool.Status
	up          time.Duration // of the servers
	interrupted bool
	denied      *amqprpc.PermissionError // the reason for which the run ended early
}

// stopTimeout bounds the time that servers have to finish their work.
const stopTimeout = 10 * time.Second

// measure makes one run: it opens a lab, starts the servers, makes the calls, and stops the servers. The recording
// begins before the first call.
func (o *loadOptions) measure(ctx context.Context, stderr io.Writer, recorded *recording) (*measurement, error) {
	m := &measurement{failures: &report.Tally{}}
	cfg, err := o.labConfig(recorded)
	if err != nil {
		return nil, err
	}
	cfg.Paused, cfg.OnFailure, cfg.Pool.RestartOnExit = true, m.failures.Add, true
	l, err := lab.Open(ctx, cfg)
	if err != nil {
		return nil, dialError(ctx, err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		l.Close(ctx) //nolint:errcheck // StopServers returns the error
	}()
	if err := o.startServers(ctx, l); err != nil {
		return nil, err
	}
	began := time.Now()
	l.SnapshotThen(ledger.Query{}, func() { err = recorded.begin() })
	if err != nil {
		return nil, cli.Fail(cli.FellShort, err)
	}
	m.result, err = o.runWithProgress(ctx, l)
	m.interrupted = ctx.Err() != nil
	if err != nil && !m.interrupted && !errors.As(err, &m.denied) {
		return nil, cli.Fail(cli.FellShort, err)
	}
	stopping, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := l.StopServers(stopping); err != nil {
		warn(stderr, "%v", err)
	}
	m.up = time.Since(began)
	m.servers = l.Snapshot(lab.Query{}).Pool
	m.ledger = l.SnapshotThen(report.SummaryQuery(), recorded.end) // a replay ends with the same numbers
	if err := m.ledger.Broken(); err != nil {
		return nil, cli.Fail(cli.FellShort, err)
	}
	return m, nil
}

// startServers starts the servers, unless others consume from the queue.
func (o *loadOptions) startServers(ctx context.Context, l *lab.Lab) error {
	if o.servers > 0 && !o.force {
		if err := lab.OtherConsumers(l.Snapshot(lab.Query{}).Queue); err != nil {
			return foreignError(err)
		}
		l.AllowStart()
	}
	errs := make([]error, o.servers)
	var wg sync.WaitGroup
	for i := range o.servers {
		start := func() { _, errs[i] = l.StartServer(ctx) }
		if i > 0 {
			wg.Go(start)
		} else if start(); errs[0] != nil {
			break // the others would fail alike
		}
	}
	wg.Wait()
	err := errors.Join(errs...)
	if ctx.Err() != nil {
		return cli.Fail(cli.Interrupted, context.Cause(ctx))
	}
	return cli.Fail(cli.FellShort, err)
}

// foreignError returns the error of starting servers although others consume from the queue.
func foreignError(err error) error {
	return cli.Fail(cli.FellShort, fmt.Errorf("%w: give another --queue, or --force to start fibservers there", err))
}

// runWithProgress runs the load, with a progress line if stderr is a terminal.
func (o *loadOptions) runWithProgress(ctx context.Context, l *lab.Lab) (load.Result, error) {
	if report.IsTerminal(os.Stderr) && !report.IsDumb() {
		defer report.ShowProgress(os.Stderr, func() (load.Progress, ledger.Snapshot) {
			s := l.Snapshot(lab.Query{Ledger: ledger.Query{Now: time.Now()}})
			return s.Load.Progress, s.Ledger
		})()
	}
	return l.Measure(ctx, load.Plan{Count: o.count, Duration: o.duration, Warmup: o.warmup})
}

// summary returns the summary of a run. Its verdict decides the exit code.
func (o *loadOptions) summary(m *measurement, recorded *recording) *report.Summary {
	s := &report.Summary{
		Snapshot: m.ledger, Config: o.config(), Interrupted: m.interrupted, InWarmUp: m.result.InWarmUp,
		Missed: m.result.Missed, Behind: m.result.Behind,
		Failures: m.failures.Sentences(), Judged: true, MaxFailed: o.maxFailed, Fault: recorded.fault(),
	}
	if m.denied != nil && !m.interrupted {
		s.Fault = "ended early"
	}
	return s
}

// summaryWidth returns the maximum width of a summary on w, 0 if w is not a terminal.
func summaryWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok && report.IsTerminal(f) {
		return report.TerminalWidth(f)
	}
	return 0
}

// reportErrors prints, besides a JSON summary, the wrong answers and the verdict if the run fell short. run names the
// run.
func (m *measurement) reportErrors(stderr io.Writer, run string, s *report.Summary) {
	for _, wrong := range m.result.Wrongs {
		warn(stderr, "%swrong answer: %v", run, wrong)
	}
	if s.Fault == "" && (s.Short() > 0 || s.Interrupted) { // a fault has an error of its own
		warn(stderr, "%s%s", run, s.Verdict())
	}
}

// reportRestarts prints the servers that died.
func (m *measurement) reportRestarts(stderr io.Writer) {
	for _, s := range m.servers {
		if s.Restarts > 0 {
			warn(stderr, "%s died by itself and was started again, %d×", s.Name, s.Restarts)
		}
	}
}
