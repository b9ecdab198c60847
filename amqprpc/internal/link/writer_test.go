package link

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"

	"rpcscope/amqprpc/internal/wire"
)

// A sink is a net.Conn that keeps the writes. It is no *net.TCPConn, so the writer's goroutine does all
// writes.
type sink struct {
	net.Conn
	writes chan []byte
	gate   chan error // has the result of each write, which blocks until then; nil: none blocks
}

func newSink(gated bool) *sink {
	s := &sink{writes: make(chan []byte, 1000)}
	if gated {
		s.gate = make(chan error)
	}
	return s
}

func (s *sink) SetWriteDeadline(time.Time) error { return nil }

func (s *sink) Write(p []byte) (int, error) {
	s.writes <- bytes.Clone(p)
	if s.gate != nil {
		if err := <-s.gate; err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// startWriter starts a writer until the end of the test.
func startWriter(t testing.TB, conn net.Conn) (w *writer, fails chan error, writable chan bool) {
	w, fails, writable = &writer{}, make(chan error, 100), make(chan bool, 100)
	w.start(conn, func(err error) { fails <- err }, func() { writable <- true })
	t.Cleanup(w.stop)
	return w, fails, writable
}

// add publishes a message with a correlation ID and a body.
func add(t testing.TB, w *writer, id string, body []byte) {
	t.Helper()
	if err := w.Publish("", "queue", true, &amqp.Publishing{CorrelationId: id, Body: body}); err != nil {
		t.Fatal(err)
	}
}

// describe describes frames: "publish id 5" with the size of the body, "ack 3 true" if it is multiple,
// "requeue 4", "requeue up to 4", "reject 5", "heartbeat", or the name of a method.
func describe(frames []byte) (lines []string, err error) {
	in := wire.NewReader(bytes.NewReader(frames))
	in.SetFrameMax(0)
	for {
		f, err := in.ReadFrame()
		switch {
		case err == io.EOF:
			return lines, nil
		case err != nil:
			return lines, err
		case f.Type == wire.FrameHeartbeat:
			lines = append(lines, "heartbeat")
			continue
		case f.Type == wire.FrameHeader:
			h, err := wire.ParseHeader(f.Payload)
			if err != nil {
				return lines, err
			}
			p, err := wire.ParseProperties(h.Properties)
			if err != nil {
				return lines, err
			}
			lines[len(lines)-1] += fmt.Sprint(" ", p.CorrelationId, " ", h.BodySize)
			continue
		case f.Type == wire.FrameBody:
			continue
		}
		m, err := wire.ParseMethod(f.Payload)
		if err != nil {
			return lines, err
		}
		switch m := m.(type) {
		case *wire.BasicPublish:
			lines = append(lines, "publish")
		case *wire.BasicAck:
			lines = append(lines, fmt.Sprint("ack ", m.DeliveryTag, " ", m.Multiple))
		case *wire.BasicNack:
			line := fmt.Sprint("requeue ", m.DeliveryTag)
			if m.Multiple {
				line = fmt.Sprint("requeue up to ", m.DeliveryTag)
			}
			lines = append(lines, line)
		case *wire.BasicReject:
			lines = append(lines, fmt.Sprint("reject ", m.DeliveryTag))
		default:
			lines = append(lines, wire.MethodName(wire.ID(m)))
		}
	}
}

// wantWrite fails the test unless the next write has these frames.
func wantWrite(t testing.TB, s *sink, want ...string) {
	t.Helper()
	select {
	case frames := <-s.writes:
		if got, err := describe(frames); err != nil || !slices.Equal(got, want) {
			t.Errorf("written: %q, error %v; want %q", got, err, want)
		}
	case <-time.After(testTimeout):
		t.Fatalf("nothing was written, want %q", want)
	}
}

var channelClose = wire.AppendMethod(nil, channelNumber, &wire.ChannelClose{})

// Frames that are added during a write become one write, with the acks last.
func TestWriterCollects(t *testing.T) {
	s := newSink(true)
	w, _, _ := startWriter(t, s)
	w.Flush() // nothing to write
	add(t, w, "a", nil)
	w.Flush()
	wantWrite(t, s, "publish a 0")
	add(t, w, "b", []byte("b"))
	w.Ack(1)
	w.Flush()
	add(t, w, "c", []byte("cc"))
	w.Ack(2)
	w.Flush()
	w.FlushLater()
	if len(s.writes) != 0 {
		t.Error("there are two writes at once")
	}
	s.gate <- nil
	wantWrite(t, s, "publish b 1", "publish c 2", "ack 2 true")
	s.gate <- nil
	w.Requeue(4)
	w.Reject(5)
	w.FlushLater()
	wantWrite(t, s, "requeue 4", "reject 5")
	s.gate <- nil
	w.Ack(6)
	w.RequeueUpTo(9)
	w.Flush()
	wantWrite(t, s, "ack 6 false", "requeue up to 9")
	s.gate <- nil
	w.Flush()
	if len(s.writes) != 0 {
		t.Error("there is a write of nothing")
	}
}

// Large bodies are sent in frames of the max size, and their memory is not kept.
func TestWriterSplitsBodies(t *testing.T) {
	s := newSink(false)
	w, _, _ := startWriter(t, s)
	w.frameMax = wire.FrameMinSize
	body := bytes.Repeat([]byte("0123456789"), 100_000)
	p := amqp.Publishing{CorrelationId: "id", Headers: amqp.Table{"k": int32(1)}, Body: body}
	if err := w.Publish("topics", "key", false, &p); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	in := wire.NewReader(bytes.NewReader(<-s.writes))
	in.SetFrameMax(wire.FrameMinSize)
	next := func(typ uint8) []byte {
		t.Helper()
		f, err := in.ReadFrame()
		if err != nil || f.Type != typ || f.Channel != channelNumber {
			t.Fatalf("a frame of type %d on channel %d, error %v; want type %d", f.Type, f.Channel, err, typ)
		}
		return f.Payload
	}
	m, err := wire.ParsePublish(next(wire.FrameMethod))
	if err != nil || string(m.Exchange) != "topics" || string(m.RoutingKey) != "key" || m.Mandatory || m.Immediate {
		t.Errorf("%+v, %v", m, err)
	}
	h, err := wire.ParseHeader(next(wire.FrameHeader))
	if err != nil || h.BodySize != uint64(len(body)) {
		t.Errorf("%+v, %v", h, err)
	}
	if p, err := wire.ParseProperties(h.Properties); err != nil || p.CorrelationId != "id" || p.Headers["k"] != int32(1) {
		t.Errorf("%+v, %v", p, err)
	}
	var got []byte
	for len(got) < len(body) {
		got = append(got, next(wire.FrameBody)...)
	}
	if !bytes.Equal(got, body) {
		t.Error("the body is another one")
	}
	add(t, w, "later", nil)
	w.Flush()
	wantWrite(t, s, "publish later 0")
	w.mu.Lock()
	defer w.mu.Unlock()
	if room := cap(w.buf) + cap(w.spare); room > 4*maxBuffered {
		t.Errorf("%d bytes of memory are kept", room)
	}
}

// A message that AMQP or the broker cannot carry is refused, and leaves nothing in the buffer.
func TestPublishErrors(t *testing.T) {
	s := newSink(false)
	w, _, _ := startWriter(t, s)
	w.frameMax = wire.FrameMinSize
	if err := w.Publish("", "queue", false, &amqp.Publishing{Headers: amqp.Table{"k": uint64(1)}}); !errors.Is(err, wire.ErrValue) {
		t.Errorf("error %v", err)
	}
	if err := w.Publish("", "queue", false, &amqp.Publishing{ReplyTo: strings.Repeat("x", 256)}); !errors.Is(err, wire.ErrValue) {
		t.Errorf("error %v", err)
	}
	// A header frame may have exactly the max frame size. Its bytes besides the string: frame, class, weight
	// and size, flags, table, name, type and size of the string.
	const max = wire.FrameMinSize - wire.FrameOverhead - 12 - 2 - 4 - 2 - 5
	for size, fits := range map[int]bool{1: true, max: true, max + 1: false, 100_000: false} {
		err := w.Publish("", "queue", false, &amqp.Publishing{Headers: amqp.Table{"k": strings.Repeat("x", size)}})
		if (err == nil) != fits {
			t.Errorf("a header of %d bytes: error %v", size, err)
		}
		if !fits {
			continue
		}
		w.Flush()
		in := wire.NewReader(bytes.NewReader(<-s.writes))
		for range 2 {
			if _, err := in.ReadFrame(); err != nil {
				t.Errorf("a header of %d bytes: %v", size, err)
			}
		}
	}
	w.Flush()
	add(t, w, "a", nil)
	w.Flush()
	wantWrite(t, s, "publish a 0")
}

// An ack is sent after all frames added before it, and before the frames of amqp091-go added after it.
// Publishes and frames of amqp091-go keep their order.
func TestWriterOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w writer // without a goroutine: the test writes
		w.writing = true
		var written []byte
		var want []string          // without acks
		after := map[string]int{}  // by ack: the number of frames of want added before
		before := map[string]int{} // by ack: the first frame of amqp091-go added later
		tags := uint64(0)
		var unsent []string // acks after the last frame of amqp091-go
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				id := fmt.Sprint("publish p", len(want), " 0")
				if err := w.Publish("", "q", false, &amqp.Publishing{CorrelationId: fmt.Sprint("p", len(want))}); err != nil {
					t.Fatal(err)
				}
				want = append(want, id)
			},
			"ack": func(t *rapid.T) {
				tags++
				w.Reject(tags) // each has a frame of its own
				name := fmt.Sprint("reject ", tags)
				after[name] = len(want)
				unsent = append(unsent, name)
			},
			"frame": func(t *rapid.T) {
				if n, err := w.Write(channelClose); n != len(channelClose) || err != nil {
					t.Fatalf("%d bytes, error %v", n, err)
				}
				for _, name := range unsent {
					before[name] = len(want)
				}
				unsent = nil
				want = append(want, "channel.close")
			},
			"write": func(t *rapid.T) {
				b := w.takeAll()
				written = append(written, b...)
				w.wrote(b, nil)
				w.writing = true
			},
		})
		written = append(written, w.takeAll()...)
		lines, err := describe(written)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		acks := uint64(0)
		for _, line := range lines {
			if !strings.HasPrefix(line, "reject") {
				got = append(got, line)
				continue
			}
			acks++
			if len(got) < after[line] {
				t.Fatalf("%s is sent after %d frames, but was added after %d", line, len(got), after[line])
			}
			if limit, ok := before[line]; ok && len(got) > limit {
				t.Fatalf("%s is sent after %d frames, but before frame %d of amqp091-go was added", line, len(got), limit)
			}
		}
		if !slices.Equal(got, want) || acks != tags {
			t.Fatalf("written: %q and %d acks; want %q and %d", got, acks, want, tags)
		}
	})
}

