package link

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"rpcscope/amqprpc/internal/wire"
)

// A readConn is a net.Conn that can only read.
type readConn struct {
	net.Conn
	io.Reader
}

func (c readConn) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// streamOf returns a stream that reads from r.
func streamOf(r io.Reader, in Handler) *stream {
	conn := readConn{Reader: r}
	return newStream(conn, conn, in, &writer{}, func(error) {})
}

// readAll reads a whole stream. It returns the bytes for amqp091-go and the calls of the handler.
func readAll(r io.Reader) (passed []byte, lines []string, err error) {
	var h recorder
	passed, err = io.ReadAll(streamOf(r, &h))
	return passed, h.lines, err
}

// Messages, confirms and alarms go to the handler, in order, and all other frames to amqp091-go.
func TestStreamIntercepts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in, passed []byte
		var lines []string
		for i := range rapid.IntRange(0, 20).Draw(t, "frames") {
			id, body := fmt.Sprint("id", i), bytes.Repeat([]byte{'x'}, rapid.SampledFrom([]int{0, 1, 5000, 9000}).Draw(t, "body"))
			tag, odd := uint64(i+1), i%2 == 1
			exchange := rapid.SampledFrom([]string{"", "", "topics"}).Draw(t, "exchange")
			channel := uint16(rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "channel"))
			var frames []byte
			var line string
			switch rapid.SampledFrom([]string{"deliver", "return", "ack", "nack", "blocked", "unblocked", "cancel", "other", "close", "heartbeat"}).Draw(t, "kind") {
			case "deliver":
				frames = wire.AppendDeliver(nil, channel, "tag", tag, odd, exchange, "key")
				frames = append(frames, contentOf(channel, id, body, 4096)...)
				line = fmt.Sprintf("delivered tag %d %v %s key %s %q", tag, odd, exchange, id, body)
			case "return":
				frames = wire.AppendMethod(nil, channel, &wire.BasicReturn{ReplyCode: 312, ReplyText: "NO_ROUTE", Exchange: exchange, RoutingKey: "key"})
				frames = append(frames, contentOf(channel, id, body, 4096)...)
				line = fmt.Sprintf("returned 312 NO_ROUTE %s key %s %q", exchange, id, body)
			case "ack":
				frames = wire.AppendAck(nil, channel, tag, odd)
				line = fmt.Sprintf("confirmed %d %v true", tag, odd)
			case "nack":
				frames = wire.AppendMethod(nil, channel, &wire.BasicNack{DeliveryTag: tag, Multiple: odd})
				line = fmt.Sprintf("confirmed %d %v false", tag, odd)
			case "blocked":
				channel = 0
				frames = wire.AppendMethod(nil, channel, &wire.ConnectionBlocked{Reason: id})
				line = fmt.Sprintf("blocked true %q", id)
			case "unblocked":
				channel = 0
				frames = wire.AppendMethod(nil, channel, &wire.ConnectionUnblocked{})
				line = `blocked false ""`
			case "cancel": // amqp091-go gets it too
				frames = wire.AppendMethod(nil, channel, &wire.BasicCancel{ConsumerTag: id})
			case "other":
				frames = wire.AppendMethod(nil, channel, &wire.QueueDeclareOk{Queue: id})
			case "close":
				frames = wire.AppendMethod(nil, 0, &wire.ConnectionClose{ReplyText: id})
			case "heartbeat":
				frames = wire.AppendHeartbeat(nil)
			}
			in = append(in, frames...)
			if line != "" && channel != 2 {
				lines = append(lines, line)
			} else {
				passed = append(passed, frames...)
			}
		}
		var r io.Reader = bytes.NewReader(in)
		switch rapid.SampledFrom([]string{"whole", "bytes", "halves"}).Draw(t, "pieces") {
		case "bytes":
			r = iotest.OneByteReader(r)
		case "halves":
			r = iotest.HalfReader(r)
		}
		gotPassed, gotLines, err := readAll(r)
		if err != nil || !bytes.Equal(gotPassed, passed) || !slices.Equal(gotLines, lines) {
			t.Fatalf("error %v; passed %d bytes of %d; the handler got %.200q, want %.200q", err, len(gotPassed), len(passed), gotLines, lines)
		}
	})
}

