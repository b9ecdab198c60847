package main

import (
	"context"
	"io"
	"os"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
	"rpcscope/tui/report"
)

// watched runs a load, with a progress line where stderr is a terminal.
func watched(ctx context.Context, l *load.Load, books *ledger.Ledger) (load.Result, error) {
	if report.IsTerminal(os.Stderr) && !report.IsDumb() {
		line := report.NewProgressLine(os.Stderr, func() (load.Progress, ledger.Snapshot) {
			return l.Progress(), books.Snapshot(ledger.Query{Now: time.Now()})
		})
		line.Start()
		defer line.Stop()
	}
	return l.Run(ctx)
}

// summary is what there is to say of a run. Its verdict is the exit code, too.
func (o *loadOptions) summary(m *measurement, recorded *recording) *report.Summary {
	s := &report.Summary{
		Snapshot: m.books, Config: o.config(), Interrupted: m.interrupted, InWarmUp: m.result.InWarmUp,
		Missed: m.result.Missed, Refused: m.result.Refused, Behind: m.result.Behind,
		Failures: m.said.Sentences(), Judged: true, MaxFailed: o.maxFailed, Fault: recorded.fault(),
	}
	if m.denied != nil && !m.interrupted {
		s.Fault = "ended early"
	}
	return s
}

// summaryWidth is how wide a summary on w may be, 0 where that is no terminal.
func summaryWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok && report.IsTerminal(f) {
		return report.TerminalWidth(f)
	}
	return 0
}
