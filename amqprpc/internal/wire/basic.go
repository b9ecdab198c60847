package wire

import amqp "github.com/rabbitmq/amqp091-go"

// BasicQos is basic.qos.
type BasicQos struct {
	PrefetchSize  uint32
	PrefetchCount uint16
	Global        bool
}

// ID returns 60, 10.
func (*BasicQos) ID() (class, method uint16) { return ClassBasic, 10 }

func (m *BasicQos) fields(c *codec) {
	c.long(&m.PrefetchSize)
	c.short(&m.PrefetchCount)
	c.bits(&m.Global)
}

// BasicQosOk is basic.qos-ok.
type BasicQosOk struct{}

// ID returns 60, 11.
func (*BasicQosOk) ID() (class, method uint16) { return ClassBasic, 11 }

func (*BasicQosOk) fields(*codec) {}

// BasicConsume is basic.consume.
type BasicConsume struct {
	Queue, ConsumerTag                string
	NoLocal, NoAck, Exclusive, NoWait bool
	Arguments                         amqp.Table
}

// ID returns 60, 20.
func (*BasicConsume) ID() (class, method uint16) { return ClassBasic, 20 }

func (m *BasicConsume) fields(c *codec) {
	c.reservedShort()
	c.str(&m.Queue)
	c.str(&m.ConsumerTag)
	c.bits(&m.NoLocal, &m.NoAck, &m.Exclusive, &m.NoWait)
	c.fieldTable(&m.Arguments)
}

// BasicConsumeOk is basic.consume-ok.
type BasicConsumeOk struct {
	ConsumerTag string
}

// ID returns 60, 21.
func (*BasicConsumeOk) ID() (class, method uint16) { return ClassBasic, 21 }

func (m *BasicConsumeOk) fields(c *codec) { c.str(&m.ConsumerTag) }

// BasicCancel is basic.cancel.
type BasicCancel struct {
	ConsumerTag string
	NoWait      bool
}

// ID returns 60, 30.
func (*BasicCancel) ID() (class, method uint16) { return ClassBasic, 30 }

func (m *BasicCancel) fields(c *codec) {
	c.str(&m.ConsumerTag)
	c.bits(&m.NoWait)
}

// BasicCancelOk is basic.cancel-ok.
type BasicCancelOk struct {
	ConsumerTag string
}

// ID returns 60, 31.
func (*BasicCancelOk) ID() (class, method uint16) { return ClassBasic, 31 }

func (m *BasicCancelOk) fields(c *codec) { c.str(&m.ConsumerTag) }

// BasicPublish is basic.publish.
type BasicPublish struct {
	Exchange, RoutingKey string
	Mandatory, Immediate bool
}

// ID returns 60, 40.
func (*BasicPublish) ID() (class, method uint16) { return ClassBasic, 40 }

func (m *BasicPublish) fields(c *codec) {
	c.reservedShort()
	c.str(&m.Exchange)
	c.str(&m.RoutingKey)
	c.bits(&m.Mandatory, &m.Immediate)
}

// BasicReturn is basic.return.
type BasicReturn struct {
	ReplyCode                       uint16
	ReplyText, Exchange, RoutingKey string
}

// ID returns 60, 50.
func (*BasicReturn) ID() (class, method uint16) { return ClassBasic, 50 }

func (m *BasicReturn) fields(c *codec) {
	c.short(&m.ReplyCode)
	c.text(&m.ReplyText)
	c.str(&m.Exchange)
	c.str(&m.RoutingKey)
}

// BasicDeliver is basic.deliver.
type BasicDeliver struct {
	ConsumerTag          string
	DeliveryTag          uint64
	Redelivered          bool
	Exchange, RoutingKey string
}

// ID returns 60, 60.
func (*BasicDeliver) ID() (class, method uint16) { return ClassBasic, 60 }

func (m *BasicDeliver) fields(c *codec) {
	c.str(&m.ConsumerTag)
	c.longlong(&m.DeliveryTag)
	c.bits(&m.Redelivered)
	c.str(&m.Exchange)
	c.str(&m.RoutingKey)
}

// BasicGet is basic.get.
type BasicGet struct {
	Queue string
	NoAck bool
}

// ID returns 60, 70.
func (*BasicGet) ID() (class, method uint16) { return ClassBasic, 70 }

func (m *BasicGet) fields(c *codec) {
	c.reservedShort()
	c.str(&m.Queue)
	c.bits(&m.NoAck)
}

// BasicGetOk is basic.get-ok.
type BasicGetOk struct {
	DeliveryTag          uint64
	Redelivered          bool
	Exchange, RoutingKey string
	MessageCount         uint32
}

// ID returns 60, 71.
func (*BasicGetOk) ID() (class, method uint16) { return ClassBasic, 71 }

func (m *BasicGetOk) fields(c *codec) {
	c.longlong(&m.DeliveryTag)
	c.bits(&m.Redelivered)
	c.str(&m.Exchange)
	c.str(&m.RoutingKey)
	c.long(&m.MessageCount)
}

// BasicGetEmpty is basic.get-empty.
type BasicGetEmpty struct{}

// ID returns 60, 72.
func (*BasicGetEmpty) ID() (class, method uint16) { return ClassBasic, 72 }

func (m *BasicGetEmpty) fields(c *codec) { c.reservedStr() }

// BasicAck is basic.ack.
type BasicAck struct {
	DeliveryTag uint64
	Multiple    bool
}

// ID returns 60, 80.
func (*BasicAck) ID() (class, method uint16) { return ClassBasic, 80 }

func (m *BasicAck) fields(c *codec) {
	c.longlong(&m.DeliveryTag)
	c.bits(&m.Multiple)
}

// BasicReject is basic.reject.
type BasicReject struct {
	DeliveryTag uint64
	Requeue     bool
}

// ID returns 60, 90.
func (*BasicReject) ID() (class, method uint16) { return ClassBasic, 90 }

func (m *BasicReject) fields(c *codec) {
	c.longlong(&m.DeliveryTag)
	c.bits(&m.Requeue)
}

// BasicRecoverAsync is basic.recover-async.
type BasicRecoverAsync struct {
	Requeue bool
}

// ID returns 60, 100.
func (*BasicRecoverAsync) ID() (class, method uint16) { return ClassBasic, 100 }

func (m *BasicRecoverAsync) fields(c *codec) { c.bits(&m.Requeue) }

// BasicRecover is basic.recover.
type BasicRecover struct {
	Requeue bool
}

// ID returns 60, 110.
func (*BasicRecover) ID() (class, method uint16) { return ClassBasic, 110 }

func (m *BasicRecover) fields(c *codec) { c.bits(&m.Requeue) }

// BasicRecoverOk is basic.recover-ok.
type BasicRecoverOk struct{}

// ID returns 60, 111.
func (*BasicRecoverOk) ID() (class, method uint16) { return ClassBasic, 111 }

func (*BasicRecoverOk) fields(*codec) {}

// BasicNack is basic.nack.
type BasicNack struct {
	DeliveryTag       uint64
	Multiple, Requeue bool
}

// ID returns 60, 120.
func (*BasicNack) ID() (class, method uint16) { return ClassBasic, 120 }

func (m *BasicNack) fields(c *codec) {
	c.longlong(&m.DeliveryTag)
	c.bits(&m.Multiple, &m.Requeue)
}
