package report

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
	"rpcscope/tui/text"
)

// A moment is a state of a load that a progress line shows.
type moment struct {
	name string
	p    load.Progress
	s    ledger.Snapshot
}

func moments() []moment {
	up := ledger.Connection{Connected: true, Since: at(0), Epochs: 1}
	now := at(time.Minute)
	counted := load.Progress{
		Phase: load.Measuring, Count: 20_000, Elapsed: 38 * time.Second,
		Started: 12_472, Completed: 12_391, Failed: 17, Outstanding: 64, Concurrency: 64,
	}
	good := ledger.Snapshot{Now: now, Rate: 328.4, Connection: up, Calls: ledger.Calls{Sent: 12_472}}
	stray := good
	stray.Replies = ledger.Replies{Duplicates: 17, Late: 3, Unknown: 5}
	lost := good
	lost.Connection = ledger.Connection{Since: at(57 * time.Second), NextTry: at(64 * time.Second), Tries: 3, Epochs: 1}
	trying := lost
	trying.Connection.NextTry = now
	blocked := good
	blocked.Connection.Blocked, blocked.Connection.BlockedSince = true, at(18*time.Second)

	with := func(p load.Progress, change func(*load.Progress)) load.Progress { change(&p); return p }
	return []moment{
		{"ready", load.Progress{Count: 20_000}, ledger.Snapshot{Now: now, Connection: up}},
		{"connecting", load.Progress{Duration: time.Minute}, ledger.Snapshot{Now: now}},
		{"warm-up", load.Progress{Phase: load.WarmUp, Duration: 10 * time.Second, Elapsed: 4 * time.Second, Completed: 1300}, good},
		{"count", counted, good},
		{"strays", counted, stray},
		{"duration", load.Progress{Phase: load.Measuring, Duration: time.Hour, Elapsed: 25 * time.Minute, Completed: 123_456}, good},
		{"endless", load.Progress{Phase: load.Measuring, Elapsed: 83 * time.Second, Completed: 123_456}, good},
		{"backlog", load.Progress{Phase: load.Measuring, Duration: time.Minute, Elapsed: 20 * time.Second, Completed: 9_000, Rate: 500, Backlog: 1_234, Wrong: 2}, good},
		{"paused", with(counted, func(p *load.Progress) { p.Paused = true }), good},
		{"reconnecting", counted, lost},
		{"trying", counted, trying},
		{"blocked", counted, blocked},
		{"draining", with(counted, func(p *load.Progress) { p.Phase, p.Outstanding = load.Draining, 12 }), stray},
		{"done", with(counted, func(p *load.Progress) { p.Phase, p.Completed, p.Outstanding = load.Done, 19_983, 0 }), stray},
		{"huge", load.Progress{Phase: load.Measuring, Count: 1e15, Completed: 3e14, Elapsed: 9999 * time.Hour}, stray},
	}
}

func TestProgressGolden(t *testing.T) {
	var b, colour strings.Builder
	for _, m := range moments() {
		fmt.Fprintf(&b, "%s\n", m.name)
		for _, width := range []int{20, 40, 80, 120} {
			text := progressText(styled(false), m.p, &m.s, width)
			fits(t, text, width)
			fmt.Fprintf(&b, "%4d |%s\n", width, text)

			styled := progressText(styled(true), m.p, &m.s, width)
			if ansi.Strip(styled) != text {
				t.Errorf("colour changes more than colour: %q, %q", styled, text)
			}
			fmt.Fprintln(&colour, styled)
		}
	}
	golden(t, "progress", b.String())
	golden(t, "progress-colour", colour.String())
}

func TestProgressFitsEveryWidth(t *testing.T) {
	styles := styled(false)
	for _, m := range moments() {
		for width := -1; width < 200; width++ {
			words := progressText(styles, m.p, &m.s, width)
			if strings.ContainsAny(words, "\n\r") {
				t.Errorf("%s: more than a line: %q", m.name, words)
			}
			fits(t, words, max(width, 0))
			if width >= 20 && (words == "" || strings.Contains(words, text.Ellipsis)) {
				t.Errorf("%s at %d: %q", m.name, width, words)
			}
		}
	}
}

func TestProgressOfAnything(t *testing.T) {
	styles := styled(false)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1e15)
		d := rapid.Map(rapid.Int64(), func(n int64) time.Duration { return time.Duration(n) })
		when := rapid.Map(rapid.Int64Range(0, 1e18), func(n int64) time.Time { return time.Unix(0, n) })
		p := load.Progress{
			Phase: load.Phase(rapid.IntRange(0, int(load.Done)).Draw(t, "phase")), Paused: rapid.Bool().Draw(t, "paused"),
			Count: n.Draw(t, "count"), Duration: d.Draw(t, "duration"), Elapsed: d.Draw(t, "elapsed"),
			Completed: n.Draw(t, "completed"), Failed: n.Draw(t, "failed"), Wrong: n.Draw(t, "wrong"), Backlog: n.Draw(t, "backlog"),
		}
		s := ledger.Snapshot{
			Now: when.Draw(t, "now"), Rate: rapid.Float64Min(0).Draw(t, "rate"),
			Replies: ledger.Replies{Duplicates: rapid.Uint64().Draw(t, "dup"), Late: rapid.Uint64().Draw(t, "late")},
			Connection: ledger.Connection{
				Connected: rapid.Bool().Draw(t, "connected"), Since: when.Draw(t, "since"), NextTry: when.Draw(t, "next"),
				Blocked: rapid.Bool().Draw(t, "blocked"), BlockedSince: when.Draw(t, "blocked since"),
			},
		}
		width := rapid.IntRange(0, 150).Draw(t, "width")
		fits(t, progressText(styles, p, &s, width), width)
	})
}

// A screen is a writer for concurrent use.
type screen struct {
	mu    sync.Mutex
	lines []string
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, string(b))
	return len(b), nil
}

func (s *screen) last() (string, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) == 0 {
		return "", 0
	}
	return s.lines[len(s.lines)-1], len(s.lines)
}

func TestShowProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out screen
		var mu sync.Mutex
		width, done := 80, int64(0)
		stop := showProgress(&out, styled(false),
			func() int { mu.Lock(); defer mu.Unlock(); return width },
			func() (load.Progress, ledger.Snapshot) {
				done++
				return load.Progress{Phase: load.Measuring, Count: 1000, Completed: done},
					ledger.Snapshot{Connection: ledger.Connection{Connected: true}}
			})
		synctest.Wait()
		if line, n := out.last(); n != 1 || !strings.Contains(line, "1/1,000") || !strings.HasPrefix(line, "\r") {
			t.Errorf("at once: %d lines, %q", n, line)
		}

		mu.Lock()
		width = 24
		mu.Unlock()
		<-time.After(time.Second + redrawInterval/2)
		line, n := out.last()
		if n != 9 {
			t.Errorf("%d lines after a second", n)
		}
		fits(t, strings.Trim(ansi.Strip(line), "\r"), 23)

		stop()
		line, n = out.last()
		if line != "\r\x1b[K" {
			t.Errorf("stop leaves %q", line)
		}
		<-time.After(time.Second)
		if _, later := out.last(); later != n {
			t.Error("it draws after stop")
		}
	})
}

func TestIsTerminal(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if IsTerminal(w) {
		t.Error("a pipe is taken for a terminal")
	}
	if n := TerminalWidth(w); n != 80 {
		t.Errorf("a pipe is %d cells wide", n)
	}
}
