package link

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// dialPeer opens a Link to a peer.
func dialPeer(ctx context.Context, p *peer, in Handler, prepare func(*Link) error) (*Link, error) {
	return Dial(ctx, Options{
		URL: "amqp://guest:guest@peer/", Heartbeat: time.Hour,
		Dial: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			p.Conn = theirs
			p.start()
			return ours, nil
		},
	}, in, prepare)
}

func nothing(*Link) error { return nil }

// dialed opens a Link to a peer in a synctest bubble, which fails the test if a goroutine is left.
func dialed(t *testing.T, p *peer, in Handler) *Link {
	t.Helper()
	l, err := dialPeer(t.Context(), p, in, nothing)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, h := &peer{frameMax: 8192}, &recorder{}
		prepared := false
		l, err := dialPeer(t.Context(), p, h, func(l *Link) error {
			prepared = l.ServerProperties()["product"] == "peer" && l.Channel != nil
			// The handler may be called from here on.
			p.send(wire.AppendDeliver(nil, 1, "tag", 1, false, "", "key"))
			p.send(contentOf(1, "id", []byte("body"), 0))
			return nil
		})
		if err != nil || !prepared {
			t.Fatalf("prepared: %v, error %v", prepared, err)
		}
		synctest.Wait()
		if got := h.all(); len(got) != 1 || got[0] != `delivered tag 1 false  key id "body"` {
			t.Errorf("the handler got %q", got)
		}
		if l.frameMax != 8192 {
			t.Errorf("the max frame size is %d", l.frameMax)
		}
		if l.IsClosed() {
			t.Error("it is closed")
		}
		if _, err := l.OpenChannel(); err != nil {
			t.Error(err)
		}
		if received := p.methods(); !slices.Contains(received, "2 channel.open") {
			t.Errorf("the peer received %q", received)
		}
		l.Close(time.Second)
		if !l.IsClosed() {
			t.Error("it is open after Close")
		}
	})
}

