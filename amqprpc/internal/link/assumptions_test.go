package link

import (
	"bytes"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// The tests of this file use amqp091-go without this package. The package's documentation lists them.

// A loggedConn is a net.Conn that keeps the writes of amqp091-go.
type loggedConn struct {
	net.Conn

	mu     sync.Mutex
	writes [][]byte
}

func (c *loggedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.writes = append(c.writes, bytes.Clone(p))
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// open connects amqp091-go to a peer.
func open(t *testing.T, p *peer) (*amqp.Connection, *loggedConn) {
	t.Helper()
	ours, theirs := net.Pipe()
	return openOn(t, p, ours, theirs)
}

func openOn(t *testing.T, p *peer, ours, theirs net.Conn) (*amqp.Connection, *loggedConn) {
	t.Helper()
	p.Conn = theirs
	p.start()
	conn := &loggedConn{Conn: ours}
	c, err := amqp.DialConfig("amqp://guest:guest@peer/?heartbeat=0", amqp.Config{ // the peer's heartbeat counts
		FrameSize: frameMax,
		Dial:      func(string, string) (net.Conn, error) { return conn, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		c.Channel() //nolint:errcheck // as Cut does
		<-p.done
	})
	return c, conn
}

func TestFirstChannelIsNumberOne(t *testing.T) {
	p := &peer{}
	c, _ := open(t, p)
	if _, err := c.Channel(); err != nil {
		t.Fatal(err)
	}
	received := p.methods()
	if last := received[len(received)-1]; last != "1 channel.open" {
		t.Errorf("the channel was opened by %q", last)
	}
}

func TestFrameSizeIsTheNegotiatedOne(t *testing.T) {
	for theirs, want := range map[uint32]int{8192: 8192, 1 << 20: frameMax, 0: frameMax} {
		c, _ := open(t, &peer{frameMax: theirs})
		if got := c.Config.FrameSize; got != want {
			t.Errorf("the broker has the frame size %d: Config.FrameSize is %d, want %d", theirs, got, want)
		}
	}
}

func TestWritesAreWholeFrames(t *testing.T) {
	p := &peer{heartbeat: 1}
	ours, theirs := tcpPair(t) // it has buffers, so both sides may write at once
	c, conn := openOn(t, p, ours, theirs)
	ch, err := c.Channel()
	if err != nil {
		t.Fatal(err)
	}
	long := string(bytes.Repeat([]byte{'x'}, 255))
	// The requests of this package and its users. Without an answer they end with the connection.
	for _, f := range []func(){
		func() {
			ch.QueueDeclare(long, true, false, false, false, amqp.Table{"x-queue-type": "quorum", "x-expires": int64(1)})
		}, //nolint:errcheck
		func() { ch.QueueDeclarePassive(long, true, false, false, false, nil) }, //nolint:errcheck
		func() { ch.QueueDelete(long, false, false, false) },                    //nolint:errcheck
		func() { ch.Qos(1, 0, false) },                                          //nolint:errcheck
		func() { ch.Consume(long, long, true, true, false, false, nil) },        //nolint:errcheck
		func() { ch.Cancel(long, false) },                                       //nolint:errcheck
		func() { ch.Confirm(false) },                                            //nolint:errcheck
	} {
		go f()
	}
	if err := ch.Publish("", long, false, false, amqp.Publishing{}); err != nil {
		t.Fatal(err)
	}
	const requests = 4 + 8 // of the handshake with channel.open, and those above
	deadline := time.Now().Add(testTimeout)
	for {
		conn.mu.Lock()
		heartbeat := slices.ContainsFunc(conn.writes, isHeartbeat)
		conn.mu.Unlock()
		if heartbeat && len(p.methods()) >= requests {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the peer received only %q", p.methods())
		}
		time.Sleep(10 * time.Millisecond)
	}
	// Its answers, on a channel of their own: a request that waits may hold the lock of its channel.
	if _, err := c.Channel(); err != nil {
		t.Fatal(err)
	}
	p.send(wire.AppendMethod(nil, 2, &wire.BasicCancel{ConsumerTag: long}))
	p.send(wire.AppendMethod(nil, 2, &wire.ChannelClose{}))
	soon(t, "Close", func() { c.Close() }) //nolint:errcheck // only the writes matter

	conn.mu.Lock()
	defer conn.mu.Unlock()
	if string(conn.writes[0]) != "AMQP\x00\x00\x09\x01" {
		t.Errorf("the first write is %q", conn.writes[0])
	}
	for _, b := range conn.writes[1:] {
		if len(b) > wire.FrameMinSize {
			t.Errorf("a write of %d bytes", len(b))
		}
		in := wire.NewReader(bytes.NewReader(b))
		var err error
		for err == nil {
			_, err = in.ReadFrame()
		}
		if err != io.EOF {
			t.Errorf("a write of %d bytes is not of whole frames: %v", len(b), err)
		}
	}
}

func TestReadDeadlineIsOneAndAHalfHeartbeats(t *testing.T) {
	for _, heartbeat := range []time.Duration{time.Second, 2 * time.Second, 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			p := &peer{heartbeat: uint16(heartbeat / time.Second)}
			c, _ := open(t, p)
			closed := c.NotifyClose(make(chan *amqp.Error, 1))
			for range 100 { // one heartbeat within the deadline keeps it alive
				time.Sleep(3*heartbeat/2 - time.Millisecond)
				p.send(wire.AppendHeartbeat(nil))
			}
			synctest.Wait()
			select {
			case why := <-closed:
				t.Fatalf("heartbeat %v: it closed in spite of heartbeats: %v", heartbeat, why)
			default:
			}
			last := time.Now()
			if why := <-closed; why == nil {
				t.Errorf("heartbeat %v: it closed for no reason", heartbeat)
			}
			if lived := time.Since(last); lived != 3*heartbeat/2 {
				t.Errorf("heartbeat %v: it lived for %v after the last frame", heartbeat, lived)
			}
		})
	}
}

func TestOpeningAChannelEndsTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{}
		c, conn := open(t, p)
		if _, err := c.Channel(); err != nil {
			t.Fatal(err)
		}
		closed := c.NotifyClose(make(chan *amqp.Error, 1))
		p.send(wire.AppendMethod(nil, 1, &wire.QueueDeclareOk{}))
		conn.Conn.Close()
		time.Sleep(time.Hour)
		select {
		case <-closed:
			t.Error("the reader ends by itself: opening a channel is not needed any more")
		default:
		}
		if _, err := c.Channel(); err == nil {
			t.Error("a channel was opened on a closed socket")
		}
		for range closed { // else synctest finds a deadlock
		}
	})
}

