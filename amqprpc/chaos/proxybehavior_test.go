package chaos

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"rpcscope/amqprpc/broker/brokertest"
)

// testTimeout bounds each wait for an event that must happen.
const testTimeout = time.Minute

// through returns both ends of a connection through a proxy.
func through(t *testing.T) (p *proxy, client, server net.Conn) {
	t.Helper()
	brokertest.NoLeaks(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if p, err = newProxy(l.Addr().String(), 1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	if client, err = net.Dial("tcp", p.addr()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	for _, c := range []net.Conn{client, server} {
		if err := c.SetDeadline(time.Now().Add(testTimeout)); err != nil {
			t.Fatal(err)
		}
	}
	return p, client, server
}

func say(t *testing.T, to net.Conn, what string) {
	t.Helper()
	if _, err := io.WriteString(to, what); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, from net.Conn, what string) {
	t.Helper()
	got := make([]byte, len(what))
	if _, err := io.ReadFull(from, got); err != nil || string(got) != what {
		t.Fatalf("got %.40q, error %v, want %.40q", got, err, what)
	}
}

// expectNothing checks that nothing comes for a moment.
func expectNothing(t *testing.T, from net.Conn) {
	t.Helper()
	if err := from.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := from.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read %d, error %v, want nothing", n, err)
	}
	if err := from.SetReadDeadline(time.Now().Add(testTimeout)); err != nil {
		t.Fatal(err)
	}
}

// In all conditions that lose nothing, all bytes arrive in order, and not too early.
func TestProxyCarries(t *testing.T) {
	for name, w := range map[string]conditions{
		"fair": {}, "latency": {delay: 30 * time.Millisecond, jitter: 20 * time.Millisecond}, "bandwidth": {rate: 4 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			p, client, server := through(t)
			p.set(w, w)
			began := time.Now()
			body := strings.Repeat("0123456789", 20_000)
			go io.WriteString(client, body) //nolint:errcheck // the other end checks
			hear(t, server, body)
			say(t, server, "back")
			hear(t, client, "back")
			least := 2 * w.delay
			if w.rate > 0 {
				least = time.Duration(len(body)) * time.Second / time.Duration(w.rate)
			}
			if took := time.Since(began); took < least {
				t.Errorf("it took %v, less than %v", took, least)
			}
			say(t, client, "the last")
			client.Close()
			if rest, err := io.ReadAll(server); err != nil || string(rest) != "the last" {
				t.Errorf("after the end: %q, error %v", rest, err)
			}
		})
	}
}

// Each direction freezes alone, and loses nothing.
func TestProxyFreezes(t *testing.T) {
	p, client, server := through(t)
	p.set(conditions{frozen: true}, conditions{})
	say(t, client, "up")
	say(t, server, "down")
	hear(t, client, "down")
	expectNothing(t, server)
	p.set(conditions{}, conditions{frozen: true})
	hear(t, server, "up")
	say(t, server, "again")
	expectNothing(t, client)
	p.set(conditions{}, conditions{})
	hear(t, client, "again")
}

// Each direction loses alone. The link is then cut when the conditions change.
func TestProxyLoses(t *testing.T) {
	p, client, server := through(t)
	p.set(conditions{lost: true}, conditions{})
	say(t, client, "lost")
	say(t, server, "kept")
	hear(t, client, "kept")
	expectNothing(t, server)
	p.set(conditions{}, conditions{})
	if rest, err := io.ReadAll(server); len(rest) != 0 {
		t.Errorf("%q, error %v", rest, err)
	}
}

// A cut ends both ends, a reset resets them, and a refused client is reset.
func TestProxyCuts(t *testing.T) {
	for _, withReset := range []bool{false, true} {
		p, client, server := through(t)
		say(t, client, "x")
		hear(t, server, "x")
		if n := p.cut(withReset); n != 1 {
			t.Errorf("%d links", n)
		}
		for _, c := range []net.Conn{client, server} {
			rest, err := io.ReadAll(c)
			if !bytes.Equal(rest, nil) || withReset != isReset(err) {
				t.Errorf("reset %v: %q, error %v", withReset, rest, err)
			}
		}
		p.setRefuse(true)
		c, err := net.Dial("tcp", p.addr())
		if err == nil {
			_ = c.SetDeadline(time.Now().Add(testTimeout))
			_, err = io.ReadAll(c)
			c.Close()
		}
		if !isReset(err) {
			t.Errorf("refused: %v", err)
		}
	}
}

func isReset(err error) bool {
	const wsaeconnreset = syscall.Errno(10054)
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, wsaeconnreset)
}
