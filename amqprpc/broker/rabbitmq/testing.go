package rabbitmq

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// shared is the node that the tests of this process share.
var shared struct {
	sync.Mutex
	ctx  context.Context // while Main runs its tests; ends with an interrupt
	node *Node
	err  error // of its start, which is tried once
}

// Main runs the tests of a package and then ends the node that they shared, if they
// used one; it returns the exit code. It ends the node on an interrupt too. A
// panicking test takes the process down, and the node with it.
//
//	func TestMain(m *testing.M) { os.Exit(rabbitmq.Main(m)) }
func Main(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, sigTerm)
	shared.Lock()
	shared.ctx = ctx
	shared.Unlock()
	finished := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
			_ = closeShared() // on our way out; nobody is left to tell
			os.Exit(130)
		case <-finished:
		}
	}()
	code := m.Run()
	close(finished)
	stop()
	if err := closeShared(); err != nil {
		fmt.Fprintln(os.Stderr, "close the shared RabbitMQ node:", err)
		code = max(code, 1)
	}
	return code
}

// closeShared ends the shared node, and lets no other be started.
func closeShared() error {
	shared.Lock()
	defer shared.Unlock()
	shared.ctx = nil
	if shared.node == nil {
		return nil
	}
	return shared.node.Close()
}

// Shared returns the node that all tests of this process share; the first one to ask
// for it starts it. Tests keep apart by [QueueName], and leave its users, its
// alarms and its life alone: for those there is [Own]. It needs [Main] in the
// package's TestMain. A test fails, and is never skipped, if there is no node to be had.
func Shared(t testing.TB) *Node {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	switch {
	case shared.ctx == nil:
		t.Fatal("rabbitmq.Shared needs: func TestMain(m *testing.M) { os.Exit(rabbitmq.Main(m)) }")
	case shared.err != nil:
		t.Fatal(shared.err)
	case shared.node == nil:
		// Not t.Context(): the node outlives this test. The boot timeout bounds it.
		if shared.node, shared.err = Start(shared.ctx, Config{}); shared.err != nil {
			t.Fatal(shared.err)
		}
	case !shared.node.Running():
		t.Fatalf("the shared RabbitMQ node has ended; its last words:\n%s", shared.node.LogTail())
	}
	return shared.node
}

// Own starts a node for this test alone and closes it when the test ends; it shows the
// node's log if the test has failed by then.
func Own(t testing.TB, cfg Config) *Node {
	t.Helper()
	n, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("RabbitMQ node %s said last:\n%s", n.Name(), n.LogTail())
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

var notInAName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// QueueName returns a queue name that no other test has: the test's name, as far as it
// goes, and a random end; at most 120 bytes of A-Z, a-z, 0-9, '.', '_' and '-'. When
// the test ends, a queue of that name is deleted from the shared node.
func QueueName(t testing.TB) string {
	t.Helper()
	const most, random = 120, 10
	name := notInAName.ReplaceAllString(t.Name(), ".")
	name = name[:min(len(name), most-1-random)] + "-" + rand.Text()[:random]
	t.Cleanup(func() {
		if err := deleteShared(name); err != nil {
			t.Logf("delete queue %s: %v", name, err) // a nuisance to nobody but the node's memory
		}
	})
	return name
}

// deleteShared deletes a queue from the shared node, if both exist.
func deleteShared(queue string) error {
	shared.Lock()
	node := shared.node
	shared.Unlock()
	if node == nil || !node.Running() {
		return nil
	}
	// A short heartbeat bounds what follows, should the node not answer.
	conn, err := amqp.DialConfig(node.URL(), amqp.Config{Heartbeat: time.Second, Dial: amqp.DefaultDial(5 * time.Second)})
	if err != nil {
		return err
	}
	defer conn.CloseDeadline(time.Now().Add(time.Second))
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	// RabbitMQ answers delete-ok for a queue that is not there.
	_, err = ch.QueueDelete(queue, false, false, false)
	var refused *amqp.Error
	if errors.As(err, &refused) && refused.Code == amqp.ResourceLocked {
		return nil // another connection's exclusive queue: it goes with that
	}
	return err
}
