package amqprpc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"testing"
)

// sink is a net.Conn that keeps what is written to it.
type sink struct {
	net.Conn
	mu     sync.Mutex
	got    []byte
	writes int
	err    error // of the next write
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.err != nil {
		return 0, s.err
	}
	s.got = append(s.got, p...)
	return len(p), nil
}

func (s *sink) state() ([]byte, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.got), s.writes
}

// gatherWrites must not change a byte, nor the order in which one goroutine wrote,
// whoever holds and releases meanwhile.
func TestGatherKeepsOrder(t *testing.T) {
	const writers, each = 8, 500
	to := &sink{}
	c := newGatherConn(to, to)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if w == 0 {
					c.hold()
				}
				var frame [8]byte
				binary.BigEndian.PutUint32(frame[:], uint32(w))
				binary.BigEndian.PutUint32(frame[4:], uint32(i))
				if n, err := c.Write(frame[:]); n != len(frame) || err != nil {
					t.Errorf("wrote %d bytes, error %v", n, err)
				}
				if w == 0 && i%7 == 0 {
					if err := c.release(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if err := c.release(); err != nil {
		t.Fatal(err)
	}
	got, _ := to.state()
	if len(got) != writers*each*8 {
		t.Fatalf("%d bytes arrived, want %d", len(got), writers*each*8)
	}
	var next [writers]uint32
	for f := got; len(f) > 0; f = f[8:] {
		w, i := binary.BigEndian.Uint32(f), binary.BigEndian.Uint32(f[4:])
		if w >= writers || i != next[w] {
			t.Fatalf("frame %d of writer %d where %d was due", i, w, next[w])
		}
		next[w]++
	}
}

func TestGatherHoldsUntilRelease(t *testing.T) {
	to := &sink{}
	c := newGatherConn(to, to)
	must := func(s string) {
		if _, err := c.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	must("a")
	if got, n := to.state(); string(got) != "a" || n != 1 {
		t.Fatalf("not held: %q in %d writes", got, n)
	}
	c.hold()
	must("b")
	must("c")
	if got, n := to.state(); string(got) != "a" || n != 1 {
		t.Fatalf("held: %q in %d writes", got, n)
	}
	if err := c.release(); err != nil {
		t.Fatal(err)
	}
	if got, n := to.state(); string(got) != "abc" || n != 2 {
		t.Fatalf("released: %q in %d writes", got, n)
	}
	c.hold()
	if err := c.release(); err != nil {
		t.Fatal(err)
	}
	if _, n := to.state(); n != 2 {
		t.Error("a release of nothing wrote")
	}
}

// A caller may reuse its buffer as soon as Write has returned.
func TestGatherCopies(t *testing.T) {
	to := &sink{}
	c := newGatherConn(to, to)
	c.hold()
	p := []byte("before")
	if _, err := c.Write(p); err != nil {
		t.Fatal(err)
	}
	copy(p, "xxxxxx")
	if err := c.release(); err != nil {
		t.Fatal(err)
	}
	if got, _ := to.state(); string(got) != "before" {
		t.Errorf("%q arrived", got)
	}
}

// A large body goes out while held, in pieces, and its room is not kept for ever.
func TestGatherLargeBodies(t *testing.T) {
	to := &sink{}
	c := newGatherConn(to, to)
	c.hold()
	var want []byte
	for i, size := range []int{1, gatherWrite - 1, 5 * gatherWrite, 3, gatherWrite} {
		p := bytes.Repeat([]byte{byte('a' + i)}, size)
		want = append(want, p...)
		if n, err := c.Write(p); n != size || err != nil {
			t.Fatal(n, err)
		}
		if waiting := len(c.buf); waiting >= gatherWrite {
			t.Errorf("%d bytes wait, more than %d", waiting, gatherWrite)
		}
	}
	if err := c.release(); err != nil {
		t.Fatal(err)
	}
	if got, _ := to.state(); !bytes.Equal(got, want) {
		t.Errorf("%d bytes arrived, not the %d that were written", len(got), len(want))
	}
	if cap(c.buf) > 4*gatherWrite {
		t.Errorf("room for %d bytes is kept", cap(c.buf))
	}
}

// Those who wrote while held were told that all is well: everybody after them must
// hear that it was not.
func TestGatherErrorSticks(t *testing.T) {
	broken := errors.New("broken")
	for _, large := range []bool{false, true} {
		to := &sink{err: broken}
		c := newGatherConn(to, to)
		c.hold()
		size := 1
		if large { // then a write flushes, not the release
			size = gatherWrite
		}
		_, err := c.Write(make([]byte, size))
		if large != (err != nil) {
			t.Errorf("large %v: error %v from Write", large, err)
		}
		if err := c.release(); !errors.Is(err, broken) {
			t.Errorf("large %v: error %v from release", large, err)
		}
		to.err = nil // as if the socket had healed in the middle of a frame
		for range 2 {
			if _, err := c.Write([]byte("x")); !errors.Is(err, broken) {
				t.Errorf("large %v: error %v from a later Write", large, err)
			}
			c.hold()
			if err := c.release(); !errors.Is(err, broken) {
				t.Errorf("large %v: error %v from a later release", large, err)
			}
		}
		if got, _ := to.state(); len(got) != 0 {
			t.Errorf("large %v: %d bytes arrived after the error", large, len(got))
		}
	}
}
