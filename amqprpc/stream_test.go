package amqprpc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"

	"rpcscope/amqprpc/internal/wire"
)

// heard is an inbox that writes down what it is told.
type heard struct{ lines []string }

func (h *heard) delivered(tag uint64, m Message) {
	h.add("delivered %d %s %s %v %q", tag, m.RoutingKey, m.CorrelationID, m.Redelivered, m.Body)
}

func (h *heard) returned(code int, text string, m Message) {
	h.add("returned %d %s %s %s %q", code, text, m.RoutingKey, m.CorrelationID, m.Body)
}

func (h *heard) settled(tag uint64, multiple, acked bool) {
	h.add("settled %d %v %v", tag, multiple, acked)
}

func (h *heard) add(format string, args ...any) {
	h.lines = append(h.lines, fmt.Sprintf(format, args...))
}

// incoming is a net.Conn of which one can only read.
type incoming struct {
	net.Conn
	io.Reader
}

func (c incoming) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// through reads a whole stream and returns what was left for amqp091-go and what the inbox
// was told.
func through(r io.Reader) (passed []byte, told []string, err error) {
	var h heard
	conn := incoming{Reader: r}
	passed, err = io.ReadAll(newStream(conn, conn, &h))
	return passed, h.lines, err
}

func contentOf(channel uint16, id string, body []byte, max uint32) []byte {
	p, err := wire.AppendProperties(nil, &amqp.Publishing{CorrelationId: id})
	if err != nil {
		panic(err)
	}
	return wire.AppendContent(nil, channel, wire.ClassBasic, p, body, max)
}

// Whatever comes, in whatever pieces: calls' frames go to the inbox, in order, and all
// others through.
func TestStreamTakesWhatIsForCalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in, through1 []byte
		var told []string
		for i := range rapid.IntRange(0, 20).Draw(t, "frames") {
			id, body := fmt.Sprint("id", i), bytes.Repeat([]byte{'x'}, rapid.SampledFrom([]int{0, 1, 5000, 9000}).Draw(t, "body"))
			tag := uint64(i + 1)
			channel := uint16(rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "channel"))
			var frames []byte
			var line string
			switch kind := rapid.SampledFrom([]string{"deliver", "return", "ack", "nack", "other", "heartbeat"}).Draw(t, "kind"); kind {
			case "deliver":
				frames = wire.AppendDeliver(nil, channel, "", tag, i%2 == 0, "", "key")
				frames = append(frames, contentOf(channel, id, body, 4096)...)
				line = fmt.Sprintf("delivered %d key %s %v %q", tag, id, i%2 == 0, body)
			case "return":
				frames = wire.AppendMethod(nil, channel, &wire.BasicReturn{ReplyCode: 312, ReplyText: "NO_ROUTE", RoutingKey: "key"})
				frames = append(frames, contentOf(channel, id, body, 4096)...)
				line = fmt.Sprintf("returned 312 NO_ROUTE key %s %q", id, body)
			case "ack":
				frames = wire.AppendAck(nil, channel, tag, i%2 == 0)
				line = fmt.Sprintf("settled %d %v true", tag, i%2 == 0)
			case "nack":
				frames = wire.AppendMethod(nil, channel, &wire.BasicNack{DeliveryTag: tag, Multiple: i%2 == 0})
				line = fmt.Sprintf("settled %d %v false", tag, i%2 == 0)
			case "other":
				frames = wire.AppendMethod(nil, channel, &wire.BasicCancel{ConsumerTag: id})
				through1 = append(through1, frames...)
			case "heartbeat":
				frames = wire.AppendHeartbeat(nil)
				through1 = append(through1, frames...)
			}
			in = append(in, frames...)
			switch {
			case line == "":
			case channel == callChannel:
				told = append(told, line)
			default:
				through1 = append(through1, frames...)
			}
		}
		var r io.Reader = bytes.NewReader(in)
		switch rapid.SampledFrom([]string{"whole", "bytes", "halves"}).Draw(t, "pieces") {
		case "bytes":
			r = iotest.OneByteReader(r)
		case "halves":
			r = iotest.HalfReader(r)
		}
		gotPassed, gotTold, err := through(r)
		if err != nil || !bytes.Equal(gotPassed, through1) || !slices.Equal(gotTold, told) {
			t.Fatalf("error %v; passed %d octets of %d; told %.200q, want %.200q", err, len(gotPassed), len(through1), gotTold, told)
		}
	})
}