// During a write the writer drops heartbeats: the write keeps the connection alive, and a heartbeat must not
// wait for a broker that does not read. Other frames of amqp091-go wait in the buffer.
func TestWriterDropsHeartbeats(t *testing.T) {
	s := newSink(true)
	w, _, _ := startWriter(t, s)
	heartbeat := wire.AppendHeartbeat(nil)
	write := func(p []byte) {
		t.Helper()
		soon(t, "Write", func() {
			if n, err := w.Write(p); n != len(p) || err != nil {
				t.Errorf("%d bytes written, error %v", n, err)
			}
		})
	}
	write(heartbeat)
	wantWrite(t, s, "heartbeat")
	write(heartbeat)
	write(channelClose)
	write(heartbeat)
	s.gate <- nil
	wantWrite(t, s, "channel.close")
	s.gate <- nil
}

// HasRoom is false from 256 KiB on, and only then the next write calls writable.
func TestWriterHasRoom(t *testing.T) {
	s := newSink(true)
	w, _, writable := startWriter(t, s)
	add(t, w, "a", nil)
	w.Flush()
	wantWrite(t, s, "publish a 0")
	add(t, w, "b", make([]byte, maxBuffered/2))
	if !w.HasRoom() {
		t.Error("there is no room with half of the bound")
	}
	add(t, w, "c", make([]byte, maxBuffered/2))
	if w.HasRoom() {
		t.Error("there is room")
	}
	if len(writable) != 0 {
		t.Error("writable was called before a write")
	}
	s.gate <- nil
	wantWrite(t, s, fmt.Sprint("publish b ", maxBuffered/2), fmt.Sprint("publish c ", maxBuffered/2))
	soon(t, "Writable", func() { <-writable })
	if !w.HasRoom() {
		t.Error("there is no room after a write")
	}
	add(t, w, "d", make([]byte, maxBuffered))
	s.gate <- nil
	wantWrite(t, s, fmt.Sprint("publish d ", maxBuffered))
	s.gate <- nil
	add(t, w, "e", nil)
	w.Flush()
	wantWrite(t, s, "publish e 0")
	s.gate <- nil
	if len(writable) != 0 {
		t.Error("writable was called although HasRoom was never false")
	}
}

