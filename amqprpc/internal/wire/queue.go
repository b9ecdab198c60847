package wire

import amqp "github.com/rabbitmq/amqp091-go"

// QueueDeclare is queue.declare.
type QueueDeclare struct {
	Queue                                           string
	Passive, Durable, Exclusive, AutoDelete, NoWait bool
	Arguments                                       amqp.Table
}

// ID returns 50, 10.
func (*QueueDeclare) ID() (class, method uint16) { return ClassQueue, 10 }

func (m *QueueDeclare) fields(c *codec) {
	c.reservedShort()
	c.str(&m.Queue)
	c.bits(&m.Passive, &m.Durable, &m.Exclusive, &m.AutoDelete, &m.NoWait)
	c.fieldTable(&m.Arguments)
}

// QueueDeclareOk is queue.declare-ok.
type QueueDeclareOk struct {
	Queue                       string
	MessageCount, ConsumerCount uint32
}

// ID returns 50, 11.
func (*QueueDeclareOk) ID() (class, method uint16) { return ClassQueue, 11 }

func (m *QueueDeclareOk) fields(c *codec) {
	c.str(&m.Queue)
	c.long(&m.MessageCount)
	c.long(&m.ConsumerCount)
}

// QueuePurge is queue.purge.
type QueuePurge struct {
	Queue  string
	NoWait bool
}

// ID returns 50, 30.
func (*QueuePurge) ID() (class, method uint16) { return ClassQueue, 30 }

func (m *QueuePurge) fields(c *codec) {
	c.reservedShort()
	c.str(&m.Queue)
	c.bits(&m.NoWait)
}

// QueuePurgeOk is queue.purge-ok.
type QueuePurgeOk struct {
	MessageCount uint32
}

// ID returns 50, 31.
func (*QueuePurgeOk) ID() (class, method uint16) { return ClassQueue, 31 }

func (m *QueuePurgeOk) fields(c *codec) { c.long(&m.MessageCount) }

// QueueDelete is queue.delete.
type QueueDelete struct {
	Queue                     string
	IfUnused, IfEmpty, NoWait bool
}

// ID returns 50, 40.
func (*QueueDelete) ID() (class, method uint16) { return ClassQueue, 40 }

func (m *QueueDelete) fields(c *codec) {
	c.reservedShort()
	c.str(&m.Queue)
	c.bits(&m.IfUnused, &m.IfEmpty, &m.NoWait)
}

// QueueDeleteOk is queue.delete-ok.
type QueueDeleteOk struct {
	MessageCount uint32
}

// ID returns 50, 41.
func (*QueueDeleteOk) ID() (class, method uint16) { return ClassQueue, 41 }

func (m *QueueDeleteOk) fields(c *codec) { c.long(&m.MessageCount) }
