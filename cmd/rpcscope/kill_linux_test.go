package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/broker/brokertest"
)

// A kill -9 of a command ends its servers, each of which has a connection to the broker. (TestDemoEnds covers the
// screen.)
func TestKillTakesServers(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	for name, c := range map[string]struct {
		args  string
		queue string // begin of the name of the queue that is left
	}{
		"load":  {"load --servers 2 --duration 1h", "rpc_queue"},
		"scale": {"scale --servers 2 --duration 1h", "rpc_queue"},
		"tour":  {"tour --check --only 3", "rpcscope.tour."}, // it expires, see TestOwnQueue
	} {
		t.Run(name, func(t *testing.T) {
			b, err := broker.Start(broker.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close() //nolint:errcheck // it was for this test alone
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, bin.rpcscope, append(strings.Fields(c.args), "--url", b.URL())...)
			cmd.Env = append(os.Environ(), "AMQP_URL=")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait() //nolint:errcheck // it was killed
			until := func(what string, holds func() bool) {
				t.Helper()
				for !holds() {
					select {
					case <-time.After(5 * time.Millisecond):
					case <-ctx.Done():
						t.Fatalf("never: %s; %+v, %+v", what, b.Connections(), b.Queues())
					}
				}
			}
			requests := func() (q broker.QueueInfo) {
				for _, q := range b.Queues() {
					if strings.HasPrefix(q.Name, c.queue) {
						return q
					}
				}
				return q
			}
			until("two servers", func() bool { return requests().Consumers == 2 })
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			until("no connection left", func() bool { return len(b.Connections()) == 0 })
			if q := b.Queues(); len(q) != 1 || q[0].Name != requests().Name {
				t.Errorf("%+v", q)
			}
		})
	}
}
