//go:build linux || darwin

package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
	"rpcscope/cmd/rpcscope/internal/screen"
)

// If others consume from the queue the screen begins paused, and its keys start a fibserver only after a yes.
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
	term.WaitFor("The load is paused, because another client consumes")
	for _, key := range []string{"s", "x", "r"} {
		term.Type(key)
		term.WaitFor("Start servers here, although another client consumes")
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

// A service on an exclusive queue is called, although the broker does not say that it consumes.
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
	term.WaitFor("Press space to start it")
	term.Type(" ")
	shown(term, `completed ([\d,]+)`)
	term.Type("q")
	term.WaitAlone()
}

// If the user may open no more channels, the connection lives, the load begins, and the screen says why it knows
// nothing of the queue.
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
	allowed := channels()
	client.Close()
	for channels() != before {
	}
	brokertest.Ctl(t, node, "set_user_limits", "guest", fmt.Sprintf(`{"max-channels": %d}`, allowed))

	term := shell(t, node.URL(), screen.Size{Cols: 200, Rows: 40})
	term.Type("rpcscope --queue "+queue+" --fib 1 --rate 20", "enter")
	term.WaitFor("It is unknown who consumes from limited")
	term.WaitFor("maximum allowed user limit of")
	term.Wait("some calls", func(string) bool { return shown(term, `completed ([\d,]+)`) > 100 })
	term.Type("s")
	term.WaitFor("Start servers here, although it is unknown")
	term.Type("enter", "v")
	term.WaitFor("the load begins anyway")
	if s := term.Screen(); strings.Contains(s, "lost") || strings.Contains(s, "again") {
		t.Errorf("it has lost its connection:\n%s", s)
	}
	term.Type("q", "q")
	term.WaitAlone()
}

// Two screens on one broker have servers of the same number. Each shows its own and, under other names, those of the
// other.
func TestTwoScreens(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	demo := "rpcscope demo --queue " + queue + " --server-flag=--queue-type=classic " + slowServer
	one := demoShell(t, node.URL(), screen.Size{Cols: 160, Rows: 40})
	one.Type(demo, "enter")
	one.WaitFor("2 running")
	two := demoShell(t, node.URL(), screen.Size{Cols: 160, Rows: 40})
	two.Type(demo+"; echo code=$?", "enter")
	two.WaitFor(`2 others consume from`)
	two.WaitFor("code=1")
	two.Type("clear; "+demo+" --force", "enter")
	two.WaitFor("2 running here, 2 elsewhere")
	two.WaitFor("PAUSED")
	two.Type(" ")
	two.Type("K")
	two.WaitFor("1 running here")
	two.Type("K")
	two.WaitFor("0 running here, 2 elsewhere")
	rows := regexp.MustCompile(`(?m)fib-([12])\.\d+@\S+ .* not ours`)
	killed := regexp.MustCompile(`fib-[12] +killed \d+s ago`)
	two.Wait("the servers of the other screen", func(s string) bool {
		return len(rows.FindAllString(s, -1)) == 2 && len(killed.FindAllString(s, -1)) == 2
	})
	if s := one.Screen(); !strings.Contains(s, "2 running") || strings.Contains(s, "killed") {
		t.Errorf("the other screen:\n%s", s)
	}
	one.Type("q")
	two.Type("q")
	one.WaitAlone()
	two.WaitAlone()
}
