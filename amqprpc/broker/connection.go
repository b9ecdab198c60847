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

// A connection is one client's. One goroutine reads and one writes.
type connection struct {
	b     *Broker
	up    *uptime
	raw   net.Conn
	r     *wire.Reader
	out   *outbox
	peer  string
	since time.Time

	// What the handshake settles.
	user       string
	name       string // as the client calls itself
	capable    capabilities
	frameMax   uint32
	channelMax uint16
	heartbeat  time.Duration

	heard, spoke atomic.Bool // since the last heartbeat's turn

	// The rest needs the broker's lock.
	open      bool
	channels  map[uint16]*channel
	exclusive map[*queue]struct{}
	settling  []*channel  // with confirms to send
	held      []*consumer // that wait for room in the outbox
	dirty     bool        // the outbox is to be signalled
	blocked   chan struct{}
	told      bool        // connection.blocked was sent
	goodbye   *wire.Error // connection.close was sent
	finished  bool        // connection.close-ok was sent or received
	severed   bool        // the socket was closed without a word
	parted    bool        // the client has closed the connection
	why       string      // of the end, for the log
	amiss     bool        // the end is the client's fault
	beat      *time.Timer // of the next heartbeat's turn
	silent    int         // turns in which nothing was heard
}

// capabilities are what the client says it can do.
type capabilities struct {
	cancelNotify, blocked, authenticationFailureClose bool
}

const (
	handshakeTime = 10 * time.Second
	// farewellTime is how long a client has to answer connection.close.
	farewellTime = 2 * time.Second
	// mostAtOnce is how many frames of one connection are handled before others have their turn.
	mostAtOnce = 64
)

func newConnection(b *Broker, up *uptime, raw net.Conn) *connection {
	return &connection{
		b: b, up: up, raw: raw, r: wire.NewReader(raw), out: newOutbox(),
		peer: raw.RemoteAddr().String(), since: time.Now(), frameMax: wire.FrameMinSize,
		channels: map[uint16]*channel{}, exclusive: map[*queue]struct{}{},
	}
}

// serve is the connection's life.
func (c *connection) serve() {
	writing := make(chan struct{})
	go func() {
		defer close(writing)
		if c.out.run(c.raw, c.b.gate.wait, c.drained) != nil {
			_ = c.raw.Close()
			c.b.lock()
			c.unblock() // so that the reader learns of it
			c.b.unlock()
		}
	}()
	err := c.handshake()
	if err == nil {
		c.b.log(slog.LevelInfo, "connection opened", c.who()...)
		err = c.loop()
	}
	c.b.lock()
	c.leave()
	if c.beat != nil {
		c.beat.Stop()
		c.beat = nil
	}
	silently := c.severed || errors.Is(err, errSilently)
	parted := c.parted
	c.b.unlock()
	c.out.end()
	if silently {
		c.out.drop()
	} else {
		c.part(parted, writing)
	}
	_ = c.raw.Close()
	<-writing
	c.b.forget(c)
	c.logEnd(err)
}

// part sees to it that the last that was written arrives: a socket that is closed with input unread
// resets the connection, and the peer may never see why.
func (c *connection) part(parted bool, writing <-chan struct{}) {
	_ = c.raw.SetDeadline(time.Now().Add(farewellTime))
	select {
	case <-writing:
	case <-c.up.cut:
		return
	}
	// A client that has closed the connection closes the socket as well, and may take it for an
	// accident if we are quicker.
	if !parted {
		half, ok := c.raw.(interface{ CloseWrite() error })
		if !ok || half.CloseWrite() != nil {
			return
		}
	}
	_, _ = io.Copy(io.Discard, c.raw) // until the peer has closed, or the deadline
}

// errSilently ends a connection without a word.
var errSilently = errors.New("closed without a word")

// cut closes the socket without a word.
func (c *connection) cut(why string) {
	if c.why == "" {
		c.why = why
	}
	c.severed = true
	c.leave()
	c.unblock()
	c.out.drop()
	_ = c.raw.Close()
}

