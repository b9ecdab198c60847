package broker

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A QueueInfo describes a queue.
type QueueInfo struct {
	Name                           string
	Type                           string // "classic" or "quorum"
	Durable, Exclusive, AutoDelete bool
	Ready, Unacked, Consumers      int
}

// Queues returns all queues, sorted by name.
func (b *Broker) Queues() []QueueInfo {
	b.lock()
	defer b.unlock()
	infos := make([]QueueInfo, 0, len(b.queues))
	for _, q := range b.queues {
		infos = append(infos, QueueInfo{q.name, typeName(q.quorum), q.durable, q.owner != nil, q.autoDelete, q.ready.Len(), q.unacked, len(q.consumers)})
	}
	slices.SortFunc(infos, func(a, b QueueInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos
}

// A ConnectionInfo describes a connection.
type ConnectionInfo struct {
	Peer     string // address
	Name     string // the client's connection_name, unescaped
	User     string
	Channels int
	Blocked  bool
	Since    time.Time
}

// Connections returns all open connections, the oldest first.
func (b *Broker) Connections() []ConnectionInfo {
	b.lock()
	defer b.unlock()
	infos := []ConnectionInfo{}
	for c := range b.connections() {
		if c.open {
			infos = append(infos, ConnectionInfo{c.peer, c.name, c.user, len(c.channels), c.blocked != nil, c.since})
		}
	}
	slices.SortFunc(infos, func(a, b ConnectionInfo) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Peer, b.Peer))
	})
	return infos
}
