package ledger

import (
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
)

// A Connection is the state of the client's connection.
type Connection struct {
	Connected bool
	Since     time.Time // of the connection, or of its loss; zero before the first connection
	Epoch     int       // the number of the last connection
	Epochs    int       // how many connections there have been

	// Info describes the last connection.
	Info amqprpc.ConnectionInfo

	// Reason says why the connection was lost or the last attempt failed.
	Reason string
	// NextTry is the time of the next reconnect attempt, zero while connected.
	NextTry time.Time
	// Tries counts the reconnect attempts since the connection was lost.
	Tries int

	// Lost says why the last connection was lost; a new connection does not clear it.
	Lost string
	// Denied reports whether the reason was a missing permission and the broker has accepted no
	// request since: the next call costs its connection too.
	Denied bool

	// Blocked reports whether the broker blocks publishers.
	Blocked       bool
	BlockedSince  time.Time
	BlockedReason string

	// Events are the last events of the connection, oldest first: see [Query].Connection.
	Events []Entry
}

type connection struct {
	now    Connection
	events []Entry // the last ones
	max    int
}

// apply applies an event of the connection.
func (c *connection) apply(e *Entry, at time.Time) {
	own := Entry{Event: amqprpc.Event{
		Kind: e.Kind, Time: at, Epoch: e.Epoch, Text: e.Text, Delay: e.Delay, Code: e.Code,
	}}
	if e.Connection != nil {
		own.Connection = &amqprpc.ConnectionInfo{ // never changed, so snapshots and clones share it
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
	if c.max > 0 {
		if len(c.events) == c.max {
			c.events = slices.Delete(c.events, 0, 1)
		}
		c.events = append(c.events, own)
	}
}

func (c *Connection) unblock() {
	c.Blocked, c.BlockedSince, c.BlockedReason = false, time.Time{}, ""
}

// snapshot copies the state and the last n events.
func (c *connection) snapshot(n int) Connection {
	s := c.now
	s.Events = append(s.Events, c.events[len(c.events)-min(max(n, 0), len(c.events)):]...)
	return s
}
