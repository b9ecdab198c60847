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

// incoming is a net.Conn of which one can only read.
type incoming struct {
	net.Conn
	io.Reader
}

func (c incoming) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// streamOf returns a stream of what r has.
func streamOf(r io.Reader, in Handler) *stream {
	conn := incoming{Reader: r}
	return newStream(conn, conn, in, &writer{})
}

// through reads a whole stream and returns what was left for amqp091-go, and what the handler was told.
func through(r io.Reader) (passed []byte, lines []string, err error) {
	var h told
	passed, err = io.ReadAll(streamOf(r, &h))
	return passed, h.lines, err
}

// Whatever comes, in whatever pieces: messages, confirms and alarms go to the handler, in order, and all
// other frames to amqp091-go.
func TestStreamTakesMessages(t *testing.T) {
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
		gotPassed, gotLines, err := through(r)
		if err != nil || !bytes.Equal(gotPassed, passed) || !slices.Equal(gotLines, lines) {
			t.Fatalf("error %v; passed %d octets of %d; told %.200q, want %.200q", err, len(gotPassed), len(passed), gotLines, lines)
		}
	})
}

// A broker that does not keep to the protocol loses the connection, and the handler is told of nothing that
// is incomplete.
func TestStreamRefusesNonsense(t *testing.T) {
	deliver := wire.AppendDeliver(nil, 1, "", 1, false, "", "key")
	content := contentOf(1, "id", []byte("body"), 0)
	header := content[:len(content)-len("body")-wire.FrameOverhead]
	body := content[len(header):]
	cut := func(channel uint16, octets ...byte) []byte {
		return wire.AppendFrame(nil, wire.FrameMethod, channel, octets)
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
		"a message larger than RabbitMQ takes": slices.Concat(deliver, wire.AppendFrame(nil, wire.FrameHeader, 1, []byte{0, 60, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 1, 0, 0})),
		"a header of a weight":                 slices.Concat(deliver, wire.AppendFrame(nil, wire.FrameHeader, 1, []byte{0, 60, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})),
		"half a method":                        cut(1, 0),
		"half a method on channel 0":           cut(0, 0),
		"a delivery cut short":                 cut(1, 0, 60, 0, 60, 200),
		"an ack cut short":                     cut(1, 0, 60, 0, 80),
		"a nack cut short":                     cut(1, 0, 60, 0, 120),
		"a return cut short":                   cut(1, 0, 60, 0, 50),
		"a cancel cut short":                   cut(1, 0, 60, 0, 30),
		"an alarm cut short":                   cut(0, 0, 10, 0, 60),
		"a frame larger than agreed":           wire.AppendFrame(nil, wire.FrameBody, 0, make([]byte, frameMax)),
		"another protocol":                     []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
	} {
		_, lines, err := through(bytes.NewReader(in))
		var refused *wire.Error
		if !errors.As(err, &refused) {
			t.Errorf("%s: error %v", name, err)
		}
		if whole := strings.HasPrefix(name, "another body"); len(lines) > 0 != whole {
			t.Errorf("%s: told of %q", name, lines)
		}
	}
}

// A body takes the memory that has come, not what its header announces.
func TestStreamBelievesNoSize(t *testing.T) {
	lie := wire.AppendFrame(nil, wire.FrameHeader, 1, []byte{0, 60, 0, 0, 0, 0, 0, 0, 0x1f, 0xff, 0xff, 0xff, 0, 0})
	in := slices.Concat(wire.AppendDeliver(nil, 1, "", 1, false, "", "key"), lie, wire.AppendFrame(nil, wire.FrameBody, 1, make([]byte, 100)))
	s := streamOf(bytes.NewReader(in), &told{})
	if _, err := io.ReadAll(s); err != nil {
		t.Fatal(err)
	}
	if room := cap(s.content.properties.Body); room > 2*maxPrealloc {
		t.Errorf("room for %d octets", room)
	}
}

// A message whose properties are malformed is delivered without them. If the connection were closed
// over it, it would be delivered again.
func TestStreamDeliversWithoutMalformedProperties(t *testing.T) {
	in := slices.Concat(wire.AppendDeliver(nil, 1, "", 7, false, "", "key"),
		wire.AppendFrame(nil, wire.FrameHeader, 1, []byte{0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xf8, 1}))
	_, lines, err := through(bytes.NewReader(in))
	if want := `delivered  7 false  key  ""`; err != nil || len(lines) != 1 || lines[0] != want {
		t.Errorf("told %q, error %v", lines, err)
	}
}

