package lab_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/load"
	"rpcscope/tui/lab"
)

// The load waits for the first consumer, and only for that.
func TestLoadWaitsForServer(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	cfg := config(t, node)
	cfg.Paused = false
	l := open(t, cfg)
	snap := until(t, l, "the queue is missed", func(snap lab.Snapshot) bool { return snap.Queue.Missing })
	if !snap.Load.Waiting || snap.Load.Paused || !snap.Queue.Known || snap.Queue.Name != cfg.Queue {
		t.Errorf("load %+v, queue %+v", snap.Load, snap.Queue)
	}
	untilNoted(t, l, "waits for a server: there is no queue "+cfg.Queue)
	id := l.Call()
	snap = untilNoted(t, l, "call "+id[:8]+" fib(5): unroutable: no queue "+cfg.Queue)
	if snap.Ledger.Calls.Sent != 1 || snap.Ledger.Failures.Unroutable != 1 || snap.Load.Progress.Started != 0 {
		t.Errorf("calls %+v, failures %+v, load %+v", snap.Ledger.Calls, snap.Ledger.Failures, snap.Load)
	}

	declare(t, node, cfg.Queue)
	snap = until(t, l, "the queue is there", func(snap lab.Snapshot) bool { return !snap.Queue.Missing })
	if !snap.Load.Waiting || snap.Queue.Consumers != 0 {
		t.Errorf("load %+v, queue %+v", snap.Load, snap.Queue)
	}

	name := start(t, l)
	snap = until(t, l, "the load begins", func(snap lab.Snapshot) bool { // the broker may know of the consumer before its name is read
		begins := " consumes from " + cfg.Queue + ": the load begins"
		return noted(name+begins)(snap) || noted("a server"+begins)(snap)
	})
	if snap.Load.Waiting || snap.Queue.Consumers != 1 || name != "fib-1" {
		t.Errorf("%s: load %+v, queue %+v", name, snap.Load, snap.Queue)
	}
	snap = until(t, l, "100 calls", func(snap lab.Snapshot) bool { return snap.Load.Progress.Completed >= 100 })
	if snap.Ledger.Calls.Wrong != 0 || snap.Ledger.Failures.Unroutable != 1 {
		t.Errorf("load %+v, failures %+v", snap.Load, snap.Ledger.Failures)
	}
	until(t, l, "one server", func(snap lab.Snapshot) bool { return len(snap.Marks) == 1 && snap.Marks[0].Joined })

	must(t, l.StopServer(t.Context(), name))
	snap = until(t, l, "no consumers", func(snap lab.Snapshot) bool { return snap.Queue.Known && snap.Queue.Consumers == 0 })
	if snap.Load.Waiting {
		t.Error("the load waits again")
	}
}

// The load starts with somebody else's server.
func TestLoadStartsWithForeignServer(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	cfg := config(t, node)
	declare(t, node, cfg.Queue)
	l := open(t, cfg)
	untilNoted(t, l, "waits for a server: nobody consumes from "+cfg.Queue)
	serve(t, node, cfg.Queue, func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
		return amqprpc.Response{Body: []byte("5")}, nil
	})
	snap := untilNoted(t, l, "a server consumes from "+cfg.Queue+": press space to start the load")
	if !snap.Load.Paused || snap.Load.Waiting || snap.Load.Progress.Started != 0 {
		t.Errorf("load %+v", snap.Load)
	}
	l.Resume()
	until(t, l, "calls", func(snap lab.Snapshot) bool { return !snap.Load.Paused && snap.Load.Progress.Completed > 10 })
	l.Pause()
	snap = until(t, l, "nothing in flight", func(snap lab.Snapshot) bool { return snap.Load.Paused && snap.Ledger.Calls.InFlight == 0 })
	if !noted("the load is paused")(snap) || !noted("the load is running again")(snap) {
		t.Errorf("notes:\n%s", texts(snap.Notes))
	}
}

