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

// A writer sends frames. It collects the frames that are added during a write, so that many become one
// system call.
//
// A caller of Flush writes itself if nobody else does, which saves waking another goroutine. A broker that
// does not read must not block the caller, so its write has a timeout; the writer's goroutine sends the rest,
// and the frames added since. Only a plain TCP socket can continue after a timeout: for any other connection,
// such as TLS, the goroutine does all writes.
type writer struct {
	conn     net.Conn
	inline   bool // callers may write
	fail     func(error)
	writable func()
	frameMax uint32 // the max frame size; 0 is no limit

	mu         sync.Mutex
	buf        []byte // frames to send
	spare      []byte // the buffer of the last write
	properties []byte // reused
	acks       acks
	writing    bool // a caller writes, or the goroutine does or will
	full       bool // HasRoom returned false since the last write
	err        error

	wake chan struct{} // makes the goroutine write
	rest []byte        // of a write that timed out, for the goroutine
	quit chan struct{}
	wg   sync.WaitGroup
}

const (
	maxBuffered   = 256 << 10            // the size of the buffer that leaves no room
	inlineTimeout = 5 * time.Millisecond // of a caller's write
)

func (w *writer) start(conn net.Conn, fail func(error), writable func()) {
	_, w.inline = conn.(*net.TCPConn)
	w.conn, w.fail, w.writable = conn, fail, writable
	w.wake, w.quit = make(chan struct{}, 1), make(chan struct{})
	w.wg.Go(w.run)
}

// stop ends the goroutine. The socket must be closed, and the writer disabled.
func (w *writer) stop() {
	close(w.quit)
	w.wg.Wait()
}

// HasRoom reports whether the caller may add more. If it returns false, [Handler.Writable] is called later,
// unless a write has failed.
func (w *writer) HasRoom() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.buf) >= maxBuffered {
		w.full = true
	}
	return w.err == nil && !w.full
}

// Publish adds a basic.publish with its content. It returns an error, and adds nothing, if AMQP has no form
// for a value, or the properties do not fit into one frame.
func (w *writer) Publish(exchange, key string, mandatory bool, p *amqp.Publishing) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return nil // the message is lost, as on the network
	}
	var err error
	if w.properties, err = wire.AppendProperties(w.properties[:0], p); err != nil {
		return err
	}
	const overhead = wire.FrameOverhead + 12 // class, weight, body size
	if w.frameMax != 0 && len(w.properties)+overhead > int(w.frameMax) {
		return fmt.Errorf("properties of %d bytes in all: the broker takes frames of %d bytes", len(w.properties), w.frameMax)
	}
	w.buf = wire.AppendPublish(w.buf, channelNumber, exchange, key, mandatory)
	w.buf = wire.AppendContent(w.buf, channelNumber, wire.ClassBasic, w.properties, p.Body, w.frameMax)
	return nil
}

// Ack, Reject and Requeue settle a delivery. Their frames follow all frames added before: a reply is always
// ahead of the ack of its request. Requeue is a basic.nack.
func (w *writer) Ack(tag uint64)     { w.settle(settlement{tag, ack}) }
func (w *writer) Reject(tag uint64)  { w.settle(settlement{tag, reject}) }
func (w *writer) Requeue(tag uint64) { w.settle(settlement{tag, requeue}) }

// RequeueUpTo requeues all unsettled deliveries up to a tag, with one basic.nack.
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

// Write sends whole frames of amqp091-go. It drops a heartbeat during a write, which keeps the connection
// alive as well.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	if err := w.err; err != nil {
		w.mu.Unlock()
		return 0, err
	}
	if !w.writing || !isHeartbeat(p) {
		// Acks first: the broker must get them before the close of the channel.
		w.buf = append(w.acks.appendTo(w.buf), p...)
	}
	w.mu.Unlock()
	w.Flush()
	return len(p), nil
}

func isHeartbeat(p []byte) bool {
	return len(p) == wire.FrameOverhead && p[0] == wire.FrameHeartbeat
}

// Flush sends the added frames. It blocks for a few milliseconds at most.
func (w *writer) Flush() {
	if !w.inline {
		w.FlushLater()
		return
	}
	if !w.claim() {
		return
	}
	// Let goroutines that are about to add a frame run first. If there are none, this costs nothing; with 64
	// calls in flight, eight publishes become one write.
	runtime.Gosched()
	b := w.takeAll()
	w.conn.SetWriteDeadline(time.Now().Add(inlineTimeout)) //nolint:errcheck // then Write fails
	n, err := w.conn.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.rest, err = b[n:], nil
	} else if w.wrote(b, err) {
		return
	}
	w.wake <- struct{}{} // does not block: only the one who writes sends
}

// FlushLater makes the goroutine send the added frames. It does not block.
func (w *writer) FlushLater() {
	if w.claim() {
		w.wake <- struct{}{}
	}
}

// claim makes the caller the only one to write. It returns false if there is nothing to write, or if there is
// a write already.
func (w *writer) claim() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.writing || w.err != nil || len(w.buf) == 0 && len(w.acks.pending) == 0 {
		return false
	}
	w.writing = true
	return true
}

// takeAll returns all frames to write, acks last.
func (w *writer) takeAll() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.acks.appendTo(w.buf)
	w.buf, w.spare = w.spare[:0], nil
	return b
}

// wrote ends the write of b. It returns true if the caller has nothing more to write.
func (w *writer) wrote(b []byte, err error) (done bool) {
	w.mu.Lock()
	if cap(b) <= 2*maxBuffered { // do not keep the memory of a large body
		w.spare = b
	}
	if err != nil && w.err == nil {
		w.err = err
		w.wg.Go(func() { w.fail(err) })
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
		case <-w.quit:
			return
		}
		w.conn.SetWriteDeadline(time.Time{}) //nolint:errcheck // then Write fails
		b := w.rest
		w.rest = nil
		for done := false; !done; {
			if b == nil {
				runtime.Gosched() // as in Flush
				b = w.takeAll()
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