// While all that arrives is for the handler, amqp091-go is given heartbeats: it closes a connection on which it
// reads nothing.
func TestStreamGivesHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker, ours := net.Pipe()
		defer broker.Close()
		s := newStream(ours, ours, &told{}, &writer{})
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
		beats := 0
		for i := range 100 { // 10 seconds
			go broker.Write(wire.AppendAck(nil, 1, uint64(i+1), false)) //nolint:errcheck // the reader sees
			synctest.Wait()
			select {
			case p := <-read:
				if beats++; !bytes.Equal(p, wire.AppendHeartbeat(nil)) {
					t.Fatalf("read %x", p)
				}
			default:
			}
			time.Sleep(100 * time.Millisecond)
		}
		if beats < 8 || beats > 10 {
			t.Errorf("%d heartbeats in 10 s", beats)
		}
		broker.Close()
		<-read
	})
}

// However many cancels come, the reader waits for nobody to take them.
func TestStreamKeepsOneCancel(t *testing.T) {
	var in []byte
	for i := range 100 {
		in = wire.AppendMethod(in, 1, &wire.BasicCancel{ConsumerTag: fmt.Sprint("consumer ", i)})
	}
	s := streamOf(bytes.NewReader(in), &told{})
	if passed, err := io.ReadAll(s); err != nil || len(passed) != len(in) {
		t.Fatalf("passed %d octets of %d, error %v", len(passed), len(in), err)
	}
	if got := <-s.cancels; got != "consumer 0" || len(s.cancels) != 0 {
		t.Errorf("%q was canceled, and %d more", got, len(s.cancels))
	}
}

// After stop the handler is told of nothing, and what comes is still read.
func TestStreamStop(t *testing.T) {
	var h told
	ack := wire.AppendAck(nil, 1, 1, false)
	s := streamOf(bytes.NewReader(slices.Concat(ack, wire.AppendHeartbeat(nil), ack, wire.AppendHeartbeat(nil))), &h)
	beat := make([]byte, wire.FrameOverhead)
	if _, err := io.ReadFull(s, beat); err != nil {
		t.Fatal(err)
	}
	s.stop()
	if _, err := io.ReadFull(s, beat); err != nil {
		t.Fatal(err)
	}
	if len(h.lines) != 1 {
		t.Errorf("told %q", h.lines)
	}
}

// held is a Handler that does not return from Confirmed until it may.
type held struct {
	told
	called, may chan struct{}
	returned    atomic.Bool
}

func (h *held) Confirmed(uint64, bool, bool) {
	close(h.called)
	<-h.may
	h.returned.Store(true)
}

// stop waits for the handler.
func TestStreamStopWaitsForTheHandler(t *testing.T) {
	h := &held{called: make(chan struct{}), may: make(chan struct{})}
	s := streamOf(bytes.NewReader(wire.AppendAck(nil, 1, 1, false)), h)
	go io.ReadAll(s) //nolint:errcheck // what it returns does not matter
	<-h.called
	time.AfterFunc(10*time.Millisecond, func() { close(h.may) })
	s.stop()
	if !h.returned.Load() {
		t.Error("stop returned before the handler")
	}
}

// FuzzStream: nothing that a broker sends makes a stream panic, and the pieces in which it comes do not matter.
func FuzzStream(f *testing.F) {
	deliver := wire.AppendDeliver(nil, 1, "", 1, false, "", "key")
	f.Add(slices.Concat(deliver, contentOf(1, "id", []byte("body"), 0), wire.AppendHeartbeat(nil)), byte(3))
	f.Add(wire.AppendAck(wire.AppendAck(nil, 1, 3, true), 2, 4, false), byte(1))
	f.Add(wire.AppendMethod(wire.AppendMethod(nil, 0, &wire.ConnectionBlocked{Reason: "memory"}), 1, &wire.BasicCancel{ConsumerTag: "x"}), byte(2))
	f.Add(slices.Concat(deliver, deliver), byte(0))
	f.Add([]byte("AMQP\x00\x00\x09\x01"), byte(0))
	f.Fuzz(func(t *testing.T, in []byte, piece byte) {
		passed, lines, err := through(bytes.NewReader(in))
		cut, cutLines, cutErr := through(&pieces{bytes.NewReader(in), max(1, int(piece))})
		if !bytes.Equal(passed, cut) || !slices.Equal(lines, cutLines) || (err == nil) != (cutErr == nil) {
			t.Fatalf("whole: %d octets, %q, %v; in pieces: %d octets, %q, %v", len(passed), lines, err, len(cut), cutLines, cutErr)
		}
		if len(passed) > len(in) {
			t.Fatalf("%d octets of %d", len(passed), len(in))
		}
	})
}

type pieces struct {
	r    io.Reader
	most int
}

func (p *pieces) Read(b []byte) (int, error) { return p.r.Read(b[:min(len(b), p.most)]) }