func TestCloseWaitsForTheAnswer(t *testing.T) {
	for name, answered := range map[string]bool{"no answer": false, "an answer": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &peer{ignore: map[string]bool{"connection.close": true}}
				c, conn := open(t, p)
				time.AfterFunc(time.Hour, func() {
					if answered {
						p.send(wire.AppendMethod(nil, 0, &wire.ConnectionCloseOk{}))
					} else {
						conn.Conn.Close()
						c.Channel() //nolint:errcheck // as Cut does
					}
				})
				began := time.Now()
				if err := c.Close(); (err == nil) != answered {
					t.Errorf("error %v", err)
				}
				if took := time.Since(began); took != time.Hour {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestNotifyCloseEnds(t *testing.T) {
	for name, end := range map[string]struct {
		by   func(c *amqp.Connection, conn *loggedConn, p *peer)
		code int // of the reason; 0: there is none
	}{
		"closed":           {func(c *amqp.Connection, _ *loggedConn, _ *peer) { c.Close() }, 0},
		"the socket fails": {func(_ *amqp.Connection, conn *loggedConn, _ *peer) { conn.Conn.Close() }, amqp.FrameError},
		"closed by the broker": {func(_ *amqp.Connection, _ *loggedConn, p *peer) {
			p.send(wire.AppendMethod(nil, 0, &wire.ConnectionClose{ReplyCode: 320}))
		}, 320},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &peer{}
				c, conn := open(t, p)
				closed := c.NotifyClose(make(chan *amqp.Error, 1))
				end.by(c, conn, p)
				code := 0
				for why := range closed { // else synctest finds a deadlock
					code = why.Code
				}
				if code != end.code {
					t.Errorf("the code is %d, want %d", code, end.code)
				}
			})
		})
	}
}

func TestChannelCloseIsReportedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{}
		c, _ := open(t, p)
		ch, err := c.Channel()
		if err != nil {
			t.Fatal(err)
		}
		closed := c.NotifyClose(make(chan *amqp.Error, 1))
		shut := ch.NotifyClose(make(chan *amqp.Error, 1))
		p.send(wire.AppendMethod(wire.AppendMethod(nil, 1, &wire.ChannelClose{ReplyCode: 404}), 0, &wire.ConnectionClose{ReplyCode: 504}))
		if why := <-closed; why == nil || why.Code != 504 {
			t.Errorf("the connection was closed for %v", why)
		}
		select {
		case why := <-shut:
			if why == nil || why.Code != 404 {
				t.Errorf("the channel was closed for %v", why)
			}
		default:
			t.Error("the end of the channel is not reported")
		}
	})
}

// The package's documentation names exactly the tests of this file.
func TestAssumptionsAreTested(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.ReadFile("assumptions_test.go")
	if err != nil {
		t.Fatal(err)
	}
	names := func(pattern string, in []byte) (names []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(in, -1) {
			names = append(names, string(m[1]))
		}
		return names
	}
	tests := slices.DeleteFunc(names(`(?m)^func (Test\w+)`, here), func(name string) bool { return name == t.Name() })
	if named := names(`\((Test\w+)\)`, doc); !slices.Equal(named, tests) || len(tests) == 0 {
		t.Errorf("doc.go names %q, the tests are %q", named, tests)
	}
}
