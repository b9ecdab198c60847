package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func TestProtocolHeader(t *testing.T) {
	for _, c := range []struct{ in, got string }{
		{"GET / HTTP/1.1\r\n", "GET / HT"},
		{"AMQP\x00\x01\x00\x00", "AMQP\x00\x01\x00\x00"}, // AMQP 1.0
		{"AMQP\x03\x01\x00\x00", "AMQP\x03\x01\x00\x00"}, // its SASL
		{"AMQP\x01\x01\x09\x01", "AMQP\x01\x01\x09\x01"}, // 0-9-1 as some wrote it once
		{"AMQP\x00\x00\x09\x00", "AMQP\x00\x00\x09\x00"},
		{"AMQP\x00\x01\x00\x09", "AMQP\x00\x01\x00\x09"},
	} {
		r := NewReader(strings.NewReader(c.in))
		err := r.ReadProtocolHeader()
		var e *ProtocolError
		if !errors.As(err, &e) || string(e.Got) != c.got {
			t.Errorf("%q: %v", c.in, err)
		}
	}
	for _, header := range []string{"AMQP\x00\x00\x09\x01", "AMQP\x01\x01\x00\x09"} {
		r := NewReader(iotest.OneByteReader(strings.NewReader(header + "\x08\x00\x00\x00\x00\x00\x00\xce")))
		if err := r.ReadProtocolHeader(); err != nil {
			t.Fatal(err)
		}
		if f, err := r.ReadFrame(); err != nil || f.Type != FrameHeartbeat {
			t.Errorf("after it: %+v, %v", f, err)
		}
	}
	if err := NewReader(strings.NewReader("")).ReadProtocolHeader(); err != io.EOF {
		t.Errorf("of nothing: %v", err)
	}
	if err := NewReader(strings.NewReader("AMQP\x00")).ReadProtocolHeader(); err != io.ErrUnexpectedEOF {
		t.Errorf("of a part: %v", err)
	}
	if err := NewReader(iotest.ErrReader(io.ErrClosedPipe)).ReadProtocolHeader(); err != io.ErrClosedPipe {
		t.Errorf("of a broken stream: %v", err)
	}
	if got := AppendProtocolHeader([]byte("x")); string(got) != "xAMQP\x00\x00\x09\x01" {
		t.Errorf("appended: %q", got)
	}
}

func TestReadFrameInPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var frames []Frame
		for range rapid.IntRange(0, 8).Draw(t, "frames") {
			f := Frame{
				Type:    rapid.SampledFrom([]uint8{FrameMethod, FrameHeader, FrameBody}).Draw(t, "type"),
				Channel: rapid.Uint16().Draw(t, "channel"),
				// Sizes around that of the buffer and above.
				Payload: bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")},
					rapid.OneOf(rapid.IntRange(0, 20), rapid.IntRange(readAhead-20, readAhead+20), rapid.IntRange(0, 3*readAhead)).Draw(t, "size")),
			}
			frames = append(frames, f)
			stream = AppendFrame(stream, f.Type, f.Channel, f.Payload)
		}
		in := io.Reader(bytes.NewReader(stream))
		switch rapid.IntRange(0, 2).Draw(t, "arrival") {
		case 1:
			in = iotest.DataErrReader(in) // io.EOF comes with the last bytes
		case 2:
			in = chunks{in, rapid.IntRange(1, 5000).Draw(t, "chunk")}
		}
		r := NewReader(in)
		r.SetFrameMax(3*readAhead + FrameOverhead)
		for _, want := range frames {
			f, err := r.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			if f.Type != want.Type || f.Channel != want.Channel || !bytes.Equal(f.Payload, want.Payload) {
				t.Fatalf("a frame of type %d, channel %d, %d bytes came as %d, %d, %d",
					want.Type, want.Channel, len(want.Payload), f.Type, f.Channel, len(f.Payload))
			}
		}
		if _, err := r.ReadFrame(); err != io.EOF {
			t.Fatalf("at the end: %v", err)
		}
	})
}

// chunks is a Reader that returns at most n bytes at a time.
type chunks struct {
	r io.Reader
	n int
}

func (c chunks) Read(p []byte) (int, error) { return c.r.Read(p[:min(len(p), c.n)]) }

func TestReadFrameErrors(t *testing.T) {
	for name, c := range map[string]struct{ in, text string }{
		"a huge size":       {"\x01\x00\x00\xff\xff\xff\xff", "a frame of 4294967303 bytes, the limit is 4096"},
		"one byte too long": {"\x03\x00\x01\x00\x00\x0f\xf9", "a frame of 4097 bytes, the limit is 4096"},
		"a wrong end":       {"\x01\x00\x00\x00\x00\x00\x03abc\x00", "a frame of type 1 ends with 0x0"},
		"an unknown type":   {"\x04\x00\x00\x00\x00\x00\x02\x00\x01\xce", "a frame of type 4 with 2 bytes of payload"},
		"type 0":            {"\x00\x00\x00\x00\x00\x00\x00\xce", "a frame of type 0"},
		"a long heartbeat":  {"\x08\x00\x00\x00\x00\x00\x01a\xce", "a frame of type 8 with 1 bytes of payload"},
	} {
		r := NewReader(strings.NewReader(c.in))
		for range 2 { // it does not read past the frame
			_, err := r.ReadFrame()
			if e := wantError(t, err, FrameError); !strings.HasPrefix(e.Text, "FRAME_ERROR - "+c.text) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestReadFrameMaxSize(t *testing.T) {
	whole := AppendFrame(nil, FrameBody, 1, make([]byte, FrameMinSize-FrameOverhead))
	if len(whole) != FrameMinSize {
		t.Fatal(len(whole))
	}
	if _, err := NewReader(bytes.NewReader(whole)).ReadFrame(); err != nil {
		t.Errorf("before tune: %v", err)
	}
	r := NewReader(bytes.NewReader(AppendFrame(nil, FrameBody, 1, make([]byte, FrameMinSize))))
	r.SetFrameMax(0)
	if _, err := r.ReadFrame(); err != nil {
		t.Errorf("without a limit: %v", err)
	}
}

func TestReadFrameTruncated(t *testing.T) {
	whole := AppendFrame(nil, FrameMethod, 7, []byte("payload"))
	for n := range whole {
		_, err := NewReader(bytes.NewReader(whole[:n])).ReadFrame()
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if err != want {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	broken := io.MultiReader(bytes.NewReader(whole[:4]), iotest.ErrReader(io.ErrClosedPipe))
	if _, err := NewReader(broken).ReadFrame(); err != io.ErrClosedPipe {
		t.Errorf("a broken stream: %v", err)
	}
}

// Memory grows with the bytes that came, not with the size that a frame announces.
func TestReaderMemory(t *testing.T) {
	in := append([]byte{FrameBody, 0, 1, 0x7f, 0xff, 0xff, 0x00}, make([]byte, 3*readAhead)...)
	r := NewReader(bytes.NewReader(in))
	r.SetFrameMax(0)
	if _, err := r.ReadFrame(); err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	if cap(r.buf) > 4*len(in) {
		t.Errorf("a buffer of %d bytes for %d", cap(r.buf), len(in))
	}
}

func TestBuffered(t *testing.T) {
	two := AppendHeartbeat(AppendFrame(nil, FrameBody, 1, []byte("x")))
	r := NewReader(bytes.NewReader(two))
	for _, want := range []int{FrameOverhead, 0} {
		if _, err := r.ReadFrame(); err != nil {
			t.Fatal(err)
		}
		if got := r.Buffered(); got != want {
			t.Errorf("%d bytes are read ahead, want %d", got, want)
		}
	}
}
