package broker

import (
	"net"
	"runtime"
	"sync"
)

// An outbox gathers what is to be written to a connection while a write is under way, so
// that many frames leave with one system call.
type outbox struct {
	mu     sync.Mutex
	wake   sync.Cond // the writer
	room   sync.Cond // the reader
	buf    []byte
	spare  []byte
	ended  bool // nothing is added any more
	failed bool // nothing is written any more
}

const (
	// outboxFull is the size in bytes from which on the connection gets no deliveries
	// and is not read from. One message may take it beyond.
	outboxFull = 1 << 20
	// outboxKept is the largest buffer that is kept for the next write.
	outboxKept = 256 << 10
)

func newOutbox() *outbox {
	o := &outbox{}
	o.wake.L, o.room.L = &o.mu, &o.mu
	return o
}

// add lets f append frames. They leave after the next signal.
func (o *outbox) add(f func([]byte) []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.ended && !o.failed {
		o.buf = f(o.buf)
	}
}

// full says whether the peer does not take what it was sent.
func (o *outbox) full() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.buf) >= outboxFull
}

// awaitRoom returns when the outbox is not full, or never will be written again.
func (o *outbox) awaitRoom() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.buf) >= outboxFull && !o.failed {
		o.room.Wait()
	}
}

// signal wakes the writer.
func (o *outbox) signal() { o.wake.Signal() }

// end has the writer stop once it has written what there is.
func (o *outbox) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.wake.Signal()
}

// drop has the writer stop with what is left unwritten.
func (o *outbox) drop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed, o.buf = true, nil
	o.wake.Signal()
	o.room.Signal()
}

// run writes to conn until end or an error. It calls before ahead of each write, which may hold it up, and
// drained after one whose outbox had been full.
func (o *outbox) run(conn net.Conn, before, drained func()) error {
	for {
		o.mu.Lock()
		for len(o.buf) == 0 && !o.ended && !o.failed {
			o.wake.Wait()
		}
		o.mu.Unlock()
		// Who is about to add more goes first. With nothing else to run that costs nothing.
		runtime.Gosched()
		before()
		o.mu.Lock()
		if o.failed || len(o.buf) == 0 {
			o.mu.Unlock()
			return nil
		}
		out := o.buf
		o.buf, o.spare = o.spare[:0], nil
		o.room.Signal()
		o.mu.Unlock()
		_, err := conn.Write(out)
		if err != nil {
			o.drop()
			return err
		}
		if cap(out) <= outboxKept {
			o.spare = out
		}
		if len(out) >= outboxFull {
			drained()
		}
	}
}