// A load that waits can be paused and resumed, which does not start it.
func TestPauseWhileWaiting(t *testing.T) {
	cfg := config(t, brokertest.Shared(t))
	l := open(t, cfg)
	l.Resume()
	snap := until(t, l, "polled", func(snap lab.Snapshot) bool { return snap.Queue.Known })
	if snap.Load.Paused || !snap.Load.Waiting || snap.Load.Progress.Started != 0 {
		t.Errorf("load %+v", snap.Load)
	}
	l.Pause()
	start(t, l)
	snap = until(t, l, "no waiting", func(snap lab.Snapshot) bool { return !snap.Load.Waiting })
	if !snap.Load.Paused || snap.Load.Progress.Started != 0 {
		t.Errorf("load %+v", snap.Load)
	}
}

func TestLoadSettings(t *testing.T) {
	cfg := config(t, brokertest.Shared(t))
	cfg.Paused = false
	l := open(t, cfg)
	start(t, l)
	more := func(what string) lab.Snapshot {
		t.Helper()
		return until(t, l, what, func(snap lab.Snapshot) bool { return snap.Load.Progress.Completed >= 20 })
	}
	if snap := more("closed"); snap.Load.Concurrency != 4 || snap.Load.Rate != 0 {
		t.Errorf("load %+v", snap.Load)
	}
	must(t, l.SetConcurrency(2))
	if snap := l.Snapshot(lab.Query{}); snap.Load.Progress.Concurrency != 2 || snap.Load.Progress.Completed == 0 {
		t.Errorf("the same load goes on: %+v", snap.Load)
	}
	must(t, l.SetRate(500))
	if snap := more("open"); snap.Load.Rate != 500 || snap.Load.Progress.Rate != 500 || snap.Load.Concurrency != 0 {
		t.Errorf("load %+v", snap.Load)
	}
	must(t, l.SetRate(1000))
	if snap := l.Snapshot(lab.Query{}); snap.Load.Progress.Rate != 1000 || snap.Load.Progress.Completed == 0 {
		t.Errorf("the same load goes on: %+v", snap.Load)
	}
	must(t, l.SetConcurrency(3))
	if snap := more("closed again"); snap.Load.Rate != 0 || snap.Load.Concurrency != 3 {
		t.Errorf("load %+v", snap.Load)
	}
	until(t, l, "the open model's calls have ended", func(snap lab.Snapshot) bool { return snap.Ledger.Calls.InFlight <= 3 })

	must(t, l.SetFib("7-9"))
	until(t, l, "another fib", func(snap lab.Snapshot) bool {
		return len(snap.Ledger.Completed) > 0 && strings.Contains("7 8 9", snap.Ledger.Completed[0].Request)
	})
	must(t, l.SetTimeout(17*time.Second))
	until(t, l, "another timeout", func(snap lab.Snapshot) bool {
		c := snap.Ledger.Completed
		return len(c) > 0 && c[0].Deadline.Sub(c[0].Sent).Round(time.Second) == 17*time.Second
	})
	if got := l.RunConfig(); got.Fib != "7-9" || got.TimeoutMS != 17_000 || got.Concurrency != 3 || got.Rate != 0 || got.Queue != cfg.Queue || got.Seed != 1 {
		t.Errorf("%+v", got)
	}
	snap := l.Snapshot(everything())
	if snap.Ledger.Calls.Failed != 0 || snap.Ledger.Calls.Wrong != 0 {
		t.Errorf("calls %+v, failures %+v, %d wrong", snap.Ledger.Calls, snap.Ledger.Failures, snap.Ledger.Calls.Wrong)
	}

	before := snap.Load
	for name, err := range map[string]error{
		"concurrency": l.SetConcurrency(0), "max": l.SetConcurrency(load.MaxConcurrency + 1), "rate": l.SetRate(0),
		"rate -": l.SetRate(-1), "fib": l.SetFib("x"), "range": l.SetFib("9-7"), "timeout": l.SetTimeout(0), "long": l.SetTimeout(1001 * time.Hour),
		"burst": l.Burst(0), "burst max": l.Burst(lab.MaxBurst + 1), "fault": l.SetFault("nonsense"),
	} {
		if !errors.Is(err, amqprpc.ErrInvalidConfig) || !noted(err.Error())(l.Snapshot(everything())) {
			t.Errorf("%s: %v", name, err)
		}
	}
	after := l.Snapshot(lab.Query{}).Load
	before.Progress, after.Progress = load.Progress{}, load.Progress{}
	if before != after {
		t.Errorf("the load was %+v and is %+v", before, after)
	}
}

