package ledger

import (
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
)

// A Connection is the state of the client's connections.
type Connection struct {
	// Connected says that an epoch has begun and not ended. Before the first one both
	// it and Since are zero.
	Connected bool
	Since     time.Time // of the connection, or of its loss
	Epoch     int       // the last one's number
	Epochs    int       // how many there have been

	// Info is the last epoch's.
	Info amqprpc.ConnectionInfo

	// Reason says why the connection was lost or the last try failed.
	Reason string
	// NextTry is when the client connects again; zero while connected.
	NextTry time.Time
	// Tries counts the tries since the connection was lost.
	Tries int

	// Lost says why the last connection was lost, also once there is another; "" where none was.
	Lost string
	// Denied says that it was for want of a permission, and that the broker has taken no
	// request since: the next call costs its connection too.
	Denied bool

	// Blocked says that the broker has blocked publishers.
	Blocked       bool
	BlockedSince  time.Time
	BlockedReason string

	// Events are the last events of the connection, oldest first, as many as
	// [Query].Connection asks for.
	Events []Entry
}

type connection struct {
	now  Connection
	ring []Entry
	next int
	most int
}

// apply enters an event of the connection. A reset does not touch it.
func (c *connection) apply(e *Entry, at time.Time) {
	own := Entry{Event: amqprpc.Event{
		Kind: e.Kind, Time: at, Epoch: e.Epoch, Text: e.Text, Delay: e.Delay, Code: e.Code,
	}}
	if e.Connection != nil {
		own.Connection = &amqprpc.ConnectionInfo{
			Address: cloneShort(e.Connection.Address, maxShort),
			Product: cloneShort(e.Connection.Product, maxShort),
			Version: cloneShort(e.Connection.Version, maxShort),
			Queue:   cloneShort(e.Connection.Queue, maxShort),
		}
	}
	n := &c.now
	switch e.Kind {
	case amqprpc.EventConnected:
		n.Connected, n.Since, n.Epoch = true, at, e.Epoch
		n.Epochs++
		n.Reason, n.NextTry, n.Tries = "", time.Time{}, 0
		n.unblock()
		if own.Connection != nil {
			n.Info = *own.Connection
		}
	case amqprpc.EventDisconnected:
		n.Connected, n.Since, n.Reason = false, at, e.Text
		n.Lost, n.Denied = e.Text, e.Code == amqp.AccessRefused
		n.unblock()
	case amqprpc.EventReconnecting:
		n.NextTry = at.Add(e.Delay)
		n.Tries++
		if e.Text != "" {
			n.Reason = e.Text
		}
	case amqprpc.EventBlocked:
		if !n.Blocked {
			n.BlockedSince = at
		}
		n.Blocked, n.BlockedReason = true, e.Text
	case amqprpc.EventUnblocked:
		n.unblock()
	}
	switch {
	case c.most == 0:
	case len(c.ring) < c.most:
		c.ring = append(c.ring, own)
	default:
		c.ring[c.next] = own
		c.next = (c.next + 1) % c.most
	}
}

func (c *Connection) unblock() {
	c.Blocked, c.BlockedSince, c.BlockedReason = false, time.Time{}, ""
}

// snapshot copies the state and the last n events.
func (c *connection) snapshot(n int) Connection {
	s := c.now
	n = min(max(n, 0), len(c.ring))
	if n > 0 {
		s.Events = make([]Entry, 0, n)
	}
	for i := len(c.ring) - n; i < len(c.ring); i++ {
		e := c.ring[(c.next+i)%len(c.ring)]
		if e.Connection != nil {
			info := *e.Connection
			e.Connection = &info
		}
		s.Events = append(s.Events, e)
	}
	return s
}
