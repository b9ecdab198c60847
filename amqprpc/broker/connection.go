package broker

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"rpcscope/amqprpc/internal/wire"
)

// A connection is a client's connection. One goroutine reads and one writes.
type connection struct {
	b     *Broker
	run   *run
	raw   net.Conn
	r     *wire.Reader
	out   *outbox
	peer  string // address
	since time.Time

	// Results of the handshake.
	user         string
	name         string // connection_name in the client's properties
	capabilities capabilities
	frameMax     uint32
	channelMax   uint16
	heartbeat    time.Duration

	recvSeen, sentSeen atomic.Bool // something was received or sent since the last tick

	// The broker's lock guards the rest.
	open           bool
	channels       map[uint16]*channel
	exclusive      map[*queue]struct{}
	unconfirmed    []*channel    // channels with confirms to send
	dirty          bool          // it is in Broker.dirty
	blocked        chan struct{} // closed when reading goes on; nil if it is not blocked
	blockedSent    bool          // connection.blocked was sent
	closeErr       *wire.Error   // sent in connection.close
	closed         bool          // connection.close-ok was sent or received
	clientClosed   bool          // the client sent connection.close
	cut            bool          // the socket is closed without a word
	reason         string        // why the connection ended, for the log
	clientFault    bool          // it ended through the client's fault
	heartbeatTimer *time.Timer
	silentTicks    int // consecutive ticks in which nothing was received
}

// capabilities are those of the client.
type capabilities struct {
	cancelNotify, blocked, authenticationFailureClose bool
}

// closeTimeout bounds the wait for the answer to connection.close and for the client to close the socket. Tests shorten it.
var closeTimeout = 2 * time.Second

const (
	handshakeTimeout = 10 * time.Second
	// maxBatch is the number of frames of one connection that are handled before others have their turn.
	maxBatch = 64
)

func newConnection(b *Broker, r *run, raw net.Conn) *connection {
	return &connection{
		b: b, run: r, raw: raw, r: wire.NewReader(raw), out: newOutbox(),
		peer: raw.RemoteAddr().String(), since: time.Now(), frameMax: wire.FrameMinSize,
		channels: map[uint16]*channel{}, exclusive: map[*queue]struct{}{},
	}
}

// serve runs the connection until its end.
func (c *connection) serve() {
	written := make(chan struct{})
	go func() {
		defer close(written)
		if c.out.run(c.raw, c.b.gate.wait, c.resumeDeliveries) != nil {
			_ = c.raw.Close()
			c.b.lock()
			c.unblock() // the reader may be waiting for that
			c.b.unlock()
		}
	}()
	err := c.handshake()
	if err == nil {
		c.b.log(slog.LevelInfo, "connection opened", c.logAttrs()...)
		err = c.loop()
	}
	c.b.lock()
	c.release()
	if c.heartbeatTimer != nil {
		c.heartbeatTimer.Stop()
		c.heartbeatTimer = nil
	}
	cut, closing := c.cut, c.closeErr != nil
	c.b.unlock()
	if cut {
		c.out.abort()
	} else {
		if !closing {
			_ = c.raw.SetDeadline(time.Now().Add(closeTimeout))
		}
		c.out.close()
		<-written
		c.awaitClose()
	}
	_ = c.raw.Close()
	<-written
	c.b.lock()
	delete(c.run.conns, c)
	c.b.unlock()
	c.logEnd(err)
}

// awaitClose waits until the client has closed the socket. Closing a socket with unread input resets
// the connection, and the client might lose the last frames.
func (c *connection) awaitClose() {
	// A client that sent connection.close closes the socket first. It might take an earlier end for a failure.
	if !c.clientClosed {
		conn, ok := c.raw.(*net.TCPConn)
		if !ok || conn.CloseWrite() != nil {
			return
		}
	}
	_, _ = io.Copy(io.Discard, c.raw)
}

// errEnded is returned by a handshake that has ended the connection.
var errEnded = errors.New("ended during the handshake")

// drop closes the socket without a word.
func (c *connection) drop(reason string) {
	if c.reason == "" {
		c.reason = reason
	}
	c.cut = true
	c.release()
	c.unblock()
	c.out.abort()
	_ = c.raw.Close()
}

// loop handles frames until the end of the connection. It returns nil after a close in good order.
func (c *connection) loop() error {
	for {
		f, err := c.r.ReadFrame()
		c.b.gate.wait()
		c.recvSeen.Store(true)
		c.b.lock()
		for n := 1; err == nil && !c.cut; n++ {
			c.handle(f)
			if c.closed || c.blocked != nil || n == maxBatch || c.out.full() || !c.r.Ready() {
				break
			}
			f, err = c.r.ReadFrame() // does not block
		}
		var violation *wire.Error
		if errors.As(err, &violation) {
			c.fail(violation)
			c.closed = true // frames cannot be told apart any more
		}
		c.sendConfirms()
		blocked, ended := c.blocked, c.closed || c.cut
		c.b.unlock()
		switch {
		case ended:
			return nil
		case err != nil:
			return err
		}
		if blocked != nil {
			<-blocked
		}
		c.out.awaitRoom()
	}
}

// handle handles one frame.
func (c *connection) handle(f wire.Frame) {
	var e *wire.Error
	switch {
	case c.closeErr != nil:
		c.awaitCloseOk(f)
	case f.Type == wire.FrameHeartbeat:
		if f.Channel != 0 {
			e = wire.Errorf(wire.UnexpectedFrame, "heartbeat on channel %d", f.Channel)
		}
	case f.Channel != 0:
		c.handleChannel(f)
	case f.Type == wire.FrameMethod:
		e = c.handleMethod(f.Payload)
	default:
		e = wire.Errorf(wire.UnexpectedFrame, "content on channel 0")
	}
	if e != nil {
		c.fail(e)
	}
}