func TestCallAndBurst(t *testing.T) {
	node := brokertest.Shared(t)
	cfg := config(t, node)
	cfg.Fib = "30"
	var failures atomic.Int32
	cfg.OnFailure = func(error) { failures.Add(1) }
	l := open(t, cfg)
	var n atomic.Int32
	serve(t, node, cfg.Queue, func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
		switch n.Add(1) {
		case 2:
			return amqprpc.Response{Body: []byte("\x1b[2Jno")}, nil
		case 3:
			return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeOutOfRange, "too much")
		}
		return amqprpc.Response{Body: []byte("832040")}, nil
	})
	var ids []string
	for _, want := range []string{": 832040 in ", "no in ", ": remote: OUT_OF_RANGE: too much"} {
		id := l.Call()
		ids = append(ids, id)
		untilNoted(t, l, "call "+id[:8]+" fib(30)", want)
	}
	snap := l.Snapshot(everything())
	if !noted("from test, which is wrong")(snap) || snap.Ledger.Calls.Wrong != 1 || failures.Load() != 1 {
		t.Errorf("%d wrong, %d failures; notes:\n%s", snap.Ledger.Calls.Wrong, failures.Load(), texts(snap.Notes))
	}
	var seen []string
	for _, note := range snap.Notes {
		if note.ID != "" {
			seen = append(seen, note.ID)
		}
	}
	if fmt.Sprint(seen) != fmt.Sprint(ids) {
		t.Errorf("the notes are about %q, want %q", seen, ids)
	}
	for _, id := range ids {
		if story, ok := l.Inspect(id); !ok || story.ID != id {
			t.Errorf("no story of %s", id)
		}
		if found := l.Find(id[:8], 5); len(found) != 1 || found[0] != id {
			t.Errorf("found %q", found)
		}
	}
	must(t, l.Burst(100))
	snap = untilNoted(t, l, "burst of 100: 100 completed in ")
	if snap.Ledger.Calls.Completed != 102 {
		t.Errorf("calls %+v", snap.Ledger.Calls)
	}
	n.Store(1)
	must(t, l.Burst(5))
	untilNoted(t, l, "burst of 5: 4 completed in ", ", 1 failed, 1 wrong")
	must(t, l.SetTimeout(time.Millisecond))
	must(t, l.SetFib("31"))
}

func TestDropConnection(t *testing.T) {
	cfg := config(t, brokertest.Shared(t))
	cfg.Paused = false
	l := open(t, cfg)
	start(t, l)
	until(t, l, "calls", func(snap lab.Snapshot) bool { return snap.Ledger.Calls.Completed > 50 && snap.Queue.Known })
	l.DropConnection()
	snap := untilNoted(t, l, "connected to ", " again after ")
	if !noted("dropped the connection, with ", " in flight")(snap) || !noted("connection lost: dropped by hand")(snap) || snap.Ledger.Connection.Epochs != 2 {
		t.Errorf("connection %+v, notes:\n%s", snap.Ledger.Connection, texts(snap.Notes))
	}
	completed := snap.Ledger.Calls.Completed
	until(t, l, "more calls", func(snap lab.Snapshot) bool {
		return snap.Ledger.Calls.Completed > completed+50 && snap.Queue.Known && snap.Queue.Consumers == 1
	})
}

// Notes, events and the ledger say that a connection was dropped by hand, but not that the next
// one was.
func TestDropConnectionReason(t *testing.T) {
	node := brokertest.Own(t)
	l := open(t, config(t, node))
	declare(t, node, l.RunConfig().Queue)
	for calls, lose := range []func(){l.DropConnection, node.Kill} {
		id := l.Call()
		until(t, l, "confirmed", func(snap lab.Snapshot) bool { return snap.Ledger.Traffic.Confirmed == uint64(calls+1) })
		lose()
		snap := untilNoted(t, l, "call "+id[:8], "connection lost: ")
		story, _ := l.Inspect(id)
		said := []string{snap.Ledger.Connection.Lost, story.Events[len(story.Events)-1].Text}
		newest := ""
		for _, n := range snap.Notes {
			switch {
			case n.ID == id:
				said = append(said, n.Text)
			case strings.HasPrefix(n.Text, "connection lost: "):
				newest = n.Text
			}
		}
		for _, text := range append(said, newest) {
			if byHand := strings.Contains(text, "dropped by hand"); byHand != (calls == 0) || strings.Contains(text, "closed network") {
				t.Errorf("loss %d is explained by %q", calls+1, text)
			}
		}
		if calls == 0 {
			until(t, l, "another connection", func(snap lab.Snapshot) bool { return snap.Ledger.Connection.Connected })
		}
	}
	must(t, node.Start(t.Context()))
}

