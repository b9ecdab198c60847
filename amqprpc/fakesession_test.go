package amqprpc

import (
	"net"
	"sync"
	"time"

	"rpcscope/amqprpc/internal/link"
)

// A discard is a net.Conn that accepts all writes, and whose reads block until it is closed.
type discard struct {
	once   sync.Once
	closed chan struct{}
}

func (d *discard) Read([]byte) (int, error) {
	<-d.closed
	return 0, net.ErrClosed
}
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}
func (*discard) LocalAddr() net.Addr              { return nil }
func (*discard) RemoteAddr() net.Addr             { return nil }
func (*discard) SetDeadline(time.Time) error      { return nil }
func (*discard) SetReadDeadline(time.Time) error  { return nil }
func (*discard) SetWriteDeadline(time.Time) error { return nil }

// A fakeSession is a session without a broker: the test calls its handlers.
type fakeSession struct {
	*clientSession
	ended chan struct{} // closed when the client is done with it
}

// connect gives the client a session without a broker.
func (c *observedClient) connect() *fakeSession {
	s := &fakeSession{
		clientSession: c.newSession(),
		ended:         make(chan struct{}),
	}
	s.Link = link.New(&discard{closed: make(chan struct{})})
	c.mu.Lock()
	c.begin(s.clientSession)
	c.mu.Unlock()
	go func() {
		defer close(s.ended)
		c.runSession(s.clientSession) //nolint:errcheck // why it ended is in the events
	}()
	return s
}

// lose ends the session.
func (s *fakeSession) lose(why error) {
	s.Fail(why)
	<-s.ended
}

// isOver reports whether the session has ended, or is about to.
func (s *fakeSession) isOver() bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

// A publication is one publish of a call on a session.
type publication struct {
	id      string
	attempt int
}

// publications returns the publishes on the session. The confirm of each has its place, from 1, as the tag.
func (c *observedClient) publications(s *fakeSession) (all []publication) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.events {
		if e.Kind == EventPublished && e.Epoch == s.number {
			all = append(all, publication{e.ID, e.Attempt})
		}
	}
	return all
}
