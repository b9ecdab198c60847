//go:build linux || darwin

package main

import (
	"fmt"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
	"rpcscope/cmd/rpcscope/internal/screen"
)

// In front of somebody else's service the screen begins paused, and its keys start no fibserver
// that nobody has said yes to.
func TestScreenBesideAForeignService(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	foreign := newForeign(t, node.URL(), queue, echo)
	term := shell(t, node.URL(), screen.Size{Cols: 140, Rows: 40})
	for _, args := range []string{"--servers 1", "--servers 1 --body x"} {
		term.Type("clear; rpcscope --queue "+queue+" "+args+"; echo code=$?", "enter")
		term.WaitFor("--force")
		term.WaitFor("code=")
		if strings.Contains(term.Raw(), "\x1b[?1049h") {
			t.Fatalf("%s shows a screen", args)
		}
	}
	term.Type("clear; rpcscope --queue "+queue+" -c 2", "enter")
	term.WaitFor("PAUSED")
	term.WaitFor("The load begins paused, because somebody else consumes")
	for _, key := range []string{"s", "x", "r"} {
		term.Type(key)
		term.WaitFor("Start servers here, although somebody else consumes")
		term.Type("enter")
		term.WaitFor("Duplicate 0")
	}
	if s := term.Screen(); strings.Contains(s, "s server") || strings.Contains(s, "x fault") || strings.Contains(s, "Press s to") {
		t.Errorf("it recommends servers:\n%s", s)
	}
	if n := len(foreign.requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
	term.Type(" ")
	shown(term, `completed ([\d,]+)`)
	term.Type("s", "down", "enter")
	term.WaitFor("1 running")
	term.Type("q")
	term.WaitAlone()
}

// A service on an exclusive queue is called, although nobody can say that it consumes.
func TestScreenOfAnExclusiveQueue(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	conn, err := amqp.Dial(node.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	q, err := ch.QueueDeclare(brokertest.QueueName(t), false, false, true, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	requests, err := ch.Consume(q.Name, "", true, true, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for r := range requests {
			ch.Publish("", r.ReplyTo, false, false, amqp.Publishing{CorrelationId: r.CorrelationId, Body: []byte("1")}) //nolint:errcheck // the calls tell
		}
	}()
	term := shell(t, node.URL(), screen.Size{Cols: 140, Rows: 40})
	term.Type("rpcscope --queue "+q.Name+" --fib 1 -c 2", "enter")
	term.WaitFor("exclusive to another connection")
	term.WaitFor("Press space to begin it")
	term.Type(" ")
	shown(term, `completed ([\d,]+)`)
	term.Type("q")
	term.WaitAlone()
}

// A user who may open no more channels has a screen all the same: its connection lives, the load
// begins, and it says why nothing is known of the queue.
func TestScreenAtTheChannelLimit(t *testing.T) {
	t.Parallel()
	node := brokertest.RabbitMQ(t, rabbitmq.Config{})
	queue := "limited"
	newForeign(t, node.URL(), queue, func([]byte) []byte { return []byte("1") })
	channels := func() int {
		return len(strings.Fields(brokertest.Ctl(t, node, "list_channels", "pid", "--no-table-headers")))
	}
	before := channels()
	client, err := amqprpc.Dial(t.Context(), amqprpc.Config{ConnConfig: amqprpc.ConnConfig{URLs: []string{node.URL()}}})
	if err != nil {
		t.Fatal(err)
	}
	most := channels()
	client.Close()
	for channels() != before {
	}
	brokertest.Ctl(t, node, "set_user_limits", "guest", fmt.Sprintf(`{"max-channels": %d}`, most))

	term := shell(t, node.URL(), screen.Size{Cols: 200, Rows: 40})
	term.Type("rpcscope --queue "+queue+" --fib 1 --rate 20", "enter")
	term.WaitFor("Nobody can say who consumes from limited")
	term.WaitFor(fmt.Sprintf("user limit of (%d)", most))
	term.Wait("some calls", func(string) bool { return shown(term, `completed ([\d,]+)`) > 100 })
	term.Type("s")
	term.WaitFor("Start servers here, although nobody can say")
	term.Type("enter", "v")
	term.WaitFor("the load begins all the same")
	if s := term.Screen(); strings.Contains(s, "lost") || strings.Contains(s, "again") {
		t.Errorf("it has lost its connection:\n%s", s)
	}
	term.Type("q", "q")
	term.WaitAlone()
}