// loop reads until the end. The error says why it is over: nil after a close in good order.
func (c *connection) loop() error {
	for {
		f, err := c.r.ReadFrame()
		c.b.gate.wait()
		c.heard.Store(true)
		c.b.lock()
		for n := 1; err == nil && !c.severed; n++ {
			c.handle(f)
			if c.finished || c.blocked != nil || n == mostAtOnce || c.out.full() || !c.r.Ready() {
				break
			}
			f, err = c.r.ReadFrame() // does not block
		}
		var violation *wire.Error
		if errors.As(err, &violation) {
			// What follows cannot be told apart: nothing more is read.
			c.fail(violation)
			c.finished = true
		}
		c.settle()
		blocked := c.blocked
		finished := c.finished || c.severed
		c.b.unlock()
		switch {
		case finished:
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

// handle takes one frame.
func (c *connection) handle(f wire.Frame) {
	if c.goodbye != nil {
		c.awaitFarewell(f)
		return
	}
	var e *wire.Error
	switch {
	case f.Type == wire.FrameHeartbeat:
		if f.Channel != 0 {
			e = exception(wire.UnexpectedFrame, "heartbeat on channel %d", f.Channel)
		}
	case f.Channel == 0 && f.Type == wire.FrameMethod:
		e = c.command(f.Payload)
	case f.Channel == 0:
		e = exception(wire.UnexpectedFrame, "content on channel 0")
	default:
		c.channelFrame(f)
	}
	if e != nil {
		c.fail(e)
	}
}

// channelFrame takes a frame of a channel.
func (c *connection) channelFrame(f wire.Frame) {
	ch := c.channels[f.Channel]
	var e *wire.Error
	switch {
	case ch == nil && f.Type == wire.FrameMethod:
		e = c.openChannel(f)
	case ch == nil:
		e = exception(wire.UnexpectedFrame, "expected method frame, got non method frame instead")
	case ch.closing:
		e = ch.awaitCloseOk(f)
	case f.Type == wire.FrameMethod:
		e = ch.method(f.Payload)
	case f.Type == wire.FrameHeader:
		e = ch.header(f.Payload)
		if e == nil {
			c.b.throttle(c)
		}
	default:
		e = ch.body(f.Payload)
	}
	switch {
	case e == nil:
	case wire.Hard(e.Code):
		c.fail(e)
	default:
		ch.fail(e)
	}
}

// command takes a method on channel 0.
func (c *connection) command(payload []byte) *wire.Error {
	m, err := wire.ParseMethod(payload)
	if err != nil {
		return asException(err)
	}
	switch m := m.(type) {
	case *wire.ConnectionClose:
		c.why = "closed by the client"
		if m.ReplyCode != 200 {
			c.why = "closed by the client: " + printable(m.ReplyText)
		}
		c.settle()
		c.leave() // what is exclusive has gone when the client gets its answer
		c.send(&wire.ConnectionCloseOk{})
		c.finished, c.parted = true, true
		return nil
	}
	return about(exception(wire.ChannelError, "unexpected method in connection state running"), m)
}

// fail begins to close the connection for an exception: all that was its own goes now, not when the
// client has answered.
func (c *connection) fail(e *wire.Error) {
	if c.goodbye != nil {
		return
	}
	c.settle()
	c.leave()
	c.goodbye = e
	c.why, c.amiss = e.Text, e.Code != wire.ConnectionForced
	c.send(&wire.ConnectionClose{ReplyCode: e.Code, ReplyText: e.Text, ClassID: e.Class, MethodID: e.Method})
	_ = c.raw.SetDeadline(time.Now().Add(farewellTime)) // who does not read will not answer either
	c.unblock()
}

// awaitFarewell drops what comes after connection.close, but for its answer.
func (c *connection) awaitFarewell(f wire.Frame) {
	if f.Type != wire.FrameMethod || f.Channel != 0 {
		return
	}
	switch m, _ := wire.ParseMethod(f.Payload); m.(type) {
	case *wire.ConnectionCloseOk:
		c.finished = true
	case *wire.ConnectionClose:
		c.send(&wire.ConnectionCloseOk{})
		c.finished = true
	}
}

// leave gives back all that the connection has. It may be called more than once.
func (c *connection) leave() {
	c.open = false
	channels := c.channels
	c.channels = map[uint16]*channel{}
	for _, ch := range channels {
		ch.stopConsuming()
	}
	for q := range c.exclusive {
		q.delete()
	}
	var back []delivery // all at once: a queue sorts what comes back into what it has
	for _, ch := range channels {
		back = append(back, ch.takeBack()...)
	}
	c.b.requeue(back)
	c.held = nil
}

// settle sends the confirms of what has been published since the last time.
func (c *connection) settle() {
	if c.b.confirmsHeld {
		return
	}
	for _, ch := range c.settling {
		ch.settling = false
		ch.settle()
	}
	c.settling = c.settling[:0]
}

func (c *connection) write(f func([]byte) []byte) {
	c.out.add(f)
	c.spoke.Store(true)
	if !c.dirty {
		c.dirty = true
		c.b.dirty = append(c.b.dirty, c)
	}
}

// send sends a method on channel 0.
func (c *connection) send(m wire.Method) {
	c.write(func(out []byte) []byte { return wire.AppendMethod(out, 0, m) })
}

// drained gives deliveries to consumers that waited for room.
func (c *connection) drained() {
	c.b.lock()
	defer c.b.unlock()
	held := c.held
	c.held = nil
	for _, consumer := range held {
		consumer.held = false
		consumer.credit()
	}
}

// keepAlive begins the heartbeats. It needs the lock.
func (c *connection) keepAlive() {
	if c.heartbeat > 0 {
		c.beat = time.AfterFunc(c.heartbeat/2, c.turn)
	}
}

// turn is half a heartbeat's interval: it sends one if nothing else was sent, and ends the connection
// of a client that has been silent for more than two intervals.
func (c *connection) turn() {
	c.b.lock()
	defer c.b.unlock()
	if c.beat == nil {
		return
	}
	c.silent++
	switch {
	case c.heard.Swap(false), c.blocked != nil, c.b.frozen(): // or it is we who do not listen
		c.silent = 0
	case c.silent > 4:
		c.cut("missed heartbeats from the client")
		c.amiss = true
		return
	}
	if !c.spoke.Swap(false) && !c.b.frozen() {
		c.write(wire.AppendHeartbeat)
		c.spoke.Store(false)
	}
	c.beat.Reset(c.heartbeat / 2)
}

// who is the client, for the log.
func (c *connection) who() []any {
	return []any{slog.String("peer", c.peer), slog.String("name", printable(c.name)), slog.String("user", printable(c.user))}
}

// logEnd says how the connection ended.
func (c *connection) logEnd(err error) {
	why := c.why
	switch {
	case why != "":
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		why = "the client has gone without a connection.close"
	case err != nil:
		why = err.Error()
	}
	level := slog.LevelInfo
	if c.amiss {
		level = slog.LevelWarn
	}
	c.b.log(level, "connection closed", append(c.who(), slog.String("why", why))...)
}