// The state of the queue is unknown while there is no broker.
func TestBrokerLost(t *testing.T) {
	node := brokertest.Own(t)
	cfg := config(t, node)
	l := open(t, cfg)
	until(t, l, "polled", func(snap lab.Snapshot) bool { return snap.Queue.Known })
	node.Kill()
	snap := until(t, l, "it is gone", func(snap lab.Snapshot) bool { return !snap.Ledger.Connection.Connected })
	if snap.Queue.Known {
		t.Errorf("queue %+v", snap.Queue)
	}
	l.DropConnection()
	snap = untilNoted(t, l, "there is no connection to drop")
	if _, err := l.UnknownReply(t.Context()); err == nil || !strings.Contains(err.Error(), "no callback queue") {
		t.Errorf("%v", err)
	}
	must(t, node.Start(t.Context()))
	// The first connection after a boot may be lost again.
	until(t, l, "polled again, and each connection has a note", func(snap lab.Snapshot) bool {
		reconnects := strings.Count(texts(snap.Notes), " again after ")
		return snap.Queue.Known && reconnects > 0 && snap.Ledger.Connection.Epochs == reconnects+1
	})
}

func TestAlarm(t *testing.T) {
	node := brokertest.Own(t)
	cfg := config(t, node)
	cfg.Paused = false
	l := open(t, cfg)
	start(t, l)
	until(t, l, "calls", func(snap lab.Snapshot) bool { return snap.Ledger.Calls.Completed > 10 })
	must(t, node.RaiseMemoryAlarm(t.Context()))
	l.Call() // the broker blocks a connection when it publishes
	snap := untilNoted(t, l, "the broker blocks publishers, by an alarm: ")
	if c := snap.Ledger.Connection; !c.Blocked || c.BlockedReason == "" {
		t.Errorf("connection %+v", c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if id, err := l.UnknownReply(ctx); err == nil || !strings.Contains(err.Error(), "unknown reply "+id[:8]+" was not sent: ") {
		t.Errorf("%v", err)
	}
	must(t, node.ClearMemoryAlarm(t.Context()))
	until(t, l, "no alarm", func(snap lab.Snapshot) bool { return !snap.Ledger.Connection.Blocked })
	untilNoted(t, l, "alarm is over")
	_, err := l.UnknownReply(t.Context())
	must(t, err)
}

func TestFreeze(t *testing.T) {
	cfg := config(t, brokertest.Shared(t))
	cfg.Paused = false
	l := open(t, cfg)
	start(t, l)
	until(t, l, "calls", func(snap lab.Snapshot) bool { return snap.Ledger.Calls.Completed > 50 })
	f := l.Freeze()
	then := f.Snapshot(everything())
	if !then.Frozen || then.Ledger.Calls.Completed < 50 || len(then.Pool) != 1 || len(then.Notes) == 0 {
		t.Fatalf("%+v", then)
	}
	must(t, l.SetFib("6"))
	until(t, l, "more calls", func(snap lab.Snapshot) bool { return snap.Ledger.Calls.Completed > then.Ledger.Calls.Completed+200 })
	now := f.Snapshot(everything())
	if !reflect.DeepEqual(then, now) {
		t.Errorf("the picture was\n%+v\nand is\n%+v", then, now)
	}
	id := then.Ledger.Completed[0].ID
	if story, ok := f.Inspect(id); !ok || story.ID != id || story.Outcome != amqprpc.Completed {
		t.Errorf("%+v, %v", story, ok)
	}
	if found := f.Find(id, 2); len(found) != 1 {
		t.Errorf("found %q", found)
	}
	if _, ok := f.InspectStray(1); ok {
		t.Error("a stray reply out of nothing")
	}
	later := l.Call()
	untilNoted(t, l, "call "+later[:8], ": 8 in ")
	if _, ok := f.Inspect(later); ok {
		t.Error("a call of later is in the picture")
	}
	if snap := f.Snapshot(lab.Query{Notes: 1}); len(snap.Notes) != 1 || snap.Notes[0] != then.Notes[len(then.Notes)-1] {
		t.Errorf("%+v", snap.Notes)
	}
}

// Close ends everything that runs. After it the ledger can be read, and all methods fail.
func TestCloseWhileBusy(t *testing.T) {
	cfg := config(t, brokertest.Shared(t))
	cfg.Paused, cfg.Fib, cfg.Concurrency = false, "5-15", 64
	l := open(t, cfg)
	start(t, l)
	start(t, l)
	must(t, l.SetRate(500))
	must(t, l.Burst(500))
	_, err := l.UnknownReply(t.Context())
	must(t, err)
	until(t, l, "calls", func(snap lab.Snapshot) bool { return snap.Ledger.Calls.Completed > 50 })
	pids := l.Snapshot(lab.Query{}).Pool
	starting := make(chan struct{})
	go func() {
		defer close(starting)
		l.StartServer(context.Background()) //nolint:errcheck // it may succeed or fail
	}()
	closeLab(t, l)
	<-starting
	closeLab(t, l) // again
	for _, s := range pids {
		if p, err := os.FindProcess(s.PID); err == nil && p.Signal(syscall.Signal(0)) == nil {
			t.Errorf("process %d of %s lives", s.PID, s.Name)
		}
	}
	snap := l.Snapshot(everything())
	if snap.Ledger.Calls.InFlight != 0 || snap.Ledger.Calls.Completed == 0 {
		t.Errorf("calls %+v", snap.Ledger.Calls)
	}
	_, startErr := l.StartServer(t.Context())
	_, unknownErr := l.UnknownReply(t.Context())
	_, secondErr := l.SecondReply(t.Context(), "")
	for name, err := range map[string]error{
		"fib": l.SetFib("3"), "concurrency": l.SetConcurrency(3), "rate": l.SetRate(3), "timeout": l.SetTimeout(1),
		"fault": l.SetFault(""), "burst": l.Burst(3), "start": startErr, "unknown": unknownErr, "second": secondErr,
	} {
		if err == nil {
			t.Errorf("%s after Close", name)
		}
	}
	if id := l.Call(); id != "" {
		t.Errorf("call %s after Close", id)
	}
	l.Pause()
	l.Resume()
	l.DropConnection()
}

// Close kills a server that does not end in time, and its error names it.
func TestCloseKills(t *testing.T) {
	cfg := config(t, brokertest.Shared(t))
	brokertest.NoLeaks(t)
	l, err := lab.Open(t.Context(), cfg)
	must(t, err)
	must(t, l.SetFault("ack-delay=1h"))
	name := start(t, l)
	id := l.Call()
	untilNoted(t, l, "call "+id[:8], "from "+name)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := l.Close(ctx); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("%v", err)
	}
	if s := l.Snapshot(lab.Query{}).Pool[0]; s.State.Alive() {
		t.Errorf("%+v", s)
	}
}

// All methods may be called at once, Close too.
func TestConcurrentMethods(t *testing.T) {
	cfg := config(t, brokertest.Shared(t))
	cfg.Paused = false
	l := open(t, cfg)
	name := start(t, l)
	until(t, l, "calls", func(snap lab.Snapshot) bool { return snap.Ledger.Calls.Completed > 10 })
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	verbs := []func(i int){
		func(i int) { l.SetConcurrency(1 + i%4) },               //nolint:errcheck // it may fail, here and below
		func(i int) { l.SetRate(float64(100 + i)) },             //nolint:errcheck // "
		func(i int) { l.SetFib(fmt.Sprint(i % 9)) },             //nolint:errcheck // "
		func(i int) { l.SetTimeout(time.Second) },               //nolint:errcheck // "
		func(i int) { l.Pause(); l.Resume() },                   //nolint:errcheck // "
		func(i int) { l.Call() },                                //nolint:errcheck // "
		func(i int) { l.Burst(3) },                              //nolint:errcheck // "
		func(i int) { l.SecondReply(ctx, "") },                  //nolint:errcheck // "
		func(i int) { l.UnknownReply(ctx) },                     //nolint:errcheck // "
		func(i int) { l.Snapshot(everything()); l.RunConfig() }, //nolint:errcheck // "
		func(i int) { l.Freeze().Snapshot(everything()) },       //nolint:errcheck // "
		func(i int) { l.Note(lab.Success, "text", "id") },       //nolint:errcheck // "
		func(i int) {
			if i%10 == 0 {
				l.DropConnection()
			}
		},
		func(i int) {
			if i < 2 {
				l.StartServer(ctx)          //nolint:errcheck // "
				l.RestartServer(ctx, name)  //nolint:errcheck // "
				l.KillServer("fib-2")       //nolint:errcheck // "
				l.SetFault("duplicate=0.1") //nolint:errcheck // "
			}
		},
	}
	var wg sync.WaitGroup
	var done atomic.Int32
	for _, verb := range verbs {
		wg.Go(func() {
			for i := range 30 {
				verb(i)
				done.Add(1)
			}
		})
	}
	wg.Go(func() {
		until(t, l, "half of it is done", func(lab.Snapshot) bool { return int(done.Load()) > len(verbs)*15 })
		closeLab(t, l)
	})
	wg.Wait()
}

func TestPanics(t *testing.T) {
	node := brokertest.Shared(t)
	for name, arm := range map[string]func(*lab.Config){
		"observer": func(c *lab.Config) {
			c.Observer = amqprpc.ObserverFunc(func(e amqprpc.Event) {
				if e.Kind == amqprpc.EventFailed {
					panic(fmt.Errorf("test %w", os.ErrInvalid))
				}
			})
		},
		"failure": func(c *lab.Config) { c.OnFailure = func(error) { panic(fmt.Errorf("test %w", os.ErrInvalid)) } },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t, node)
			arm(&cfg)
			brokertest.NoLeaks(t)
			l, err := lab.Open(t.Context(), cfg)
			must(t, err)
			l.Call()
			snap := until(t, l, "a panic", func(snap lab.Snapshot) bool { return snap.Err != nil })
			var p *lab.PanicError
			if !errors.As(snap.Err, &p) || !strings.HasPrefix(snap.Err.Error(), "panic: test invalid argument\n\n") {
				t.Errorf("%v", snap.Err)
			}
			if text := snap.Err.Error(); !strings.Contains(text, "lab_test.go") || !bytes.Contains(p.StackTrace(), []byte("lab_test.go")) {
				t.Errorf("%s", text)
			}
			closeLab(t, l)
		})
	}
}

