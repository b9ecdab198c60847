package lab_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
)

func TestServers(t *testing.T) {
	cfg := config(t, brokertest.Shared(t))
	l := open(t, cfg)
	ctx := t.Context()
	first := start(t, l)
	must(t, l.SetFault("slow=0.5:1ms,duplicate"))
	fault := l.Snapshot(lab.Query{}).Fault
	if !strings.Contains(fault, "duplicate") {
		t.Errorf("fault %q", fault)
	}
	second := start(t, l)
	snap := until(t, l, "two consumers", func(snap lab.Snapshot) bool { return snap.Queue.Consumers == 2 && len(snap.Marks) == 2 })
	if len(snap.Pool) != 2 || snap.Pool[0].Name != first || snap.Pool[1].Name != second {
		t.Errorf("pool %+v", snap.Pool)
	}
	if args := fmt.Sprint(snap.Pool[0].Args, snap.Pool[1].Args); args != "[--seed=42] [--seed=43 --fault="+fault+"]" {
		t.Errorf("arguments %s", args)
	}
	if snap.Fault != "" {
		t.Errorf("the server after the next gets --fault=%s too", snap.Fault)
	}

	must(t, l.KillServer(first))
	must(t, l.StopServer(ctx, second))
	until(t, l, "both gone", func(snap lab.Snapshot) bool {
		return len(snap.Marks) == 4 && !snap.Marks[2].Joined && !snap.Marks[3].Joined && snap.Queue.Consumers == 0
	})
	must(t, l.RestartServer(ctx, first))
	snap = until(t, l, "one is back", func(snap lab.Snapshot) bool { return len(snap.Marks) == 5 && snap.Queue.Consumers == 1 })

	// Another process kills it.
	process, err := os.FindProcess(snap.Pool[0].PID)
	must(t, err)
	must(t, process.Kill())
	snap = untilNoted(t, l, first+" crashed: signal: killed")
	if n := count(snap, "crashed") + count(snap, "by itself"); n != 1 {
		t.Errorf("%d servers ended by themselves; notes:\n%s", n, texts(snap.Notes))
	}
	must(t, l.RestartServer(ctx, first))
	snap = until(t, l, "it is back", func(snap lab.Snapshot) bool { return len(snap.Marks) == 7 })
	process, err = os.FindProcess(snap.Pool[0].PID)
	must(t, err)
	must(t, process.Signal(syscall.SIGTERM))
	snap = untilNoted(t, l, first+" ended by itself")
	for _, text := range []string{
		first + " started, pid ", second + " started, pid ", first + " killed", second + " stopped in ", first + " restarted",
		"the next server gets --fault=",
	} {
		if !noted(text)(snap) {
			t.Errorf("no note %q in:\n%s", text, texts(snap.Notes))
		}
	}
	for name, err := range map[string]error{
		"kill": l.KillServer("nobody"), "stop": l.StopServer(ctx, "nobody"), "restart": l.RestartServer(ctx, "nobody"),
		"kill twice": l.KillServer(first),
	} {
		if err == nil || !noted(err.Error())(l.Snapshot(everything())) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestServerCannotStart(t *testing.T) {
	cfg := config(t, brokertest.Shared(t))
	cfg.Pool.Args = []string{"--nonsense"}
	l := open(t, cfg)
	_, err := l.StartServer(t.Context())
	if err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("%v", err)
	}
	snap := l.Snapshot(everything())
	if !noted("nonsense")(snap) || count(snap, "crashed") != 0 || len(snap.Marks) != 0 || len(snap.Pool) != 0 {
		t.Errorf("marks %v, pool %+v, notes:\n%s", snap.Marks, snap.Pool, texts(snap.Notes))
	}
}

func TestKillMakesDuplicate(t *testing.T) {
	l := open(t, config(t, brokertest.Shared(t)))
	must(t, l.SetFault("ack-delay=1h"))
	slow := start(t, l)
	id := l.Call()
	untilNoted(t, l, "call "+id[:8], "from "+slow)
	other := start(t, l)
	must(t, l.KillServer(slow))
	snap := until(t, l, "a duplicate", func(snap lab.Snapshot) bool { return len(snap.Ledger.Duplicates) == 1 })
	d := snap.Ledger.Duplicates[0]
	if d.ID != id || !d.Redelivered || pool.ShortNames(d.Server) != other || pool.ShortNames(d.AnsweredBy) != slow || d.Nth != 2 || d.Body != "5" {
		t.Errorf("%+v", d)
	}
	if story, ok := l.InspectStray(d.Seq); !ok || story.ID != id || story.Replies != 2 {
		t.Errorf("%+v, %v", story, ok)
	}
}

// Flags are for one server only.
func TestStartServer(t *testing.T) {
	l := open(t, config(t, brokertest.Shared(t)))
	slow, err := l.StartServer(t.Context(), "--delay=1ms", "--prefetch=7")
	must(t, err)
	snap := untilNoted(t, l, slow+" started, pid ", ", --delay=1ms --prefetch=7")
	if args := strings.Join(snap.Pool[0].Args, " "); !strings.Contains(args, "--delay=1ms --prefetch=7") {
		t.Errorf("started with %q", args)
	}
	start(t, l)
	if args := l.Snapshot(everything()).Pool[1].Args; len(args) != 1 {
		t.Errorf("the next one is started with %q", args)
	}
	if _, err := l.StartServer(t.Context(), "--nonsense"); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("nonsense: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.StartServer(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	if note := untilNoted(t, l, "the start of a server was given up").Notes; note[len(note)-1].Level != lab.Info {
		t.Errorf("%+v", note)
	}
}
