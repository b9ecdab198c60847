package amqprpc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// The methods that are replaced.
const (
	start     = 10<<16 | 10
	tune      = 10<<16 | 30
	selectOK  = 85<<16 | 11
	consumeOK = 60<<16 | 21
)

// A garbageConn is a connection on which garble replaces a method of the broker.
type garbageConn struct {
	net.Conn
	method uint32
	garble func(frame []byte) io.Reader
	rest   io.Reader // to be read before the next frame
	closed atomic.Bool
}

func (l *garbageConn) Close() error {
	l.closed.Store(true)
	return l.Conn.Close()
}

func (l *garbageConn) Read(p []byte) (int, error) {
	for {
		if l.closed.Load() {
			return 0, net.ErrClosed
		}
		if l.rest != nil {
			n, err := l.rest.Read(p)
			if n > 0 || err != io.EOF {
				return n, err
			}
			l.rest = nil
		}
		frame := make([]byte, 7)
		if _, err := io.ReadFull(l.Conn, frame); err != nil {
			return 0, err
		}
		frame = append(frame, make([]byte, binary.BigEndian.Uint32(frame[3:])+1)...)
		if _, err := io.ReadFull(l.Conn, frame[7:]); err != nil {
			return 0, err
		}
		l.rest = bytes.NewReader(frame)
		if frame[0] == 1 && binary.BigEndian.Uint32(frame[7:]) == l.method {
			l.rest = l.garble(frame)
		}
	}
}

// An endlessFrame is the same frame without end.
type endlessFrame struct{ frame, rest []byte }

func (f *endlessFrame) Read(p []byte) (int, error) {
	if len(f.rest) == 0 {
		f.rest = f.frame
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// frame makes a frame of values that encoding/binary can append.
func frame(kind byte, channel uint16, values ...any) []byte {
	b := append([]byte{kind}, byte(channel>>8), byte(channel), 0, 0, 0, 0)
	for _, v := range values {
		switch v := v.(type) {
		case string: // a short one
			b = append(append(b, byte(len(v))), v...)
		case []byte:
			b = append(b, v...)
		default:
			var err error
			if b, err = binary.Append(b, binary.BigEndian, v); err != nil {
				panic(err)
			}
		}
	}
	binary.BigEndian.PutUint32(b[3:], uint32(len(b)-7))
	return append(b, 0xce)
}

func method(channel uint16, m uint32, values ...any) []byte {
	return frame(1, channel, append([]any{m}, values...)...)
}

func content(channel uint16, size uint64) []byte {
	return frame(2, channel, uint16(60), uint16(0), size, uint16(0))
}

func long(s string) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...) }

