package lab_test

import (
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
	look := until(t, l, "two consumers", func(look lab.Snapshot) bool { return look.Queue.Consumers == 2 && len(look.Marks) == 2 })
	if len(look.Pool) != 2 || look.Starting != 0 || look.Pool[0].Name != first || look.Pool[1].Name != second {
		t.Errorf("pool %+v", look.Pool)
	}
	if args := fmt.Sprint(look.Pool[0].Args, look.Pool[1].Args); args != "[--seed=42] [--seed=43 --fault="+fault+"]" {
		t.Errorf("arguments %s", args)
	}
	if look.Fault != "" {
		t.Errorf("the server after the next gets --fault=%s too", look.Fault)
	}

	must(t, l.KillServer(first))
	must(t, l.StopServer(ctx, second))
	until(t, l, "both gone", func(look lab.Snapshot) bool {
		return len(look.Marks) == 4 && !look.Marks[2].Joined && !look.Marks[3].Joined && look.Queue.Consumers == 0
	})
	must(t, l.RestartServer(ctx, first))
	look = until(t, l, "one is back", func(look lab.Snapshot) bool { return len(look.Marks) == 5 && look.Queue.Consumers == 1 })
	if err := l.StopServer(ctx, second); !errors.Is(err, pool.ErrNotRunning) {
		t.Errorf("stopped twice: %v", err)
	}

	// Somebody else kills it.
	process, err := os.FindProcess(look.Pool[0].PID)
	must(t, err)
	must(t, process.Kill())
	look = untilNoted(t, l, first+" crashed: signal: killed")
	if n := count(look, "crashed") + count(look, "by itself"); n != 1 {
		t.Errorf("%d servers ended by themselves; notes:\n%s", n, texts(look.Notes))
	}
	must(t, l.RestartServer(ctx, first))
	look = until(t, l, "it is back", func(look lab.Snapshot) bool { return len(look.Marks) == 7 })
	process, err = os.FindProcess(look.Pool[0].PID)
	must(t, err)
	must(t, process.Signal(syscall.SIGTERM))
	look = untilNoted(t, l, first+" ended by itself")
	for _, what := range []string{
		first + " started, pid ", second + " started, pid ", first + " killed", second + " stopped in ", first + " restarted",
		"the next server gets --fault=",
	} {
		if !noted(what)(look) {
			t.Errorf("no note %q in:\n%s", what, texts(look.Notes))
		}
	}
	for what, err := range map[string]error{
		"kill": l.KillServer("nobody"), "stop": l.StopServer(ctx, "nobody"), "restart": l.RestartServer(ctx, "nobody"),
		"kill twice": l.KillServer(first),
	} {
		if err == nil || !noted(err.Error())(l.Snapshot(everything())) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestServerThatCannotStart(t *testing.T) {
	cfg := config(t, brokertest.Shared(t))
	cfg.Pool.Args = []string{"--nonsense"}
	l := open(t, cfg)
	_, err := l.StartServer(t.Context())
	if err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("%v", err)
	}
	look := l.Snapshot(everything())
	if !noted("nonsense")(look) || count(look, "crashed") != 0 || len(look.Marks) != 0 || look.Starting != 0 {
		t.Errorf("marks %v, %d starting, notes:\n%s", look.Marks, look.Starting, texts(look.Notes))
	}
}

func TestKillMakesADuplicate(t *testing.T) {
	l := open(t, config(t, brokertest.Shared(t)))
	must(t, l.SetFault("ack-delay=1h"))
	slow := start(t, l)
	id := l.Call()
	untilNoted(t, l, "call "+id[:8], "from "+slow)
	other := start(t, l)
	must(t, l.KillServer(slow))
	look := until(t, l, "a duplicate", func(look lab.Snapshot) bool { return len(look.Ledger.Duplicates) == 1 })
	d := look.Ledger.Duplicates[0]
	if d.ID != id || !d.Redelivered || pool.ShortNames(d.Server) != other || pool.ShortNames(d.AnsweredBy) != slow || d.Nth != 2 || d.Body != "5" {
		t.Errorf("%+v", d)
	}
	if story, ok := l.InspectStray(d.Seq); !ok || story.ID != id || story.Replies != 2 {
		t.Errorf("%+v, %v", story, ok)
	}
}
