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
)

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
func TestMissingPermissionIsNamed(t *testing.T) {
	t.Parallel()
	node := limitedNode(t)
	const queue, callback, exchange = "queue denied", "queue amq.gen-", "exchange amq.default"
	cases := []struct {
		user        string
		permissions permissions
		// The permission, and its object, that is missing to dial, call and serve.
		dial, call, serve [2]string
	}{
		{"none", permissions{}, [2]string{"", " "}, [2]string{}, [2]string{"", " "}},
		{"configure", permissions{"^$", ".*", ".*"}, [2]string{"configure", callback}, [2]string{}, [2]string{"configure", queue}},
		{"callback", permissions{"^denied$", ".*", ".*"}, [2]string{"configure", callback}, [2]string{}, [2]string{}},
		{"read", permissions{".*", ".*", "^$"}, [2]string{"read", callback}, [2]string{}, [2]string{"read", queue}},
		{"readcallback", permissions{".*", ".*", "^denied$"}, [2]string{"read", callback}, [2]string{}, [2]string{}},
		{"readqueue", permissions{".*", ".*", `^amq\.gen-`}, [2]string{}, [2]string{}, [2]string{"read", queue}},
		{"write", permissions{".*", "^$", ".*"}, [2]string{}, [2]string{"write", exchange}, [2]string{"write", exchange}},
	}
	users := make(map[string]permissions)
	for _, c := range cases {
		users[c.user] = c.permissions
	}
	addUsers(t, node, users)
	for _, c := range cases {
		t.Run(c.user, func(t *testing.T) {
			broker := as(node, c.user)
			withChannel(t, node.URL(), func(ch *amqp.Channel) error {
				_, err := ch.QueueDelete("denied", false, false, false)
				return err
			})
			client, err := amqprpc.Dial(t.Context(), amqprpc.Config{ConnConfig: broker, Queue: "denied", Timeout: time.Hour, Backoff: quick})
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
			s := &amqprpc.Server{ConnConfig: broker, Queue: "denied", Handler: echo, Backoff: quick, Observer: onConnect(nil, func(i amqprpc.ConnectionInfo) { serving <- i })}
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

// A client that may not publish reconnects after longer and longer delays, and works again once it may.
func TestDeniedClientBacksOff(t *testing.T) {
	t.Parallel()
	node := limitedNode(t)
	addUsers(t, node, map[string]permissions{"ann": {".*", "^$", ".*"}})
	broker := as(node, "ann")
	const first, last = 20 * time.Millisecond, 100 * time.Millisecond
	var lost, delays []amqprpc.Event // written under the client's lock, read after Close
	observed := newTally()
	c, err := amqprpc.Dial(t.Context(), amqprpc.Config{ConnConfig: broker, Queue: "nobody's", Timeout: testTimeout, Backoff: amqprpc.Backoff{First: first, Max: last},
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

// A server that may not reply any more takes no request, retries, and serves again once it may.
func TestDeniedServerRetries(t *testing.T) {
	t.Parallel()
	node := limitedNode(t)
	const queue = "denied for a while"
	all, none := permissions{".*", ".*", ".*"}, permissions{".*", "^$", ".*"}
	addUsers(t, node, map[string]permissions{"bob": all})
	refusals := make(chan string, 1000)
	s := &amqprpc.Server{ConnConfig: as(node, "bob"), Queue: queue, Backoff: quick,
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			if e.Kind == amqprpc.EventReconnecting && strings.Contains(e.Text, "lacks the write permission") {
				refusals <- e.Text
			}
		})}
	serve(t, s)
	ask := func() {
		t.Helper()
		c := dial(t, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue, Timeout: testTimeout})
		if _, err := c.Call(t.Context(), amqprpc.Request{}); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	// Permissions are looked up when a channel opens.
	brokertest.Ctl(t, node, "eval", setPermissions("bob", none)+`, rabbit_networking:close_all_user_connections(<<"bob">>, "test").`)
	withChannel(t, node.URL(), func(ch *amqp.Channel) error {
		return ch.PublishWithContext(t.Context(), "", queue, false, false, amqp.Publishing{ReplyTo: "nobody"})
	})
	for range 3 {
		next(t, refusals)
	}
	if st := s.Stats(); st.Requests != 1 {
		t.Errorf("%+v", st)
	}
	brokertest.Ctl(t, node, "eval", setPermissions("bob", all)+".")
	ask()
	eventually(t, s, "the one that waited, too", func(st amqprpc.ServerStats) bool { return st.Requests == 3 && st.Redelivered == 0 })
}
