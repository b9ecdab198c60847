package interop

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// rabbitmqctl shows which process each connection and consumer belongs to.
func TestOperatorsSeeProcesses(t *testing.T) {
	node := brokertest.RabbitMQ(t, rabbitmq.Config{})
	queue := brokertest.QueueName(t)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	fib := serve(t, node.URL(), "fib-", ours(t, "fibserver"), "--queue", queue+"-fib", "--queue-type", "classic", "--queue-expires", "1m")
	fibserver := fmt.Sprintf("fibserver[%d]@%s fib-1", fib.start(t).Status().PID, host)

	// rabbitmqctl runs while rpcscope waits for an answer.
	lists := make(chan string, 2)
	serving := make(chan struct{})
	server := amqprpc.Server{
		ConnConfig: amqprpc.ConnConfig{URLs: []string{node.URL()}}, Queue: queue, QueueType: amqprpc.QueueClassic,
		Handler: func(ctx context.Context, _ *amqprpc.Request) (amqprpc.Response, error) {
			for _, list := range [][]string{{"list_connections", "client_properties"}, {"list_consumers"}} {
				out, err := node.Ctl(ctx, list...)
				if err != nil {
					return amqprpc.Response{}, err
				}
				lists <- out
			}
			return amqprpc.Response{Body: []byte("5")}, nil
		},
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			if e.Kind == amqprpc.EventConnected && e.Epoch == 1 {
				close(serving)
			}
		}),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(t.Context()) }()
	defer func() {
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-serving:
	case err := <-ended:
		t.Fatal(err)
	}
	succeed(t, node.URL(), ours(t, "rpcscope"), "call", "--queue", queue, "--timeout", "50s", "5")
	connections, consumers := <-lists, <-lists

	rpcscope := `rpcscope\[\d+\]@` + regexp.QuoteMeta(host)
	fibserver = regexp.QuoteMeta(fibserver) + `(\.\d+@` + regexp.QuoteMeta(host) + `)?` // the pool's name of it
	for _, want := range []struct {
		what, list string
		all        []string // are in one line of the list
	}{
		{"fibserver's connection", connections, []string{`"product","fibserver"`, `"version","[^"]`, `"connection_name","` + fibserver}},
		{"rpcscope's connection", connections, []string{`"product","rpcscope"`, `"version","[^"]`, `"connection_name","` + rpcscope}},
		{"fibserver's consumer", consumers, []string{regexp.QuoteMeta(queue) + `-fib\t`, `\t` + fibserver + `\t`}},
		{"rpcscope's consumer", consumers, []string{`^amq\.gen-`, `\t` + rpcscope + `\t`}},
	} {
		if !slices.ContainsFunc(strings.Split(want.list, "\n"), func(line string) bool {
			return !slices.ContainsFunc(want.all, func(p string) bool { return !regexp.MustCompile(p).MatchString(line) })
		}) {
			t.Errorf("no line for %s with %q in\n%s", want.what, want.all, want.list)
		}
	}
}
