package amqprpc

import (
	"bufio"
	"net"
	"sync"
)

// A gatherConn is a net.Conn whose one bulk writer can gather many writes into
// one system call, and whose reads fetch more than they were asked for.
//
// amqp091-go flushes once per publish and reads 4 KiB at a time. With many calls
// in flight the system calls are what limits throughput. The goroutine that
// publishes calls hold, publishes what is waiting, and calls release; what others
// write in between (heartbeats, closes) joins the queue in order.
//
// Before it looks at what is waiting, that goroutine yields once
// (runtime.Gosched): goroutines that are about to add to it run first. With
// nothing else to run that costs nothing; with 64 calls in flight it makes a batch
// of one or two publishes one of eight.
type gatherConn struct {
	net.Conn          // TLS, or raw itself
	raw      net.Conn // the socket
	r        tamer

	mu   sync.Mutex
	held bool
	buf  []byte
	err  error // of a write whose caller was told that all is well
}

const (
	gatherRead  = 64 << 10
	gatherWrite = 64 << 10 // a held buffer that has grown past this is written at once
)

func newGatherConn(conn, raw net.Conn) *gatherConn {
	return &gatherConn{Conn: conn, raw: raw, r: tamer{r: bufio.NewReaderSize(conn, gatherRead)}}
}

// Close closes the socket, without TLS's goodbye, which would wait for a peer that
// does not read.
func (c *gatherConn) Close() error { return c.raw.Close() }

// Read reads by way of the read-ahead buffer, and without the headers that
// amqp091-go would not read. Only one goroutine may read.
func (c *gatherConn) Read(p []byte) (int, error) { return c.r.Read(p) }

// Write writes p, or keeps a copy until release. It blocks while another
// goroutine's write blocks, as writes to one socket do.
func (c *gatherConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	if !c.held {
		return c.Conn.Write(p)
	}
	c.buf = append(c.buf, p...)
	if len(c.buf) >= gatherWrite {
		if err := c.flush(); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// hold makes writes wait for release.
func (c *gatherConn) hold() {
	c.mu.Lock()
	c.held = true
	c.mu.Unlock()
}

// release writes what was gathered since hold. An error is kept and returned by
// every later Write too.
func (c *gatherConn) release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = false
	return c.flush()
}

func (c *gatherConn) flush() error {
	if c.err == nil && len(c.buf) > 0 {
		_, c.err = c.Conn.Write(c.buf)
	}
	if cap(c.buf) > 4*gatherWrite {
		c.buf = nil // one large body is no reason to keep its room for ever
	} else {
		c.buf = c.buf[:0]
	}
	return c.err
}