// After an error, which is reported to fail once, nothing more is written.
func TestWriterErrorIsSticky(t *testing.T) {
	broken := errors.New("broken")
	s := newSink(true)
	w, fails, writable := startWriter(t, s)
	add(t, w, "a", nil)
	w.Flush()
	wantWrite(t, s, "publish a 0")
	add(t, w, "b", make([]byte, maxBuffered))
	if w.HasRoom() {
		t.Error("there is room")
	}
	s.gate <- broken
	soon(t, "fail", func() {
		if err := <-fails; err != broken {
			t.Errorf("it failed with %v", err)
		}
	})
	soon(t, "Writable", func() { <-writable }) // callers that wait for room go on
	add(t, w, "c", nil)
	w.Ack(1)
	w.Flush()
	w.FlushLater()
	if n, err := w.Write(channelClose); n != 0 || err != broken {
		t.Errorf("%d bytes written, error %v", n, err)
	}
	if w.HasRoom() {
		t.Error("there is room after a failed write")
	}
	w.disable(net.ErrClosed)
	if _, err := w.Write(channelClose); err != broken {
		t.Errorf("the error is %v now", err)
	}
	if len(s.writes) != 0 || len(fails) != 0 {
		t.Errorf("%d more writes, %d more failures", len(s.writes), len(fails))
	}
}

