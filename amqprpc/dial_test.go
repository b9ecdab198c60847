package amqprpc_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	neturl "net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// The error of a failed connect says why, with the address and never with the password.
func TestDialErrors(t *testing.T) {
	t.Parallel()
	address, err := amqprpc.Address(brokertest.Shared(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	brokertest.NoLeaks(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := free.Addr().String()
	free.Close()
	var wg sync.WaitGroup // RabbitMQ takes three seconds to refuse a password
	defer wg.Wait()
	for name, c := range map[string]struct {
		url, want string
		invalid   bool
	}{
		"nothing listens":   {url: "amqp://guest:" + password + "@" + nobody, want: "connection refused"},
		"wrong password":    {url: "amqp://guest:" + password + "@" + address, want: "the broker refused the user name or password"},
		"unknown user":      {url: "amqp://" + password + ":x@" + address, want: "the broker refused the user name or password"},
		"unknown vhost":     {url: "amqp://guest:guest@" + address + "/none", want: "the broker refused access to the virtual host"},
		"another scheme":    {url: "http://guest:" + password + "@" + address, invalid: true},
		"a bad escape":      {url: "amqp://guest:" + password + "%zz@" + address, invalid: true},
		"a hash":            {url: "amqp://guest:" + password + "#x@" + address, invalid: true},
		"a slash":           {url: "amqp://guest:" + password + "/x@" + address, invalid: true},
		"a space":           {url: "amqp://guest:" + password + " @" + address, invalid: true},
		"a control":         {url: "amqp://guest:" + password + "\n@" + address, invalid: true},
		"no port number":    {url: "amqp://guest:" + password + "@localhost:" + password, invalid: true},
		"a port of 0":       {url: "amqp://guest:" + password + "@localhost:0", invalid: true},
		"a port too large":  {url: "amqp://guest:" + password + "@localhost:65536", invalid: true},
		"nothing like it":   {url: password, invalid: true},
		"a missing CA file": {url: "amqps://guest:" + password + "@" + address + "?cacertfile=/nonexistent/ca.pem", invalid: true},
	} {
		for _, dial := range []func() error{
			func() error {
				_, err := amqprpc.Dial(context.Background(), amqprpc.Config{ConnConfig: at(c.url)})
				return err
			},
			func() error {
				return (&amqprpc.Server{ConnConfig: at(c.url), Queue: "q", Handler: echo}).Serve(context.Background())
			},
		} {
			wg.Go(func() {
				err := dial()
				var d *amqprpc.DialError
				switch {
				case err == nil:
					t.Errorf("%s: no error", name)
				case strings.Contains(err.Error(), password):
					t.Errorf("%s: the password is in the error: %v", name, err)
				case c.invalid && !errors.Is(err, amqprpc.ErrInvalidConfig):
					t.Errorf("%s: %v", name, err)
				case !c.invalid && (!errors.As(err, &d) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), d.Address)):
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		if _, err := amqprpc.Address(c.url); err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("%s: the password is in Address's error: %v", name, err)
		}
	}
}

// silentListener accepts connections and never writes.
func silentListener(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
		for _, c := range open {
			c.Close()
		}
	})
	return l.Addr().String()
}

// Connecting to a listener that never answers ends with DialTimeout or the context.
func TestDialIsBounded(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	live := brokertest.Shared(t).URL()
	brokertest.NoLeaks(t)
	silent := silentListener(t)
	for _, scheme := range []string{"amqp", "amqps"} {
		url := scheme + "://guest:guest@" + silent
		within(t, "Dial of a silent listener", func() {
			_, err := amqprpc.Dial(context.Background(), amqprpc.Config{ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, DialTimeout: 50 * time.Millisecond}})
			wantIs(t, err, context.DeadlineExceeded)
			if err != nil && err.Error() != "cannot connect to "+silent+": no answer in time" {
				t.Error(err)
			}
			// The next URL is tried all the same.
			c, err := amqprpc.Dial(context.Background(), amqprpc.Config{ConnConfig: amqprpc.ConnConfig{URLs: []string{url, live}, DialTimeout: time.Second}})
			if err != nil {
				t.Error(err)
				return
			}
			c.Close()
		})
		within(t, "Dial with a context that ends", func() {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(20*time.Millisecond, cancel)
			_, err := amqprpc.Dial(ctx, amqprpc.Config{ConnConfig: at(url)})
			wantIs(t, err, context.Canceled)
			err = (&amqprpc.Server{ConnConfig: at(url), Queue: "q", Handler: echo}).Serve(ctx)
			wantIs(t, err, context.Canceled)
		})
	}
}

// DialTimeout bounds the socket and the handshakes together: the handshakes get the rest of it.
func TestDialTimeoutBoundsHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		broker := amqprpc.ConnConfig{DialTimeout: 3 * time.Second, Dial: func(context.Context, string, string) (net.Conn, error) {
			time.Sleep(2 * time.Second)
			ours, silent := net.Pipe()
			go io.Copy(io.Discard, silent) //nolint:errcheck // it ends with the pipe
			return ours, nil
		}}
		_, err := amqprpc.Dial(t.Context(), amqprpc.Config{ConnConfig: broker})
		wantIs(t, err, context.DeadlineExceeded)
		if took := time.Since(began); took != broker.DialTimeout {
			t.Errorf("it took %v", took)
		}
	})
}

