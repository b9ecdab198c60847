package amqprpc_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// A userOf makes a user with these permissions in the virtual host "/", nil for none, and returns a broker that it
// logs in to.
func userOf(t *testing.T, node *rabbitmq.Node, name string, permissions []string) amqprpc.ConnConfig {
	t.Helper()
	brokertest.Ctl(t, node, "add_user", name, password)
	if permissions != nil {
		brokertest.Ctl(t, node, append([]string{"set_permissions", "-p", "/", name}, permissions...)...)
	}
	return at(strings.Replace(node.URL(), "guest:guest", name+":"+password, 1))
}

// wantDenied checks that an error names the missing permission, and its queue or exchange.
func wantDenied(t *testing.T, what string, err error, permission, resource string) {
	t.Helper()
	var denied *amqprpc.PermissionError
	if !errors.As(err, &denied) {
		t.Errorf("%s: %v (%T)", what, err, err)
		return
	}
	if denied.Permission != permission || !strings.HasPrefix(denied.Kind+" "+denied.Name, resource) || denied.VHost != "/" {
		t.Errorf("%s: %+v, want %s on %s", what, denied, permission, resource)
	}
	if text := err.Error(); strings.Contains(text, password) || !strings.Contains(text, denied.Error()) {
		t.Errorf("%s: %s", what, text)
	}
}

// Dial and Serve name the permission that is missing, and on which queue or exchange. The permission to publish
// requests RabbitMQ checks at the first one: each call names it.
func TestDenied(t *testing.T) {
	t.Parallel()
	node := brokertest.RabbitMQ(t, rabbitmq.Config{})
	const queue, callback, exchange = "queue rpc", "queue amq.gen-", "exchange amq.default"
	for _, c := range []struct {
		user        string
		permissions []string
		// The permission, and its object, that is missing to dial, call and serve.
		dial, call, serve [2]string
	}{
		{"none", nil, [2]string{"", " "}, [2]string{}, [2]string{"", " "}},
		{"configure", []string{"^$", ".*", ".*"}, [2]string{"configure", callback}, [2]string{}, [2]string{"configure", queue}},
		{"callback", []string{"^rpc$", ".*", ".*"}, [2]string{"configure", callback}, [2]string{}, [2]string{}},
		{"read", []string{".*", ".*", "^$"}, [2]string{"read", callback}, [2]string{}, [2]string{"read", queue}},
		{"readcallback", []string{".*", ".*", "^rpc$"}, [2]string{"read", callback}, [2]string{}, [2]string{}},
		{"readqueue", []string{".*", ".*", `^amq\.gen-`}, [2]string{}, [2]string{}, [2]string{"read", queue}},
		{"write", []string{".*", "^$", ".*"}, [2]string{}, [2]string{"write", exchange}, [2]string{"write", exchange}},
	} {
		t.Run(c.user, func(t *testing.T) {
			broker := userOf(t, node, c.user, c.permissions)
			node.Ctl(t.Context(), "delete_queue", "rpc") //nolint:errcheck // it need not be there
			as := func(b amqprpc.ConnConfig) amqprpc.Config {
				return amqprpc.Config{ConnConfig: b, Queue: "rpc", Timeout: time.Hour, Backoff: quick}
			}
			client, err := amqprpc.Dial(t.Context(), as(broker))
			switch {
			case c.dial != [2]string{}:
				wantDenied(t, "dial", err, c.dial[0], c.dial[1])
			case err != nil:
				t.Fatal(err)
			default:
				t.Cleanup(func() { client.Close() })
			}
			if c.call != [2]string{} {
				var calls []*amqprpc.Call
				for range 300 {
					calls = append(calls, client.Go(t.Context(), amqprpc.Request{}))
				}
				for _, call := range calls {
					_, err := call.Result()
					wantDenied(t, "call", err, c.call[0], c.call[1])
					wantIs(t, err, amqprpc.ErrConnectionLost)
				}
			}

			serving, ended := make(chan amqprpc.ConnectionInfo, 1), make(chan error, 1)
			s := &amqprpc.Server{ConnConfig: broker, Queue: "rpc", Handler: echo, Backoff: quick, Observer: onConnect(nil, func(i amqprpc.ConnectionInfo) { serving <- i })}
			go func() { ended <- s.Serve(context.Background()) }()
			if c.serve != [2]string{} {
				err := next(t, ended)
				wantDenied(t, "serve", err, c.serve[0], c.serve[1])
				var d *amqprpc.DialError
				if !errors.As(err, &d) || d.Connected != (c.serve[0] != "") {
					t.Errorf("serve: %+v", d)
				}
				if n := s.Stats(); n.Reconnects != 0 || n.Requests != 0 {
					t.Errorf("%+v", n)
				}
				return
			}
			next(t, serving)
			if err := s.Shutdown(t.Context()); err != nil || next(t, ended) != nil {
				t.Error(err)
			}
		})
	}
}