// A violation of the protocol is an error, and the handler gets nothing incomplete.
func TestStreamProtocolErrors(t *testing.T) {
	deliver := wire.AppendDeliver(nil, 1, "", 1, false, "", "key")
	content := contentOf(1, "id", []byte("body"), 0)
	header := content[:len(content)-len("body")-wire.FrameOverhead]
	body := content[len(header):]
	cut := func(channel uint16, b ...byte) []byte {
		return wire.AppendFrame(nil, wire.FrameMethod, channel, b)
	}
	for name, in := range map[string][]byte{
		"a header without a method":            header,
		"a body without a method":              body,
		"a body without a header":              slices.Concat(deliver, body),
		"a second header":                      slices.Concat(deliver, header, header),
		"a method in the middle of a message":  slices.Concat(deliver, header, deliver),
		"a confirm in the middle of a message": slices.Concat(deliver, wire.AppendAck(nil, 1, 1, false)),
		"more body than announced":             slices.Concat(deliver, header, wire.AppendFrame(nil, wire.FrameBody, 1, []byte("bodyandmore"))),
		"another body":                         slices.Concat(deliver, header, body, body),
		"a header of a weight":                 slices.Concat(deliver, wire.AppendFrame(nil, wire.FrameHeader, 1, []byte{0, 60, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})),
		"half a method":                        cut(1, 0),
		"half a method on channel 0":           cut(0, 0),
		"a delivery cut short":                 cut(1, 0, 60, 0, 60, 200),
		"an ack cut short":                     cut(1, 0, 60, 0, 80),
		"a nack cut short":                     cut(1, 0, 60, 0, 120),
		"a return cut short":                   cut(1, 0, 60, 0, 50),
		"a cancel cut short":                   cut(1, 0, 60, 0, 30),
		"an alarm cut short":                   cut(0, 0, 10, 0, 60),
		"a frame above the max size":           wire.AppendFrame(nil, wire.FrameBody, 0, make([]byte, frameMax)),
		"another protocol":                     []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
	} {
		_, lines, err := readAll(bytes.NewReader(in))
		var refused *wire.Error
		if !errors.As(err, &refused) {
			t.Errorf("%s: error %v", name, err)
		}
		if whole := strings.HasPrefix(name, "another body"); len(lines) > 0 != whole {
			t.Errorf("%s: the handler got %q", name, lines)
		}
	}
}

// Memory grows with the body that arrived, not with the size that its header announces.
func TestBodyMemory(t *testing.T) {
	header := wire.AppendFrame(nil, wire.FrameHeader, 1, []byte{0, 60, 0, 0, 0, 0, 0, 0, 0x1f, 0xff, 0xff, 0xff, 0, 0})
	in := slices.Concat(wire.AppendDeliver(nil, 1, "", 1, false, "", "key"), header, wire.AppendFrame(nil, wire.FrameBody, 1, make([]byte, 100)))
	s := streamOf(bytes.NewReader(in), &recorder{})
	if _, err := io.ReadAll(s); err != nil {
		t.Fatal(err)
	}
	if room := cap(s.content.properties.Body); room > 2*maxPrealloc {
		t.Errorf("room for %d bytes", room)
	}
}

// A message with malformed properties is delivered without them. If the connection were closed, it would be
// redelivered.
func TestMalformedProperties(t *testing.T) {
	in := slices.Concat(wire.AppendDeliver(nil, 1, "", 7, false, "", "key"),
		wire.AppendFrame(nil, wire.FrameHeader, 1, []byte{0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xf8, 1}))
	_, lines, err := readAll(bytes.NewReader(in))
	if want := `delivered  7 false  key  ""`; err != nil || len(lines) != 1 || lines[0] != want {
		t.Errorf("the handler got %q, error %v", lines, err)
	}
}

// While all frames are for the handler, amqp091-go gets heartbeats: it closes a connection on which it reads
// nothing.
func TestStreamMakesHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker, ours := net.Pipe()
		defer broker.Close()
		s := newStream(ours, ours, &recorder{}, &writer{}, func(error) {})
		read := make(chan []byte)
		go func() {
			defer close(read)
			for p := make([]byte, 100); ; {
				n, err := s.Read(p)
				if err != nil {
					return
				}
				read <- bytes.Clone(p[:n])
			}
		}()
		heartbeats := 0
		for i := range 100 { // 10 seconds
			go broker.Write(wire.AppendAck(nil, 1, uint64(i+1), false)) //nolint:errcheck // the reader notices
			synctest.Wait()
			select {
			case p := <-read:
				if heartbeats++; !bytes.Equal(p, wire.AppendHeartbeat(nil)) {
					t.Fatalf("read %x", p)
				}
			default:
			}
			time.Sleep(100 * time.Millisecond)
		}
		if heartbeats < 8 || heartbeats > 10 {
			t.Errorf("%d heartbeats in 10 s", heartbeats)
		}
		broker.Close()
		<-read
	})
}

