package lab_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/tui/lab"
)

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
	brokertest.SkipIfShort(t)
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