// A client that may not publish connects again less and less often, to a lost connection each, and is itself again
// once it may.
func TestDeniedClientBacksOff(t *testing.T) {
	t.Parallel()
	node := brokertest.RabbitMQ(t, rabbitmq.Config{})
	broker := userOf(t, node, "ann", []string{".*", "^$", ".*"})
	const first, last = 20 * time.Millisecond, 100 * time.Millisecond
	var lost, delays []amqprpc.Event // written under the client's lock, read after Close
	observed := newTally()
	c, err := amqprpc.Dial(t.Context(), amqprpc.Config{ConnConfig: broker, Queue: "nobody's", Timeout: patience, Backoff: amqprpc.Backoff{First: first, Max: last},
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			switch e.Kind {
			case amqprpc.EventDisconnected:
				lost = append(lost, e)
			case amqprpc.EventReconnecting:
				delays = append(delays, e)
			}
			observed.Observe(e)
		})})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const calls = 8
	for range calls {
		_, err := c.Call(t.Context(), amqprpc.Request{})
		wantDenied(t, "call", err, "write", "exchange amq.default")
	}
	brokertest.Ctl(t, node, "set_permissions", "-p", "/", "ann", ".*", ".*", ".*")
	// The connection may be of before that.
	observed.until(t, "connected again after the last refusal", seen(amqprpc.EventConnected, calls+1))
	c.DropConnection()
	observed.until(t, "connected again", seen(amqprpc.EventConnected, calls+2))
	_, err = c.Call(t.Context(), amqprpc.Request{})
	wantIs(t, err, amqprpc.ErrUnroutable)
	c.Close()

	if len(lost) != calls+1 || len(delays) < calls {
		t.Fatalf("%d connections lost, %d waits", len(lost), len(delays))
	}
	for i := range calls {
		// Half of each wait is left to chance.
		if least := min(first<<i, last) / 2; lost[i].Code != amqp.AccessRefused || delays[i].Text != lost[i].Text || delays[i].Delay < least {
			t.Errorf("%d: lost %+v, then %+v, want a wait of %v at least", i+1, lost[i], delays[i], least)
		}
	}
	if lost[calls].Code == amqp.AccessRefused {
		t.Errorf("dropped: %+v", lost[calls])
	}
}

// A server that may not reply any more takes no request, goes on trying, and serves again once it may.
func TestDeniedForAWhile(t *testing.T) {
	t.Parallel()
	node := brokertest.RabbitMQ(t, rabbitmq.Config{})
	all, none := []string{".*", ".*", ".*"}, []string{".*", "^$", ".*"}
	allow := func(permissions []string) {
		t.Helper()
		brokertest.Ctl(t, node, append([]string{"set_permissions", "-p", "/", "ann"}, permissions...)...)
	}
	refusals := make(chan string, 1000)
	s := &amqprpc.Server{ConnConfig: userOf(t, node, "ann", all), Queue: "rpc", Backoff: quick,
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			if e.Kind == amqprpc.EventReconnecting && strings.Contains(e.Text, "lacks the write permission") {
				refusals <- e.Text
			}
		})}
	serve(t, s)
	ask := func() {
		t.Helper()
		c := dial(t, amqprpc.Config{ConnConfig: at(node.URL()), Queue: "rpc", Timeout: patience})
		if _, err := c.Call(t.Context(), amqprpc.Request{}); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	allow(none)
	brokertest.Ctl(t, node, "close_all_connections", "permissions are looked up when a channel opens")
	withChannel(t, node.URL(), func(ch *amqp.Channel) error {
		return ch.PublishWithContext(t.Context(), "", "rpc", false, false, amqp.Publishing{ReplyTo: "nobody"})
	})
	for range 3 {
		next(t, refusals)
	}
	if st := s.Stats(); st.Requests != 1 {
		t.Errorf("%+v", st)
	}
	allow(all)
	ask()
	eventually(t, s, "the one that waited, too", func(st amqprpc.ServerStats) bool { return st.Requests == 3 && st.Redelivered == 0 })
}