func TestInvalidConfig(t *testing.T) {
	good := lab.Config{Broker: amqprpc.ConnConfig{URLs: []string{"amqp://guest:hunter2@127.0.0.1:1/"}}, Queue: "q"}
	for name, spoil := range map[string]func(*lab.Config){
		"no queue": func(c *lab.Config) { c.Queue = "" }, "long queue": func(c *lab.Config) { c.Queue = strings.Repeat("q", 256) },
		"fib": func(c *lab.Config) { c.Fib = "-1" }, "concurrency": func(c *lab.Config) { c.Concurrency = -1 },
		"too much": func(c *lab.Config) { c.Concurrency = load.MaxConcurrency + 1 }, "rate": func(c *lab.Config) { c.Rate = -1 },
		"limit": func(c *lab.Config) { c.Rate, c.Concurrency = 1, -1 }, "timeout": func(c *lab.Config) { c.Timeout = -1 },
		"url": func(c *lab.Config) { c.Broker.URLs = []string{"amqp://guest:hunter2@[::1"} },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := lab.Open(t.Context(), cfg); !errors.Is(err, amqprpc.ErrInvalidConfig) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	brokertest.NoLeaks(t)
	var dial *amqprpc.DialError
	if _, err := lab.Open(t.Context(), good); !errors.As(err, &dial) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}
