package cluster

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
)

const (
	nodes       = 3
	testTimeout = 2 * time.Minute // bounds every wait of a test
	deadline    = 3 * time.Minute // of calls: later than testTimeout, so that no call times out
)

var (
	concurrency = flag.Int("concurrency", 8, "calls in flight, of each of the two clients")
	persistent  = flag.Bool("persistent", false, "requests are persistent")
)

// members is the cluster that the tests share: it takes longer to start than any of them.
var members struct {
	sync.Mutex
	*rabbitmq.Cluster
	err error
}

// Without RabbitMQ there is nothing to test here, and `go test` says so.
func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	if brokertest.Short() {
		return brokertest.NoTests(brokertest.ErrShort)
	}
	if _, err := rabbitmq.Installed(); err != nil {
		return brokertest.Absent(brokertest.NeedRabbitMQ, err)
	}
	// An interrupt ends the process, and nodes elsewhere than on Linux end only by Close.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	go func() {
		if _, ok := <-interrupts; ok {
			_ = closeCluster() // the process ends
			os.Exit(130)
		}
	}()
	code := m.Run()
	signal.Stop(interrupts)
	close(interrupts)
	for _, err := range []error{closeCluster(), goleak.Find()} {
		if err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	return code
}

func closeCluster() error {
	members.Lock()
	defer members.Unlock()
	if members.Cluster == nil {
		return nil
	}
	return members.Close()
}

// allNodesUp returns the cluster with all its nodes running, even if the test before has stopped some.
func allNodesUp(t *testing.T) *rabbitmq.Cluster {
	t.Helper()
	members.Lock()
	defer members.Unlock()
	if members.Cluster == nil && members.err == nil {
		began := time.Now()
		members.Cluster, members.err = rabbitmq.StartCluster(context.Background(), nodes, rabbitmq.Config{BootTimeout: testTimeout})
		t.Logf("a cluster of %d nodes in %.1f s", nodes, time.Since(began).Seconds())
	}
	if members.err != nil {
		t.Fatal(members.err)
	}
	for _, n := range members.Nodes() {
		if !n.Running() {
			if err := n.Start(within(t)); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, n := range members.Nodes() {
				t.Logf("node %s, running %v, said last:\n%s", n.Name(), n.Running(), n.LogTail())
			}
		}
	})
	return members.Cluster
}

// within bounds the next wait of a test.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}
