package link

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// A writer sends frames. It gathers what is added while a write is under way, so that many frames
// become one system call.
//
// Whoever calls Flush while nobody writes, writes itself, which saves the wake-up of another goroutine.
// A caller must not be held up by a broker that does not read, so such a write is bounded in time; the
// goroutine of the writer sends the rest, and what was added meanwhile. Only a plain TCP socket can
// go on after a write that was cut short: with any other connection, TLS above all, that goroutine
// does all writing.
type writer struct {
	conn     net.Conn
	inline   bool // whether callers may write
	fail     func(error)
	writable func()
	frameMax uint32 // the largest frame that the broker takes; 0 for no limit

	mu         sync.Mutex
	buf        []byte // frames to send
	spare      []byte // the buffer of the write before
	properties []byte // reused
	acks       acks
	writing    bool // somebody writes, or the goroutine was told to
	full       bool // HasRoom has found too much since the last write
	err        error

	wake   chan struct{} // tells the goroutine that it is its turn
	failed chan error    // tells the goroutine of the first error
	rest   []byte        // of a write that was cut short; for the goroutine
	quit   chan struct{}
	wg     sync.WaitGroup
}

const (
	// maxBuffered is the size of the buffer from which on there is no room.
	maxBuffered = 256 << 10
	// inlineTimeout bounds the write of a caller.
	inlineTimeout = 5 * time.Millisecond
)

func (w *writer) start(conn net.Conn, fail func(error), writable func()) {
	_, w.inline = conn.(*net.TCPConn)
	w.conn, w.fail, w.writable = conn, fail, writable
	w.wake, w.failed, w.quit = make(chan struct{}, 1), make(chan error, 1), make(chan struct{})
	w.wg.Go(w.run)
}

// stop ends the goroutine. The socket must be closed.
func (w *writer) stop() {
	close(w.quit)
	w.wg.Wait()
}

// HasRoom reports whether to add more. If it returns false, [Handler.Writable] follows, except if a
// write has failed.
func (w *writer) HasRoom() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.buf) >= maxBuffered {
		w.full = true
	}
	return w.err == nil && !w.full
}

// Publish adds a basic.publish with its content. The error is for values that AMQP cannot carry, and for
// properties that do not fit into one frame of this broker; then nothing is added.
func (w *writer) Publish(exchange, key string, mandatory bool, p *amqp.Publishing) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return nil // as if it were lost on its way
	}
	var err error
	if w.properties, err = wire.AppendProperties(w.properties[:0], p); err != nil {
		return err
	}
	const overhead = wire.FrameOverhead + 12 // class, weight, body size
	if size := uint32(len(w.properties)) + overhead; w.frameMax != 0 && size > w.frameMax {
		return fmt.Errorf("properties of %d bytes in all: the broker takes frames of %d bytes", len(w.properties), w.frameMax)
	}
	w.buf = wire.AppendPublish(w.buf, channelNumber, exchange, key, mandatory)
	w.buf = wire.AppendContent(w.buf, channelNumber, wire.ClassBasic, w.properties, p.Body, w.frameMax)
	return nil
}

// Ack, Reject and Requeue settle a delivery. Their frames follow everything that was added
// before: a reply is always ahead of the ack of its request. Requeue is a basic.nack.
func (w *writer) Ack(tag uint64)     { w.settle(settlement{tag, ack}) }
func (w *writer) Reject(tag uint64)  { w.settle(settlement{tag, reject}) }
func (w *writer) Requeue(tag uint64) { w.settle(settlement{tag, requeue}) }

// RequeueUpTo requeues all deliveries up to this one that are not settled, with one basic.nack.
func (w *writer) RequeueUpTo(tag uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = wire.AppendMethod(w.acks.appendTo(w.buf), channelNumber, &wire.BasicNack{DeliveryTag: tag, Multiple: true, Requeue: true})
}

func (w *writer) settle(s settlement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acks.pending = append(w.acks.pending, s)
}

// Write adds whole frames of amqp091-go. The heartbeat of a connection whose write is under way is left
// out: what is being written is a sign of life, too.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	if err := w.err; err != nil {
		w.mu.Unlock()
		return 0, err
	}
	if !w.writing || !isHeartbeat(p) {
		// Acks first: the broker must not see the close of a channel ahead of them.
		w.buf = append(w.acks.appendTo(w.buf), p...)
	}
	w.mu.Unlock()
	w.Flush()
	return len(p), nil
}

func isHeartbeat(p []byte) bool {
	return len(p) == wire.FrameOverhead && p[0] == wire.FrameHeartbeat
}

// Flush sends what was added. It blocks for a few milliseconds at most.
func (w *writer) Flush() {
	if !w.inline {
		w.FlushLater()
		return
	}
	if !w.claim() {
		return
	}
	// Goroutines that are about to add something run first. If there are none this costs nothing; with
	// 64 calls in flight it makes one write of eight publishes.
	runtime.Gosched()
	b := w.take()
	w.conn.SetWriteDeadline(time.Now().Add(inlineTimeout)) //nolint:errcheck // then Write fails
	n, err := w.conn.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.rest, err = b[n:], nil
	} else if w.wrote(b, err) {
		return
	}
	w.wake <- struct{}{} // has room: who writes alone puts something in
}

// FlushLater has the goroutine send what was added. It does not block.
func (w *writer) FlushLater() {
	if w.claim() {
		w.wake <- struct{}{}
	}
}

// claim makes the caller the one who writes, and returns false if there is nothing to do, or
// somebody who writes already.
func (w *writer) claim() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.writing || w.err != nil || len(w.buf) == 0 && len(w.acks.pending) == 0 {
		return false
	}
	w.writing = true
	return true
}

// take returns all that is to be written, acks last.
func (w *writer) take() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.acks.appendTo(w.buf)
	w.buf, w.spare = w.spare[:0], nil
	return b
}

// wrote ends the write of b. It returns true if the caller need not write any more: there is nothing left,
// or no use.
func (w *writer) wrote(b []byte, err error) (done bool) {
	w.mu.Lock()
	if cap(b) <= 2*maxBuffered { // one large body is no reason to keep its room
		w.spare = b
	}
	if err != nil && w.err == nil {
		w.err = err
		w.failed <- err
	}
	done = w.err != nil || len(w.buf) == 0 && len(w.acks.pending) == 0
	w.writing = !done
	full := w.full
	w.full = false
	w.mu.Unlock()
	if full {
		w.writable()
	}
	return done
}

// run is the goroutine of the writer.
func (w *writer) run() {
	for {
		select {
		case <-w.wake:
		case err := <-w.failed:
			w.fail(err)
			continue
		case <-w.quit:
			return
		}
		w.conn.SetWriteDeadline(time.Time{}) //nolint:errcheck // then Write fails
		b := w.rest
		w.rest = nil
		for done := false; !done; {
			if b == nil {
				runtime.Gosched() // as in Flush
				b = w.take()
			}
			_, err := w.conn.Write(b)
			done = w.wrote(b, err)
			b = nil
		}
	}
}

// disable makes all further writes fail.
func (w *writer) disable(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}