// Dial ends with its context, whichever step gets no answer.
func TestDialEndsWithContext(t *testing.T) {
	for _, ignored := range []string{"protocol header", "connection.start-ok", "connection.open", "channel.open", "channel.close"} {
		t.Run(ignored, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				_, err := dialPeer(ctx, &peer{ignore: map[string]bool{ignored: true}}, &recorder{}, func(l *Link) error { return l.Channel.Close() })
				if err != context.DeadlineExceeded {
					t.Errorf("error %v", err)
				}
				if took := time.Since(began); took != time.Minute {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// Dial returns the error of prepare.
func TestDialReturnsPrepareError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mine := errors.New("mine")
		if _, err := dialPeer(t.Context(), &peer{}, &recorder{}, func(*Link) error { return mine }); err != mine {
			t.Errorf("error %v", err)
		}
	})
}

// Err returns the first reason for which the connection, the channel or a consumer ended.
func TestErrIsTheFirstReason(t *testing.T) {
	mine := errors.New("mine")
	code := func(want int) func(error) bool {
		return func(err error) bool {
			var refused *amqp.Error
			return errors.As(err, &refused) && refused.Code == want
		}
	}
	closeChannel := wire.AppendMethod(nil, 1, &wire.ChannelClose{ReplyCode: 404})
	closeConnection := wire.AppendMethod(nil, 0, &wire.ConnectionClose{ReplyCode: 504})
	cancel := wire.AppendMethod(nil, 1, &wire.BasicCancel{ConsumerTag: "tag"})
	for name, c := range map[string]struct {
		end  func(l *Link, p *peer)
		want func(error) bool
	}{
		"the channel is closed":                {func(_ *Link, p *peer) { p.send(closeChannel) }, code(404)},
		"the connection is closed":             {func(_ *Link, p *peer) { p.send(closeConnection) }, code(504)},
		"the channel, and then the connection": {func(_ *Link, p *peer) { p.send(slices.Concat(closeChannel, closeConnection)) }, code(404)},
		"the socket fails":                     {func(_ *Link, p *peer) { p.Conn.Close() }, code(amqp.FrameError)},
		"the socket is cut":                    {func(l *Link, _ *peer) { l.Cut() }, code(amqp.FrameError)},
		"a consumer is canceled": {func(_ *Link, p *peer) { p.send(cancel) }, func(err error) bool {
			var canceled *CancelError
			return errors.As(err, &canceled) && canceled.ConsumerTag == "tag"
		}},
		"garbage arrives": {func(_ *Link, p *peer) { p.send(wire.AppendFrame(nil, wire.FrameBody, 1, nil)) }, code(amqp.FrameError)},
		"it fails":        {func(l *Link, _ *peer) { l.Fail(mine); l.Fail(io.EOF) }, func(err error) bool { return err == mine }},
		"it is done":      {func(l *Link, _ *peer) { l.Fail(nil); l.Fail(io.EOF) }, func(err error) bool { return err == nil }},
	} {
		t.Run(name, func(t *testing.T) {
			for range 20 { // select chooses at random
				synctest.Test(t, func(t *testing.T) {
					p := &peer{}
					l := dialed(t, p, &recorder{})
					c.end(l, p)
					synctest.Wait()
					go l.Watch()
					if err := l.Err(); !c.want(err) {
						t.Errorf("it ended with %v", err)
					}
					<-l.Done()
					l.Close(time.Second)
				})
			}
		})
	}
}

// A failingConn is a net.Conn whose writes fail once err is set.
type failingConn struct {
	net.Conn
	err atomic.Pointer[error]
}

func (c *failingConn) Write(p []byte) (int, error) {
	if err := c.err.Load(); err != nil {
		return 0, *err
	}
	return c.Conn.Write(p)
}

// A failed write ends the Link, and is the reason if the broker gave none.
func TestWriteErrorEndsTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		p := (&peer{Conn: theirs}).start()
		conn := &failingConn{Conn: ours}
		l, err := Dial(t.Context(), Options{
			URL: "amqp://guest:guest@peer/", Heartbeat: time.Hour,
			Dial: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		}, &recorder{}, nothing)
		if err != nil {
			t.Fatal(err)
		}
		go l.Watch()
		mine := errors.New("mine")
		conn.err.Store(&mine)
		l.Ack(1)
		l.Flush()
		if err := l.Err(); err != mine {
			t.Errorf("it ended with %v", err)
		}
		l.Close(time.Second)
		<-p.done
	})
}

// Close sends the frames added before, and then closes channel and connection.
func TestCloseOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{}
		l := dialed(t, p, &recorder{})
		add(t, &l.writer, "id", nil)
		l.Ack(1)
		l.Close(time.Minute)
		<-p.done
		received := p.methods()
		if want := []string{"1 basic.publish", "1 basic.ack", "1 channel.close", "0 connection.close"}; len(received) < 4 || !slices.Equal(received[len(received)-4:], want) {
			t.Errorf("the peer received %q, want %q last", received, want)
		}
		if err := l.Err(); err != net.ErrClosed {
			t.Errorf("it ended with %v", err)
		}
	})
}

// Close keeps its timeout if the broker does not answer or read. With 0 it sends nothing.
func TestCloseTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		p       *peer
		timeout time.Duration
	}{
		"the channel's close is not answered":    {&peer{ignore: map[string]bool{"channel.close": true}}, time.Minute},
		"the connection's close is not answered": {&peer{ignore: map[string]bool{"connection.close": true}}, time.Minute},
		"the peer stops reading":                 {&peer{lastRead: "channel.open"}, time.Minute},
		"no time":                                {&peer{ignore: map[string]bool{"channel.close": true}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := dialed(t, c.p, &recorder{})
				began := time.Now()
				l.Close(c.timeout)
				if took := time.Since(began); took != c.timeout {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// An answer to no request blocks amqp091-go's reader, but not Close.
func TestCloseAfterUnrequestedAnswer(t *testing.T) {
	for _, timeout := range []time.Duration{0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			p := &peer{}
			l := dialed(t, p, &recorder{})
			p.send(wire.AppendMethod(nil, 1, &wire.QueueDeclareOk{}))
			synctest.Wait()
			began := time.Now()
			l.Close(timeout)
			if took := time.Since(began); took > timeout {
				t.Errorf("it took %v of %v", took, timeout)
			}
		})
	}
}
