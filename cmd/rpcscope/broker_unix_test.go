//go:build unix

package main

import (
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/cmd/internal/cli"
)

// A signal closes the connections in an orderly way, and the exit code is 0.
func TestBrokerSignals(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			f := startBroker(t, nil)
			closed := dialBroker(t, "guest:guest", f.address, "x").NotifyClose(make(chan *amqp.Error, 1))
			if err := f.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			select {
			case why := <-closed:
				if why == nil || why.Code != amqp.ConnectionForced {
					t.Errorf("the connection was closed with %v", why)
				}
			case <-time.After(patience):
				t.Error("the connection stays open")
			}
			f.wantExit(t, cli.OK)
		})
	}
}

func (f *brokerProcess) wantExit(t *testing.T, code int) {
	t.Helper()
	select {
	case <-f.exited:
	case <-time.After(patience):
		t.Fatalf("it does not end; log:\n%s", f.logged())
	}
	if got := f.cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d, not %d; log:\n%s", got, code, f.logged())
	}
}