func TestInvalidConfig(t *testing.T) {
	long := strings.Repeat("x", 256)
	for name, cfg := range map[string]amqprpc.Config{
		"timeout": {Timeout: -1}, "room": {MaxInFlight: -1}, "queue": {Queue: long},
		"name": {ConnConfig: amqprpc.ConnConfig{Name: long}}, "consumer tag": {ConnConfig: amqprpc.ConnConfig{ConsumerTag: long}},
		"heartbeat":    {ConnConfig: amqprpc.ConnConfig{Heartbeat: time.Millisecond}},
		"dial timeout": {ConnConfig: amqprpc.ConnConfig{DialTimeout: -1}}, "message": {ConnConfig: amqprpc.ConnConfig{MaxMessage: -1}},
	} {
		if _, err := amqprpc.Dial(context.Background(), cfg); !errors.Is(err, amqprpc.ErrInvalidConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// tlsParameters are those of a URL; each may be empty.
func tlsParameters(ca, cert, key, server string) string {
	return "?" + neturl.Values{"cacertfile": {ca}, "certfile": {cert}, "keyfile": {key}, "server_name_indication": {server}}.Encode()
}

func TestTLSFromURLOrConfig(t *testing.T) {
	t.Parallel()
	ours, others := brokertest.NewAuthority(t), brokertest.NewAuthority(t)
	cert, key := ours.Issue(t, time.Time{}, "127.0.0.1", "localhost")
	node := brokertest.RabbitMQ(t, rabbitmq.Config{TLS: &rabbitmq.TLS{CertFile: cert, KeyFile: key}})
	brokertest.NoLeaks(t)
	trusting := func(ca, name string) amqprpc.ConnConfig { return at(node.TLSURL() + tlsParameters(ca, "", "", name)) }
	configured := trusting(others.File, "")
	configured.TLS = &tls.Config{RootCAs: ours.Pool}
	serve(t, &amqprpc.Server{ConnConfig: trusting(ours.File, ""), Queue: "tls"})
	for name, broker := range map[string]amqprpc.ConnConfig{
		"by the URL": trusting(ours.File, ""), "by another name of it": trusting(ours.File, "localhost"),
		"by Config.TLS, against the URL": configured,
	} {
		c := dial(t, amqprpc.Config{ConnConfig: broker, Queue: "tls", Backoff: quick})
		body := make([]byte, 300_000)
		if reply, err := c.Call(context.Background(), amqprpc.Request{Body: body}); err != nil || len(reply.Body) != len(body) {
			t.Errorf("%s: %d bytes, error %v", name, len(reply.Body), err)
		}
		c.DropConnection()
		if _, err := c.Call(context.Background(), amqprpc.Request{}); err != nil && !errors.Is(err, amqprpc.ErrConnectionLost) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []struct {
		broker amqprpc.ConnConfig
		want   string
	}{
		{trusting(others.File, ""), "unknown authority"},
		{trusting("", ""), "unknown authority"},
		{trusting(ours.File, "rabbit.example"), "not rabbit.example"},
		{at(strings.Replace(node.URL(), "amqp:", "amqps:", 1)), "TLS"},
	} {
		_, err := amqprpc.Dial(context.Background(), amqprpc.Config{ConnConfig: c.broker})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want an error of %q: %v", c.want, err)
		}
	}
	if configured.TLS.ServerName != "" {
		t.Error("the configuration was written to")
	}
}

// TLS files that cannot be used are an invalid configuration, before anything is dialled.
func TestUnusableTLSFilesAreInvalidConfig(t *testing.T) {
	authority := brokertest.NewAuthority(t)
	cert, key := authority.Issue(t, time.Time{}, "me")
	for _, files := range [][3]string{{"none.pem"}, {key}, {"", cert}, {"", "", key}, {"", cert, authority.File}} {
		url := "amqps://u:hunter2@127.0.0.1:1/" + tlsParameters(files[0], files[1], files[2], "")
		_, err := amqprpc.Dial(context.Background(), amqprpc.Config{ConnConfig: at(url)})
		served := (&amqprpc.Server{ConnConfig: at(url), Queue: "q", Handler: echo}).Serve(context.Background())
		for _, err := range []error{err, served, amqprpc.CheckURL(url)} {
			var d *amqprpc.DialError
			if !errors.Is(err, amqprpc.ErrInvalidConfig) || errors.As(err, &d) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v: %v", files, err)
			}
		}
	}
}