// If a broker sends garbage, Dial and calls end, with an error or without, nothing panics, and memory stays bounded.
func TestBrokerSendsGarbage(t *testing.T) {
	brokertest.SkipIfShort(t)
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	// Of all cases together: they run at the same time, since they mostly wait for deadlines.
	brokertest.NoLeaks(t)
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue})
	before := heap()
	t.Cleanup(func() {
		if after := heap(); after > before+(32<<20) {
			t.Errorf("%d MB are held", (after-before)>>20)
		}
	})
	deliver := func(tag string) []byte {
		return method(1, 60<<16|60, tag, uint64(1), byte(0), "", queue)
	}
	returned := method(1, 60<<16|50, uint16(312), "NO_ROUTE", "", queue)
	startOf := func(product string) []byte {
		entries := append(append([]byte{7}, "product"...), 'S')
		entries = append(entries, long(product)...)
		return method(0, start, byte(0), byte(9), long(string(entries)), long("PLAIN AMQPLAIN"), long("en_US"))
	}
	tuned := func(channels uint16, frameMax uint32, heartbeat uint16) func([]byte) io.Reader {
		return func([]byte) io.Reader { return bytes.NewReader(method(0, tune, channels, frameMax, heartbeat)) }
	}
	then := func(frames ...[]byte) func([]byte) io.Reader {
		return func(f []byte) io.Reader { return bytes.NewReader(append(f, bytes.Join(frames, nil)...)) }
	}
	endless := func(before, again []byte) func([]byte) io.Reader {
		return func(f []byte) io.Reader {
			return io.MultiReader(bytes.NewReader(append(f, before...)), &endlessFrame{frame: again})
		}
	}
	body := frame(3, 1, make([]byte, 100_000))
	for name, c := range map[string]struct {
		after  uint32
		garble func([]byte) io.Reader
		query  string // of the URL
		works  bool   // the client connects nevertheless
		says   string // in the error of Dial, if that is certain
	}{
		"a product of escapes": {after: start, garble: func([]byte) io.Reader { return bytes.NewReader(startOf("\x1b[2J")) }, works: true},
		"an unknown login mechanism": {after: start, garble: func([]byte) io.Reader {
			return bytes.NewReader(method(0, start, byte(0), byte(9), long(""), long("X"), long("")))
		}, says: "user name or password"},
		"server properties that are no table": {after: start, garble: func([]byte) io.Reader {
			return bytes.NewReader(method(0, start, byte(0), byte(9), long("\xff\xff"), long("PLAIN"), long("")))
		}},
		"HTTP":                                  {after: start, garble: func([]byte) io.Reader { return strings.NewReader("HTTP/1.1 400 Bad Request\r\n\r\n") }, says: "does not speak AMQP"},
		"another version of AMQP":               {after: start, garble: func([]byte) io.Reader { return strings.NewReader("AMQP\x00\x01\x00\x00") }, says: "does not speak AMQP"},
		"a TLS alert":                           {after: start, garble: func([]byte) io.Reader { return strings.NewReader("\x15\x03\x01\x00\x02\x02\x46") }, says: "amqps://"},
		"frame-max 0, channel-max 0, no beats":  {after: tune, garble: tuned(0, 0, 0), works: true},
		"frame-max 1":                           {after: tune, garble: tuned(0, 1, 0)},
		"frame-max of 4 GB":                     {after: tune, garble: tuned(0, math.MaxUint32, math.MaxUint16), works: true},
		"channel-max 1":                         {after: tune, garble: tuned(1, 0, 0), works: true},
		"a frame of 4 GB":                       {after: selectOK, garble: then([]byte{1, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})},
		"a frame of no kind":                    {after: selectOK, garble: then(frame(99, 1, make([]byte, 1000)))},
		"a frame without its end":               {after: selectOK, garble: then(append(frame(8, 0)[:7], 0))},
		"an unknown method":                     {after: selectOK, garble: then(method(1, 0xffffffff))},
		"an unknown class":                      {after: selectOK, garble: then(frame(2, 1, uint16(0xffff), uint16(0), uint64(1), uint16(0)))},
		"a method on channel 0":                 {after: selectOK, garble: then(method(0, 60<<16|80, uint64(1), byte(0)))},
		"a channel that is not open":            {after: selectOK, garble: then(method(999, 60<<16|80, uint64(1), byte(0)))},
		"confirms of nothing":                   {after: selectOK, garble: then(method(1, 60<<16|80, uint64(math.MaxUint64), byte(1)), method(1, 60<<16|120, uint64(7), byte(0)), method(1, 60<<16|80, uint64(0), byte(1)))},
		"answers to nothing":                    {after: consumeOK, garble: then(method(1, 50<<16|11, "x", uint32(0), uint32(0)), method(1, consumeOK, "x"), method(1, selectOK))},
		"answers to nothing, and no beats":      {after: consumeOK, garble: then(method(1, 50<<16|11, "x", uint32(0), uint32(0))), query: "?heartbeat=0"},
		"tune once more":                        {after: selectOK, garble: then(method(0, tune, uint16(0), uint32(0), uint16(0)))},
		"a return without content":              {after: selectOK, garble: then(returned, returned, content(1, 5), content(1, 5))},
		"a return of an unknown message":        {after: selectOK, garble: then(returned, content(1, 0))},
		"a cancel of another consumer":          {after: consumeOK, garble: then(method(1, 60<<16|30, "nobody", byte(1)))},
		"cancels, more than one":                {after: consumeOK, garble: then(bytes.Repeat(method(1, 60<<16|30, "rpc", byte(1)), 9))},
		"an alarm that comes and goes for ever": {after: selectOK, garble: endless(nil, append(method(0, 10<<16|60, "memory"), method(0, 10<<16|61)...))},
		"a delivery to another consumer":        {after: consumeOK, garble: then(deliver("nobody"), content(1, 1), frame(3, 1, []byte("x")))},
		"content without a delivery":            {after: consumeOK, garble: then(content(1, 3), frame(3, 1, []byte("abc")))},
		"more body than was announced":          {after: consumeOK, garble: then(deliver("nobody"), content(1, 1), body)},
		"a body of 2^63 bytes":                  {after: consumeOK, garble: endless(append(deliver("nobody"), content(1, 1<<63)...), body)},
		"body frames without end":               {after: consumeOK, garble: endless(deliver("nobody"), body)},
		"a closed channel, again":               {after: selectOK, garble: then(method(1, 20<<16|40, uint16(403), "\x1b[2J", uint16(0), uint16(0)), method(1, 20<<16|40, uint16(403), "", uint16(0), uint16(0)))},
		"a close":                               {after: selectOK, garble: then(method(0, 10<<16|50, uint16(320), "\x1b]0;owned\a", uint16(0), uint16(0)))},
		"silence":                               {after: tune, garble: func([]byte) io.Reader { return bytes.NewReader(nil) }, says: "no answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := amqprpc.Config{Queue: queue, Timeout: 200 * time.Millisecond, Backoff: quick, ConnConfig: amqprpc.ConnConfig{URLs: []string{url + c.query}, DialTimeout: time.Second,
				Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := new(net.Dialer).DialContext(ctx, network, address)
					if err != nil {
						return nil, err
					}
					return &garbageConn{Conn: conn, method: c.after, garble: c.garble}, nil
				}}}
			if c.works {
				cfg.Timeout = testTimeout
			}
			if c.works || c.says != "" && name != "silence" { // else some would wait that long
				cfg.ConnConfig.DialTimeout = testTimeout
			}
			within(t, "Dial and calls", func() {
				client, err := amqprpc.Dial(context.Background(), cfg)
				if err != nil {
					if c.works || !strings.Contains(err.Error(), c.says) {
						t.Errorf("%v, want %q", err, c.says)
					}
					return
				}
				defer client.Close()
				if c.says != "" {
					t.Errorf("no error of %q", c.says)
				}
				for range 2 {
					if reply, err := client.Call(context.Background(), amqprpc.Request{Body: []byte("x")}); err == nil && string(reply.Body) != "x" || err != nil && c.works {
						t.Errorf("%q, %v", reply.Body, err)
					}
				}
			})
		})
	}
}
