package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
)

// fuzzError returns err, which must be an AMQP exception with one of these codes.
func fuzzError(t *testing.T, err error, codes ...uint16) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is not an exception", err)
	}
	for _, code := range codes {
		if e.Code == code {
			return e
		}
	}
	t.Fatalf("%v has none of the codes %v", err, codes)
	return nil
}

func FuzzReader(f *testing.F) {
	f.Add(uint32(FrameMinSize), uint16(0), request("1000"))
	f.Add(uint32(FrameMinSize), uint16(1), AppendHeartbeat(nil))
	f.Add(uint32(0), uint16(3), []byte("\x03\x00\x01\x7f\xff\xff\xff abc"))
	f.Add(uint32(1), uint16(0), AppendHeartbeat(AppendHeartbeat(nil))[:12])
	f.Add(uint32(128<<10), uint16(7), AppendMethod(nil, 1, &QueueDeclare{Queue: "q", Arguments: amqp.Table{"x-expires": int32(1)}}))
	f.Add(uint32(128<<10), uint16(0), []byte("AMQP\x00\x00\x09\x01"))
	f.Add(uint32(0), uint16(4000), AppendFrame(nil, FrameBody, 1, make([]byte, readAhead+1)))
	f.Fuzz(func(t *testing.T, frameMax uint32, chunk uint16, in []byte) {
		var stream io.Reader = bytes.NewReader(in)
		if chunk > 0 {
			stream = chunks{stream, int(chunk)}
		}
		r := NewReader(stream)
		r.SetFrameMax(frameMax)
		var back []byte
		for {
			frame, err := r.ReadFrame()
			if err == nil {
				if size := len(frame.Payload) + FrameOverhead; frameMax != 0 && size > int(frameMax) {
					t.Fatalf("a frame of %d bytes, the limit is %d", size, frameMax)
				}
				back = AppendFrame(back, frame.Type, frame.Channel, frame.Payload)
				continue
			}
			switch {
			case err == io.EOF:
				if len(back) != len(in) {
					t.Fatalf("ended after %d of %d bytes", len(back), len(in))
				}
			case err != io.ErrUnexpectedEOF:
				fuzzError(t, err, FrameError)
			case len(back) == len(in):
				t.Fatal("io.ErrUnexpectedEOF after the last frame")
			}
			break
		}
		if !bytes.HasPrefix(in, back) {
			t.Fatalf("% x was read as % x", in, back)
		}
		if cap(r.buf) > 2*(readAhead+len(in)) {
			t.Fatalf("a buffer of %d bytes for %d", cap(r.buf), len(in))
		}
	})
}

func FuzzTable(f *testing.F) {
	for _, field := range fields {
		f.Add([]byte(long("\x03key" + field.wire)))
	}
	f.Add([]byte(long("\x01kt\x01\x01kt\x00") + "rest"))
	f.Add([]byte("\xff\xff\xff\xff\x01kV"))
	f.Add([]byte(long("\x01kF" + long("\x01kA"+long("A"+long("VV"))))))
	f.Fuzz(func(t *testing.T, in []byte) {
		table, rest, err := ParseTable(in)
		d := decoder{b: in}
		if d.table(); d.failed() != (err != nil) {
			t.Fatalf("built: %v, checked: %q", err, d.reason)
		}
		if err != nil {
			fuzzError(t, err, SyntaxError)
			if table != nil || rest != nil {
				t.Fatalf("%v beside %v", table, err)
			}
			return
		}
		if size := 4 + binary.BigEndian.Uint32(in); !bytes.Equal(rest, in[size:]) || !bytes.Equal(d.b, rest) {
			t.Fatalf("%q is left, and %q", rest, d.b)
		}
		out, err := AppendTable(nil, table)
		if err != nil {
			t.Fatal(err)
		}
		if len(out) > len(in)-len(rest) {
			t.Fatalf("%d bytes became %d", len(in)-len(rest), len(out))
		}
		back, rest, err := ParseTable(out)
		if err != nil || len(rest) != 0 || !same(back, table) {
			t.Fatalf("%#v came back as %#v, %q, %v", table, back, rest, err)
		}
	})
}