// A cancel is reported, and also passed to amqp091-go, which answers it.
func TestStreamReportsCancel(t *testing.T) {
	in := wire.AppendMethod(nil, 1, &wire.BasicCancel{ConsumerTag: "tag"})
	s := streamOf(bytes.NewReader(in), &recorder{})
	var reported []error
	s.canceled = func(err error) { reported = append(reported, err) }
	if passed, err := io.ReadAll(s); err != nil || !bytes.Equal(passed, in) {
		t.Fatalf("passed %x, error %v", passed, err)
	}
	var canceled *CancelError
	if len(reported) != 1 || !errors.As(reported[0], &canceled) || canceled.ConsumerTag != "tag" {
		t.Errorf("reported %v", reported)
	}
}

// After stop the handler is not called, and frames are still read.
func TestStreamStop(t *testing.T) {
	var h recorder
	ack := wire.AppendAck(nil, 1, 1, false)
	s := streamOf(bytes.NewReader(slices.Concat(ack, wire.AppendHeartbeat(nil), ack, wire.AppendHeartbeat(nil))), &h)
	heartbeat := make([]byte, wire.FrameOverhead)
	if _, err := io.ReadFull(s, heartbeat); err != nil {
		t.Fatal(err)
	}
	s.stop()
	if _, err := io.ReadFull(s, heartbeat); err != nil {
		t.Fatal(err)
	}
	if len(h.lines) != 1 {
		t.Errorf("the handler got %q", h.lines)
	}
}

// A slowHandler is a Handler whose Confirmed blocks until release is closed.
type slowHandler struct {
	recorder
	called, release chan struct{}
	returned        atomic.Bool
}

func (h *slowHandler) Confirmed(uint64, bool, bool) {
	close(h.called)
	<-h.release
	h.returned.Store(true)
}

func TestStreamStopWaitsForTheHandler(t *testing.T) {
	h := &slowHandler{called: make(chan struct{}), release: make(chan struct{})}
	s := streamOf(bytes.NewReader(wire.AppendAck(nil, 1, 1, false)), h)
	go io.ReadAll(s) //nolint:errcheck // its results do not matter
	<-h.called
	time.AfterFunc(10*time.Millisecond, func() { close(h.release) })
	s.stop()
	if !h.returned.Load() {
		t.Error("stop returned before the handler")
	}
}

// FuzzStream checks that no input makes a stream panic, and that the result does not depend on the sizes of reads.
func FuzzStream(f *testing.F) {
	deliver := wire.AppendDeliver(nil, 1, "", 1, false, "", "key")
	f.Add(slices.Concat(deliver, contentOf(1, "id", []byte("body"), 0), wire.AppendHeartbeat(nil)), byte(3))
	f.Add(wire.AppendAck(wire.AppendAck(nil, 1, 3, true), 2, 4, false), byte(1))
	f.Add(wire.AppendMethod(wire.AppendMethod(nil, 0, &wire.ConnectionBlocked{Reason: "memory"}), 1, &wire.BasicCancel{ConsumerTag: "x"}), byte(2))
	f.Add(slices.Concat(deliver, deliver), byte(0))
	f.Add([]byte("AMQP\x00\x00\x09\x01"), byte(0))
	f.Fuzz(func(t *testing.T, in []byte, piece byte) {
		passed, lines, err := readAll(bytes.NewReader(in))
		cut, cutLines, cutErr := readAll(&pieces{bytes.NewReader(in), max(1, int(piece))})
		if !bytes.Equal(passed, cut) || !slices.Equal(lines, cutLines) || (err == nil) != (cutErr == nil) {
			t.Fatalf("whole: %d bytes, %q, %v; in pieces: %d bytes, %q, %v", len(passed), lines, err, len(cut), cutLines, cutErr)
		}
		if len(passed) > len(in) {
			t.Fatalf("%d bytes of %d", len(passed), len(in))
		}
	})
}

// pieces is a Reader that returns at most max bytes at a time.
type pieces struct {
	r   io.Reader
	max int
}

func (p *pieces) Read(b []byte) (int, error) { return p.r.Read(b[:min(len(b), p.max)]) }
