package amqprpc

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"testing/iotest"
)

// contentHeader makes a content header frame with a content type, a header table of
// the given entries, and a reply_to behind it.
func contentHeader(entries []byte) []byte {
	var b bytes.Buffer
	b.Write([]byte{0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5}) // class, weight, body size
	flags := uint16(flagContentType | flagHeaders | 1<<9)
	b.Write(binary.BigEndian.AppendUint16(nil, flags))
	b.WriteString("\x0atext/plain")
	b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(entries))))
	b.Write(entries)
	b.WriteString("\x05reply")
	return frame(frameHeader, b.Bytes())
}

func frame(kind byte, payload []byte) []byte {
	f := []byte{kind, 0, 1}
	f = binary.BigEndian.AppendUint32(f, uint32(len(payload)))
	return append(append(f, payload...), 0xCE)
}

// nested makes a header of tables in tables.
func nested(levels int) []byte {
	var inner []byte
	for range levels {
		entry := []byte{1, 'k', 'F'}
		entry = binary.BigEndian.AppendUint32(entry, uint32(len(inner)))
		inner = append(entry, inner...)
	}
	return inner
}

// many makes so many headers.
func many(n int) []byte {
	var b []byte
	for i := range n {
		b = append(b, 2, byte(i>>8), byte(i), 't', 1)
	}
	return b
}

// through reads a stream through a tamer.
func through(t testing.TB, r io.Reader) []byte {
	t.Helper()
	out, err := io.ReadAll(&tamer{r: bufio.NewReader(r)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTame(t *testing.T) {
	body := frame(frameBody, []byte("hello"))
	for name, c := range map[string]struct {
		entries []byte
		tamed   bool
	}{
		"none": {nil, false}, "few": {many(3), false}, "as many as can be read": {many(maxEntries), false},
		"too many": {many(maxEntries + 1), true}, "as deep as can be read": {nested(maxDepth), false},
		"too deep": {nested(maxDepth + 1), true}, "much too deep": {nested(5000), true},
	} {
		in := contentHeader(c.entries)
		want := bytes.Clone(in)
		if c.tamed {
			end := in[frameHead+contentHead+11+4+len(c.entries) : len(in)-1]
			payload := append(bytes.Clone(in[frameHead:frameHead+contentHead+11]), end...)
			binary.BigEndian.PutUint16(payload[contentHead-2:], flagContentType|1<<9)
			want = frame(frameHeader, payload)
		}
		stream := append(append(bytes.Clone(body), in...), body...)
		wanted := append(append(bytes.Clone(body), want...), body...)
		for how, r := range map[string]io.Reader{
			"at once": bytes.NewReader(stream), "byte by byte": iotest.OneByteReader(bytes.NewReader(stream)), "by halves": iotest.HalfReader(bytes.NewReader(stream)),
		} {
			if got := through(t, r); !bytes.Equal(got, wanted) {
				t.Errorf("%s, %s: %d bytes, want %d", name, how, len(got), len(wanted))
			}
		}
	}
}

// TestTamerPassesOn: a read returns what there is and does not wait for more.
func TestTamerPassesOn(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	tame := &tamer{r: bufio.NewReader(r)}
	for _, part := range []string{"first", "second"} {
		f := frame(frameBody, []byte(part))
		go w.Write(f) //nolint:errcheck // the reader sees
		got := make([]byte, 4096)
		n, err := io.ReadAtLeast(tame, got, len(f))
		if err != nil || !bytes.Equal(got[:n], f) {
			t.Fatalf("%q, %v", got[:n], err)
		}
	}
}

// FuzzTamer: however a stream is cut into pieces, each frame is treated alike, and
// nothing of it is lost.
func FuzzTamer(f *testing.F) {
	f.Add(append(contentHeader(nested(40)), frame(frameBody, []byte("x"))...), byte(3))
	f.Add(append(contentHeader(many(9000)), frame(frameMethod, nil)...), byte(1))
	f.Add([]byte("AMQP\x00\x00\x09\x01"), byte(0))
	f.Add(contentHeader(nested(40))[:150], byte(7))
	f.Add([]byte{frameHeader, 0, 1, 0xff, 0xff, 0xff, 0xff}, byte(2))
	f.Fuzz(func(t *testing.T, stream []byte, piece byte) {
		want := reference(stream)
		var r io.Reader = bytes.NewReader(stream)
		if piece > 0 {
			r = &pieces{r, int(piece)}
		}
		if got := through(t, r); !bytes.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// reference tames a whole stream that is in memory.
func reference(stream []byte) (out []byte) {
	for len(stream) >= frameHead {
		kind, size := stream[0], uint64(binary.BigEndian.Uint32(stream[3:]))
		whole := frameHead + size + frameEnd
		if (kind < 1 || kind > 3) && kind != frameHeartbeat || whole > uint64(len(stream)) {
			break
		}
		one := bytes.Clone(stream[:whole])
		if kind == frameHeader && size >= contentHead+smallest && size <= largestFrame {
			one = tame(one)
		}
		out = append(out, one...)
		stream = stream[whole:]
	}
	return append(out, stream...)
}

type pieces struct {
	r    io.Reader
	most int
}

func (p *pieces) Read(b []byte) (int, error) { return p.r.Read(b[:min(len(b), p.most)]) }