// handleChannel handles a frame of a channel.
func (c *connection) handleChannel(f wire.Frame) {
	ch := c.channels[f.Channel]
	var e *wire.Error
	if ch == nil {
		e = c.openChannel(f)
	} else {
		e = ch.handle(f)
	}
	switch {
	case e == nil:
	case wire.Hard(e.Code):
		c.fail(e)
	default:
		ch.fail(e)
	}
}

// handleMethod handles a method on channel 0.
func (c *connection) handleMethod(payload []byte) *wire.Error {
	m, err := wire.ParseMethod(payload)
	if err != nil {
		return err.(*wire.Error)
	}
	closing, ok := m.(*wire.ConnectionClose)
	if !ok {
		return about(wire.Errorf(wire.ChannelError, "unexpected method in connection state running"), m)
	}
	c.reason = "closed by the client"
	if closing.ReplyCode != 200 {
		c.reason += ": " + printable(closing.ReplyText)
	}
	c.sendConfirms()
	c.release() // exclusive queues are gone when the client gets the answer
	c.send(&wire.ConnectionCloseOk{})
	c.closed, c.clientClosed = true, true
	return nil
}

// fail sends connection.close for an exception and releases the connection's queues and messages.
func (c *connection) fail(e *wire.Error) {
	if c.closeErr != nil {
		return
	}
	c.sendConfirms()
	c.release()
	c.closeErr = e
	c.reason, c.clientFault = e.Text, e.Code != wire.ConnectionForced
	c.send(&wire.ConnectionClose{ReplyCode: e.Code, ReplyText: e.Text, ClassID: e.Class, MethodID: e.Method})
	_ = c.raw.SetDeadline(time.Now().Add(closeTimeout))
	c.unblock()
}

// awaitCloseOk ignores everything after connection.close but its answer.
func (c *connection) awaitCloseOk(f wire.Frame) {
	if f.Type != wire.FrameMethod || f.Channel != 0 {
		return
	}
	switch m, _ := wire.ParseMethod(f.Payload); m.(type) {
	case *wire.ConnectionCloseOk:
		c.closed = true
	case *wire.ConnectionClose:
		c.send(&wire.ConnectionCloseOk{})
		c.closed = true
	}
}

// release deletes exclusive queues, cancels consumers and requeues deliveries. It may be called more than once.
func (c *connection) release() {
	c.open = false
	channels := c.channels
	c.channels = map[uint16]*channel{}
	for _, ch := range channels {
		ch.cancelConsumers()
	}
	for q := range c.exclusive {
		q.delete()
	}
	var back []delivery // of all channels at once: merging into a queue costs more than the number of messages
	for _, ch := range channels {
		back = append(back, ch.unacked.takeAll()...)
	}
	c.b.requeue(back)
}

// sendConfirms confirms all messages that were published since the last call.
func (c *connection) sendConfirms() {
	if c.b.confirmsHeld {
		return
	}
	for _, ch := range c.unconfirmed {
		ch.sendConfirms()
	}
	c.unconfirmed = c.unconfirmed[:0]
}

// write appends to the outbox.
func (c *connection) write(f func([]byte) []byte) {
	c.out.add(f)
	c.sentSeen.Store(true)
	if !c.dirty {
		c.dirty = true
		c.b.dirty = append(c.b.dirty, c)
	}
}

// send sends a method on channel 0.
func (c *connection) send(m wire.Method) {
	c.write(func(out []byte) []byte { return wire.AppendMethod(out, 0, m) })
}

// resumeDeliveries delivers to the connection's consumers after its outbox was full. The caller must not hold the lock.
func (c *connection) resumeDeliveries() {
	c.b.lock()
	defer c.b.unlock()
	for _, ch := range c.channels {
		for _, consumer := range ch.consumers {
			consumer.q.deliver()
		}
	}
}

// startHeartbeats needs the lock.
func (c *connection) startHeartbeats() {
	if c.heartbeat > 0 {
		c.heartbeatTimer = time.AfterFunc(c.heartbeat/2, c.tick)
	}
}

// tick is called twice in a heartbeat's interval. It sends a heartbeat if nothing else was sent, and drops a client from which
// nothing was received for more than two intervals.
func (c *connection) tick() {
	c.b.lock()
	defer c.b.unlock()
	if c.heartbeatTimer == nil {
		return
	}
	c.silentTicks++
	switch {
	case c.recvSeen.Swap(false), c.blocked != nil, c.b.frozen(): // in the last two cases the broker does not read
		c.silentTicks = 0
	case c.silentTicks > 4:
		c.drop("missed heartbeats from the client")
		c.clientFault = true
		return
	}
	if !c.sentSeen.Swap(false) && !c.b.frozen() {
		c.write(wire.AppendHeartbeat)
		c.sentSeen.Store(false)
	}
	c.heartbeatTimer.Reset(c.heartbeat / 2)
}

// logAttrs identifies the client in the log.
func (c *connection) logAttrs() []any {
	return []any{slog.String("peer", c.peer), slog.String("name", printable(c.name)), slog.String("user", printable(c.user))}
}

// logEnd logs why the connection ended.
func (c *connection) logEnd(err error) {
	why := c.reason
	switch {
	case why != "":
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		why = "the client has gone without a connection.close"
	case err != nil:
		why = err.Error()
	}
	level := slog.LevelInfo
	if c.clientFault {
		level = slog.LevelWarn
	}
	c.b.log(level, "connection closed", append(c.logAttrs(), slog.String("why", why))...)
}