// disable makes writes fail. Frames in the buffer are not written any more.
func TestWriterDisable(t *testing.T) {
	s := newSink(false)
	w, _, _ := startWriter(t, s)
	add(t, w, "a", nil)
	w.disable(net.ErrClosed)
	w.Flush()
	if _, err := w.Write(channelClose); err != net.ErrClosed {
		t.Errorf("error %v", err)
	}
	if len(s.writes) != 0 {
		t.Error("it was written")
	}
}

// A write that fails after disable is not reported: the one who closed the socket knows the reason.
func TestWriterDisableDuringWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSink(true)
		w, fails, writable := startWriter(t, s)
		add(t, w, "a", nil)
		w.Flush()
		wantWrite(t, s, "publish a 0")
		add(t, w, "b", make([]byte, maxBuffered))
		if w.HasRoom() {
			t.Error("there is room")
		}
		w.disable(net.ErrClosed)
		s.gate <- io.ErrClosedPipe
		synctest.Wait()
		if len(fails) != 0 || len(writable) != 1 {
			t.Errorf("%d failures, writable %d times", len(fails), len(writable))
		}
	})
}

// A broker that does not read does not block a caller of Flush. The writer's goroutine sends the rest, and all
// frames arrive whole.
func TestInlineWriteTimeout(t *testing.T) {
	ours, theirs := tcpPair(t)
	w, fails, _ := startWriter(t, ours)
	if !w.inline {
		t.Fatal("callers do not write to a TCP socket")
	}
	const messages, size = 40, 1 << 20 // more than the buffers of sockets take
	for i := range messages {
		add(t, w, fmt.Sprint(i), make([]byte, size))
		began := time.Now()
		w.Flush()
		if took := time.Since(began); took > 5*time.Second { // it is 5 ms on a quiet machine
			t.Fatalf("Flush took %v", took)
		}
	}
	w.mu.Lock()
	if !w.writing || len(w.buf) == 0 {
		t.Error("the socket took everything, so there was no timeout")
	}
	w.mu.Unlock()
	in := wire.NewReader(theirs)
	in.SetFrameMax(0)
	theirs.SetReadDeadline(time.Now().Add(testTimeout)) //nolint:errcheck // then the test hangs
	for i := range messages {
		for _, typ := range []uint8{wire.FrameMethod, wire.FrameHeader, wire.FrameBody} {
			f, err := in.ReadFrame()
			if err != nil || f.Type != typ {
				t.Fatalf("message %d: a frame of type %d, error %v; want type %d", i, f.Type, err, typ)
			}
			if typ == wire.FrameBody && len(f.Payload) != size {
				t.Fatalf("message %d: a body of %d bytes", i, len(f.Payload))
			}
		}
	}
	if len(fails) != 0 {
		t.Errorf("it failed: %v", <-fails)
	}
}