// A broker that does not keep to the protocol loses the connection, and nothing half is
// told of.
func TestStreamRefusesNonsense(t *testing.T) {
	deliver := wire.AppendDeliver(nil, 1, "", 1, false, "", "key")
	content := contentOf(1, "id", []byte("body"), 0)
	header := content[:len(content)-len("body")-wire.FrameOverhead]
	body := content[len(header):]
	for name, in := range map[string][]byte{
		"a header without a method":            header,
		"a body without a method":              body,
		"a body without a header":              slices.Concat(deliver, body),
		"a second header":                      slices.Concat(deliver, header, header),
		"a method in the middle of a message":  slices.Concat(deliver, header, deliver),
		"a confirm in the middle of a message": slices.Concat(deliver, wire.AppendAck(nil, 1, 1, false)),
		"more body than announced":             slices.Concat(deliver, header, wire.AppendFrame(nil, wire.FrameBody, 1, []byte("bodyandmore"))),
		"another body":                         slices.Concat(deliver, header, body, body),
		"a method cut short":                   wire.AppendFrame(nil, wire.FrameMethod, 1, []byte{0, 60, 0, 60, 200}),
		"half a method":                        wire.AppendFrame(nil, wire.FrameMethod, 1, []byte{0}),
		"an ack cut short":                     wire.AppendFrame(nil, wire.FrameMethod, 1, []byte{0, 60, 0, 80}),
		"a nack cut short":                     wire.AppendFrame(nil, wire.FrameMethod, 1, []byte{0, 60, 0, 120}),
		"a return cut short":                   wire.AppendFrame(nil, wire.FrameMethod, 1, []byte{0, 60, 0, 50}),
		"a frame larger than agreed":           wire.AppendFrame(nil, wire.FrameBody, 0, make([]byte, frameMax)),
		"another protocol":                     []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
	} {
		_, told, err := through(bytes.NewReader(in))
		var refused *wire.Error
		if !errors.As(err, &refused) {
			t.Errorf("%s: error %v", name, err)
		}
		if whole := strings.HasPrefix(name, "another body"); len(told) > 0 != whole {
			t.Errorf("%s: told of %q", name, told)
		}
	}
}

// A body takes the memory that has come, not what its header announces.
func TestStreamBelievesNoSize(t *testing.T) {
	lie := wire.AppendFrame(nil, wire.FrameHeader, 1, []byte{0, 60, 0, 0, 0, 0, 0, 0, 0x1f, 0xff, 0xff, 0xff, 0, 0})
	in := slices.Concat(wire.AppendDeliver(nil, 1, "", 1, false, "", "key"), lie, wire.AppendFrame(nil, wire.FrameBody, 1, make([]byte, 100)))
	conn := incoming{Reader: bytes.NewReader(in)}
	s := newStream(conn, conn, &heard{})
	if _, err := io.ReadAll(s); err != nil {
		t.Fatal(err)
	}
	if room := cap(s.coming.message.Body); room > 2*mostAtOnce {
		t.Errorf("room for %d octets", room)
	}
}

// Properties that are no properties cost a message those, and nobody the connection:
// it would be delivered again.
func TestStreamKeepsWhatHasNoProperties(t *testing.T) {
	in := slices.Concat(wire.AppendDeliver(nil, 1, "", 7, false, "", "key"),
		wire.AppendFrame(nil, wire.FrameHeader, 1, []byte{0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xf8, 1}))
	_, told, err := through(bytes.NewReader(in))
	if want := `delivered 7 key  false ""`; err != nil || len(told) != 1 || told[0] != want {
		t.Errorf("told %q, error %v", told, err)
	}
}

// amqp091-go takes a broker for dead of which it reads nothing. While all that comes is
// for calls, it is given heartbeats.
func TestStreamShowsSignsOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker, ours := net.Pipe()
		defer broker.Close()
		s := newStream(ours, ours, &heard{})
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