func FuzzMethod(f *testing.F) {
	for _, m := range everyMethod() {
		whole := AppendMethod(nil, 1, m)
		f.Add(whole[frameHead : len(whole)-1])
	}
	f.Add(appendMethodID(nil, ClassExchange, 10))
	f.Add(appendMethodID(nil, ClassBasic, 99))
	whole := AppendMethod(nil, 1, &QueueDeclare{Queue: "q", Durable: true, Arguments: amqp.Table{"x-expires": int32(1)}})
	f.Add(whole[frameHead : len(whole)-1])
	f.Fuzz(func(t *testing.T, in []byte) {
		class, method, idErr := MethodID(in)
		m, err := ParseMethod(in)
		if publish, hot := ParsePublish(in); class == ClassBasic && method == BasicPublishID {
			if (hot == nil) != (err == nil) {
				t.Fatalf("in general: %v, publish: %v", err, hot)
			}
			if m, ok := m.(*BasicPublish); ok && (m.Exchange != string(publish.Exchange) || m.RoutingKey != string(publish.RoutingKey) ||
				m.Mandatory != publish.Mandatory || m.Immediate != publish.Immediate) {
				t.Fatalf("%+v is %+v", m, publish)
			}
		} else {
			fuzzError(t, hot, CommandInvalid, SyntaxError)
		}
		if tag, multiple, hot := ParseAck(in); class == ClassBasic && method == BasicAckID {
			if (hot == nil) != (err == nil) {
				t.Fatalf("in general: %v, ack: %v", err, hot)
			}
			if m, ok := m.(*BasicAck); ok && (m.DeliveryTag != tag || m.Multiple != multiple) {
				t.Fatalf("%+v is %d, %v", m, tag, multiple)
			}
		} else {
			fuzzError(t, hot, CommandInvalid, SyntaxError)
		}
		if err != nil {
			e := fuzzError(t, err, SyntaxError, NotImplemented, CommandInvalid)
			if idErr == nil && (e.Class != class || e.Method != method) {
				t.Fatalf("%+v is about %d.%d", e, class, method)
			}
			return
		}
		back, err := ParseMethod(payloadOf(t, AppendMethod(nil, 1, m)))
		if err != nil || !sameFields(back, m) {
			t.Fatalf("%+v came back as %+v, %v", m, back, err)
		}
	})
}

func FuzzProperties(f *testing.F) {
	f.Add([]byte(allProperties))
	f.Add([]byte("\x00\x00"))
	f.Add([]byte("\x00\x0c\x01a\x01c"))
	f.Add([]byte("\x20\x00" + long("\x01kS\xff\xff\xff\xff")))
	f.Add([]byte("\x20\x00" + long("\x02CCV")))
	f.Add([]byte("\x20\x00" + long("\x02CCV"+string(nested(boundedDepth+1, 'F')))))
	f.Add([]byte("\xff\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		brief, checked := ParseBrief(in)
		p, err := ParseProperties(in)
		if (err == nil) != (checked == nil) {
			t.Fatalf("built: %v, checked: %v", err, checked)
		}
		if err != nil {
			fuzzError(t, err, SyntaxError)
			fuzzError(t, checked, SyntaxError)
			return
		}
		want := briefOf(&p)
		if p.Headers == nil {
			want.Copies = brief.Copies // the headers may be out of bounds
		}
		want.HasDeliveryMode, want.HasExpiration, want.HasUserID = in[0]&0x10 != 0, in[0]&1 != 0, in[1]&0x10 != 0
		if brief != want {
			t.Fatalf("%+v has the brief %+v", p, brief)
		}
		out, err := AppendProperties(nil, &p)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseProperties(out)
		if err != nil || !sameFields(back, p) {
			t.Fatalf("%+v came back as %+v, %v", p, back, err)
		}
	})
}