// A failed write of a caller is reported like one of the goroutine.
func TestInlineWriteFails(t *testing.T) {
	ours, _ := tcpPair(t)
	w, fails, _ := startWriter(t, ours)
	ours.Close()
	add(t, w, "a", nil)
	w.Flush()
	soon(t, "fail", func() {
		if err := <-fails; !errors.Is(err, net.ErrClosed) {
			t.Errorf("it failed with %v", err)
		}
	})
}

// Many goroutines publish and flush: all frames arrive whole, and those of one goroutine in order.
func TestWriterConcurrent(t *testing.T) {
	ours, theirs := tcpPair(t)
	w, fails, _ := startWriter(t, ours)
	const goroutines, each = 16, 300
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				if err := w.Publish("", "q", false, &amqp.Publishing{CorrelationId: fmt.Sprint(g, " ", i), Body: make([]byte, i%100)}); err != nil {
					t.Error(err)
				}
				if i%2 == 0 {
					w.Flush()
				} else {
					w.FlushLater()
				}
			}
		})
	}
	in := wire.NewReader(theirs)
	in.SetFrameMax(0)
	theirs.SetReadDeadline(time.Now().Add(testTimeout)) //nolint:errcheck // then the test hangs
	var next [goroutines]int
	for n := 0; n < goroutines*each; {
		f, err := in.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if f.Type != wire.FrameHeader {
			continue
		}
		h, err := wire.ParseHeader(f.Payload)
		if err != nil {
			t.Fatal(err)
		}
		p, err := wire.ParseProperties(h.Properties)
		if err != nil {
			t.Fatal(err)
		}
		var g, i int
		if _, err := fmt.Sscan(p.CorrelationId, &g, &i); err != nil || next[g] != i || h.BodySize != uint64(i%100) {
			t.Fatalf("%q, a body of %d bytes, after %d of the same goroutine: %v", p.CorrelationId, h.BodySize, next[g], err)
		}
		next[g]++
		n++
	}
	wg.Wait()
	if len(fails) != 0 {
		t.Errorf("it failed: %v", <-fails)
	}
}

// Close ends a Link of New, and its goroutine.
func TestCloseEndsLinkOfNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails if a goroutine is left
		ours, theirs := net.Pipe()
		var got bytes.Buffer
		go io.Copy(&got, theirs) //nolint:errcheck // it ends with the pipe
		l := New(ours)
		if err := l.Publish("", "queue", false, &amqp.Publishing{CorrelationId: "a"}); err != nil {
			t.Fatal(err)
		}
		l.Flush()
		synctest.Wait()
		if got, err := describe(got.Bytes()); err != nil || len(got) != 1 || got[0] != "publish a 0" {
			t.Errorf("written: %q, %v", got, err)
		}
		l.Close(0)
		if err := l.Err(); err != net.ErrClosed {
			t.Errorf("it ended with %v", err)
		}
	})
}
