package lab_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/tui/lab"
)

// CallWith sends any body unchanged.
func TestCallWith(t *testing.T) {
	node := brokertest.Shared(t)
	cfg := config(t, node)
	l := open(t, cfg)
	bodies := make(chan string, 1)
	serve(t, node, cfg.Queue, func(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
		bodies <- string(req.Body)
		if string(req.Body) == "10" {
			return amqprpc.Response{Body: []byte("55")}, nil
		}
		return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeInvalidArgument, "no number")
	})
	for _, body := range []string{"abc", "", "\x1b[2J\x00", "-5", strings.Repeat("9", 5000), "10"} {
		id := l.CallWith(body)
		if got := <-bodies; got != body {
			t.Errorf("%.40q was sent as %.40q", body, got)
		}
		if body == "10" {
			untilNoted(t, l, "call "+id[:8]+` with the body "10": 55 in `)
		} else {
			untilNoted(t, l, "call "+id[:8]+` with the body "`, ": remote: INVALID_ARGUMENT: no number")
		}
	}
	if snap := l.Snapshot(everything()); snap.Ledger.Calls.Wrong != 0 || snap.Ledger.Failures.Remote != 5 || snap.Ledger.Calls.Completed != 1 {
		t.Errorf("%+v, %+v, %d wrong", snap.Ledger.Calls, snap.Ledger.Failures, snap.Ledger.Calls.Wrong)
	}
}

// Flags are for one server only.
func TestStartServerWith(t *testing.T) {
	l := open(t, config(t, brokertest.Shared(t)))
	slow, err := l.StartServerWith(t.Context(), "--delay=1ms", "--prefetch=7")
	must(t, err)
	snap := untilNoted(t, l, slow+" started, pid ", ", --delay=1ms --prefetch=7")
	if args := strings.Join(snap.Pool[0].Args, " "); !strings.Contains(args, "--delay=1ms --prefetch=7") {
		t.Errorf("started with %q", args)
	}
	start(t, l)
	if args := l.Snapshot(everything()).Pool[1].Args; len(args) != 1 {
		t.Errorf("the next one is started with %q", args)
	}
	if _, err := l.StartServerWith(t.Context(), "--nonsense"); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("nonsense: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.StartServerWith(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	if note := untilNoted(t, l, "the start of a server was given up").Notes; note[len(note)-1].Level != lab.Info {
		t.Errorf("%+v", note)
	}
}

// exists reports whether a queue exists.
func exists(t testing.TB, node brokertest.Node, queue string) bool {
	t.Helper()
	conn, err := amqp.Dial(node.URL())
	must(t, err)
	defer conn.Close()
	ch, err := conn.Channel()
	must(t, err)
	_, err = ch.QueueDeclarePassive(queue, false, false, false, false, nil)
	var refused *amqp.Error
	if err != nil && (!errors.As(err, &refused) || refused.Code != amqp.NotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// expires returns x-expires of a quorum queue in ms, or 0.
func expires(t testing.TB, node brokertest.Node, queue string) (ms string) {
	t.Helper()
	conn, err := amqp.Dial(node.URL())
	must(t, err)
	defer conn.Close()
	ch, err := conn.Channel()
	must(t, err)
	_, err = ch.QueueDeclare(queue, true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
	if err == nil {
		return "0"
	}
	_, after, _ := strings.Cut(err.Error(), "received none but current is the value '")
	ms, _, ok := strings.Cut(after, "'")
	if !ok || !strings.Contains(err.Error(), "x-expires") {
		t.Fatal(err)
	}
	return ms
}

// An own queue is deleted with its requests, and expires; another queue is neither.
func TestOwnQueue(t *testing.T) {
	node := brokertest.Shared(t)
	for _, own := range []bool{true, false} {
		cfg := config(t, node)
		cfg.OwnQueue = own
		l := open(t, cfg)
		must(t, l.StopServer(t.Context(), start(t, l)))
		if ms := expires(t, node, cfg.Queue); ms != map[bool]string{true: "300000", false: "0"}[own] {
			t.Errorf("own %t: it expires after %s ms", own, ms)
		}
		l.Call()
		until(t, l, "a request waits", func(snap lab.Snapshot) bool { return snap.Queue.Ready == 1 })
		closeLab(t, l)
		if exists(t, node, cfg.Queue) == own {
			t.Errorf("own %t: exists %t", own, !own)
		}
	}
	cfg := config(t, node)
	cfg.OwnQueue = true
	closeLab(t, open(t, cfg)) // the queue has never existed
}

// An own queue is deleted even if servers have to be killed. Close fails without a broker.
func TestOwnQueueAfterFailures(t *testing.T) {
	node := brokertest.Own(t)
	cfg := config(t, node)
	cfg.OwnQueue = true
	brokertest.NoLeaks(t)
	l, err := lab.Open(t.Context(), cfg)
	must(t, err)
	start(t, l)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Close(ended); err == nil || strings.Contains(err.Error(), "deleted") {
		t.Errorf("a server that was killed: %v", err)
	}
	if exists(t, node, cfg.Queue) {
		t.Error("the queue is left")
	}

	l, err = lab.Open(t.Context(), cfg)
	must(t, err)
	node.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// The lab may not know yet that its connection is lost.
	if err := l.Close(ctx); err == nil || !strings.Contains(err.Error(), "the queue "+cfg.Queue+" was not deleted: ") {
		t.Errorf("no broker: %v", err)
	}
}
