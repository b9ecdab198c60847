package broker

import (
	"net"
	"runtime"
	"sync"
)

// An outbox collects output for a connection while a write is in progress, so that many frames leave with one system call.
type outbox struct {
	mu      sync.Mutex
	wake    sync.Cond // for the writer
	room    sync.Cond // for the reader
	buf     []byte
	spare   []byte
	closed  bool // nothing more is added
	aborted bool // nothing more is written
}

const (
	// outboxFull is the size in bytes at which the connection gets no more deliveries and is not read from. One
	// message may exceed it.
	outboxFull = 1 << 20
	// maxSpare is the largest buffer that is kept for the next write.
	maxSpare = 256 << 10
)

func newOutbox() *outbox {
	o := &outbox{}
	o.wake.L, o.room.L = &o.mu, &o.mu
	return o
}

// add lets f append frames. They are written after the next signal.
func (o *outbox) add(f func([]byte) []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed && !o.aborted {
		o.buf = f(o.buf)
	}
}

// full reports whether the peer does not read.
func (o *outbox) full() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.buf) >= outboxFull
}

// awaitRoom waits until the outbox is not full, or was aborted.
func (o *outbox) awaitRoom() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.buf) >= outboxFull && !o.aborted {
		o.room.Wait()
	}
}

// signal wakes the writer.
func (o *outbox) signal() { o.wake.Signal() }

// close stops the writer once it has written everything.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.wake.Signal()
}

// abort stops the writer at once.
func (o *outbox) abort() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.aborted, o.buf = true, nil
	o.wake.Signal()
	o.room.Signal()
}

// run writes to conn until close, abort or an error. It calls before, which may block, before each write, and drained after
// a write of a full outbox.
func (o *outbox) run(conn net.Conn, before, drained func()) error {
	for {
		o.mu.Lock()
		for len(o.buf) == 0 && !o.closed && !o.aborted {
			o.wake.Wait()
		}
		o.mu.Unlock()
		// Goroutines that are about to add more run first. If there are none, this costs nothing.
		runtime.Gosched()
		before()
		o.mu.Lock()
		if o.aborted || len(o.buf) == 0 {
			o.mu.Unlock()
			return nil
		}
		out := o.buf
		o.buf, o.spare = o.spare[:0], nil
		o.room.Signal()
		o.mu.Unlock()
		if _, err := conn.Write(out); err != nil {
			o.abort()
			return err
		}
		if cap(out) <= maxSpare {
			o.spare = out
		}
		if len(out) >= outboxFull {
			drained()
		}
	}
}