// While a write is stuck, as it is when the broker has an alarm, heartbeats do not wait
// behind it, and other frames do.
func TestStreamHeartbeatBesideAWrite(t *testing.T) {
	broker, ours := net.Pipe()
	s := newStream(ours, ours, &heard{})
	beat, ack := wire.AppendHeartbeat(nil), wire.AppendAck(nil, 1, 1, false)
	synced := make(chan error, 2)
	write := func() {
		_, err := s.Write(ack)
		synced <- err
	}
	go write()
	if _, err := io.ReadFull(broker, make([]byte, 1)); err != nil { // the rest is stuck
		t.Fatal(err)
	}
	go write()
	beaten := make(chan struct{})
	go func() {
		defer close(beaten)
		if n, err := s.Write(beat); n != len(beat) || err != nil {
			t.Errorf("%d octets written, error %v", n, err)
		}
	}()
	select {
	case <-beaten:
	case <-time.After(30 * time.Second):
		t.Fatal("a heartbeat waits for a write that is stuck")
	}
	if _, err := io.ReadFull(broker, make([]byte, 2*len(ack)-1)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-synced; err != nil {
			t.Error(err)
		}
	}
	go s.Write(beat) //nolint:errcheck // the reader sees
	got := make([]byte, len(beat))
	if _, err := io.ReadFull(broker, got); err != nil || !bytes.Equal(got, beat) {
		t.Errorf("read %x, error %v", got, err)
	}
	broker.Close()
}

// After deafen the inbox is told of nothing, and what comes is still read.
func TestStreamDeafen(t *testing.T) {
	var h heard
	ack := wire.AppendAck(nil, 1, 1, false)
	conn := incoming{Reader: bytes.NewReader(slices.Concat(ack, wire.AppendHeartbeat(nil), ack, wire.AppendHeartbeat(nil)))}
	s := newStream(conn, conn, &h)
	beat := make([]byte, wire.FrameOverhead)
	if _, err := io.ReadFull(s, beat); err != nil {
		t.Fatal(err)
	}
	s.deafen()
	if _, err := io.ReadFull(s, beat); err != nil {
		t.Fatal(err)
	}
	if len(h.lines) != 1 {
		t.Errorf("told %q", h.lines)
	}
}

// FuzzStream: nothing that a broker sends makes a stream panic, and the pieces in which it comes do not matter.
func FuzzStream(f *testing.F) {
	deliver := wire.AppendDeliver(nil, 1, "", 1, false, "", "key")
	f.Add(slices.Concat(deliver, contentOf(1, "id", []byte("body"), 0), wire.AppendHeartbeat(nil)), byte(3))
	f.Add(wire.AppendAck(wire.AppendAck(nil, 1, 3, true), 2, 4, false), byte(1))
	f.Add(slices.Concat(deliver, deliver), byte(0))
	f.Add([]byte("AMQP\x00\x00\x09\x01"), byte(0))
	f.Fuzz(func(t *testing.T, in []byte, piece byte) {
		passed, told, err := through(bytes.NewReader(in))
		cut, cutTold, cutErr := through(&pieces{bytes.NewReader(in), max(1, int(piece))})
		if !bytes.Equal(passed, cut) || !slices.Equal(told, cutTold) || (err == nil) != (cutErr == nil) {
			t.Fatalf("whole: %d octets, %q, %v; in pieces: %d octets, %q, %v", len(passed), told, err, len(cut), cutTold, cutErr)
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

// However often a broker says that it takes no publishes, or cancels a consumer, it waits for
// nobody: only what it has said last counts.
func TestStreamKeepsTheLastAlarm(t *testing.T) {
	var in []byte
	for i := range 100 {
		in = wire.AppendMethod(in, 0, &wire.ConnectionBlocked{Reason: fmt.Sprint("alarm ", i)})
		in = wire.AppendMethod(in, callChannel, &wire.BasicCancel{ConsumerTag: fmt.Sprint("consumer ", i)})
		if i < 99 {
			in = wire.AppendMethod(in, 0, &wire.ConnectionUnblocked{})
		}
	}
	conn := incoming{Reader: bytes.NewReader(in)}
	s := newStream(conn, conn, &heard{})
	if _, err := io.Copy(io.Discard, s); err != nil {
		t.Fatal(err)
	}
	if len(s.alarms) != 1 || len(s.cancels) != 1 {
		t.Fatalf("%d alarms and %d cancels are kept", len(s.alarms), len(s.cancels))
	}
	if got := <-s.alarms; got != (amqp.Blocking{Active: true, Reason: "alarm 99"}) {
		t.Errorf("the last alarm is %+v", got)
	}
	if got := <-s.cancels; got != "consumer 99" {
		t.Errorf("the last that was canceled is %q", got)
	}
}
