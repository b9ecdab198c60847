package wire

import "reflect"

// IDs of classes.
const (
	ClassConnection = 10
	ClassChannel    = 20
	ClassAccess     = 30 // of AMQP 0-9; not implemented
	ClassExchange   = 40 // not implemented
	ClassQueue      = 50
	ClassBasic      = 60
	ClassConfirm    = 85
	ClassTx         = 90 // not implemented
)

// IDs of methods that have functions of their own.
const (
	BasicPublishID = 40
	BasicDeliverID = 60
	BasicAckID     = 80
)

func (*ConnectionStart) ID() (class, method uint16)     { return ClassConnection, 10 }
func (*ConnectionStartOk) ID() (class, method uint16)   { return ClassConnection, 11 }
func (*ConnectionTune) ID() (class, method uint16)      { return ClassConnection, 30 }
func (*ConnectionTuneOk) ID() (class, method uint16)    { return ClassConnection, 31 }
func (*ConnectionOpen) ID() (class, method uint16)      { return ClassConnection, 40 }
func (*ConnectionOpenOk) ID() (class, method uint16)    { return ClassConnection, 41 }
func (*ConnectionClose) ID() (class, method uint16)     { return ClassConnection, 50 }
func (*ConnectionCloseOk) ID() (class, method uint16)   { return ClassConnection, 51 }
func (*ConnectionBlocked) ID() (class, method uint16)   { return ClassConnection, 60 }
func (*ConnectionUnblocked) ID() (class, method uint16) { return ClassConnection, 61 }

func (*ChannelOpen) ID() (class, method uint16)    { return ClassChannel, 10 }
func (*ChannelOpenOk) ID() (class, method uint16)  { return ClassChannel, 11 }
func (*ChannelFlow) ID() (class, method uint16)    { return ClassChannel, 20 }
func (*ChannelFlowOk) ID() (class, method uint16)  { return ClassChannel, 21 }
func (*ChannelClose) ID() (class, method uint16)   { return ClassChannel, 40 }
func (*ChannelCloseOk) ID() (class, method uint16) { return ClassChannel, 41 }

func (*QueueDeclare) ID() (class, method uint16)   { return ClassQueue, 10 }
func (*QueueDeclareOk) ID() (class, method uint16) { return ClassQueue, 11 }
func (*QueuePurge) ID() (class, method uint16)     { return ClassQueue, 30 }
func (*QueuePurgeOk) ID() (class, method uint16)   { return ClassQueue, 31 }
func (*QueueDelete) ID() (class, method uint16)    { return ClassQueue, 40 }
func (*QueueDeleteOk) ID() (class, method uint16)  { return ClassQueue, 41 }

func (*BasicQos) ID() (class, method uint16)          { return ClassBasic, 10 }
func (*BasicQosOk) ID() (class, method uint16)        { return ClassBasic, 11 }
func (*BasicConsume) ID() (class, method uint16)      { return ClassBasic, 20 }
func (*BasicConsumeOk) ID() (class, method uint16)    { return ClassBasic, 21 }
func (*BasicCancel) ID() (class, method uint16)       { return ClassBasic, 30 }
func (*BasicCancelOk) ID() (class, method uint16)     { return ClassBasic, 31 }
func (*BasicPublish) ID() (class, method uint16)      { return ClassBasic, BasicPublishID }
func (*BasicReturn) ID() (class, method uint16)       { return ClassBasic, 50 }
func (*BasicDeliver) ID() (class, method uint16)      { return ClassBasic, BasicDeliverID }
func (*BasicGet) ID() (class, method uint16)          { return ClassBasic, 70 }
func (*BasicGetOk) ID() (class, method uint16)        { return ClassBasic, 71 }
func (*BasicGetEmpty) ID() (class, method uint16)     { return ClassBasic, 72 }
func (*BasicAck) ID() (class, method uint16)          { return ClassBasic, BasicAckID }
func (*BasicReject) ID() (class, method uint16)       { return ClassBasic, 90 }
func (*BasicRecoverAsync) ID() (class, method uint16) { return ClassBasic, 100 }
func (*BasicRecover) ID() (class, method uint16)      { return ClassBasic, 110 }
func (*BasicRecoverOk) ID() (class, method uint16)    { return ClassBasic, 111 }
func (*BasicNack) ID() (class, method uint16)         { return ClassBasic, 120 }

func (*ConfirmSelect) ID() (class, method uint16)   { return ClassConfirm, 10 }
func (*ConfirmSelectOk) ID() (class, method uint16) { return ClassConfirm, 11 }

// implemented has the methods of this package by their names.
var implemented = map[string]Method{
	"connection.start":     &ConnectionStart{},
	"connection.start-ok":  &ConnectionStartOk{},
	"connection.tune":      &ConnectionTune{},
	"connection.tune-ok":   &ConnectionTuneOk{},
	"connection.open":      &ConnectionOpen{},
	"connection.open-ok":   &ConnectionOpenOk{},
	"connection.close":     &ConnectionClose{},
	"connection.close-ok":  &ConnectionCloseOk{},
	"connection.blocked":   &ConnectionBlocked{},
	"connection.unblocked": &ConnectionUnblocked{},
	"channel.open":         &ChannelOpen{},
	"channel.open-ok":      &ChannelOpenOk{},
	"channel.flow":         &ChannelFlow{},
	"channel.flow-ok":      &ChannelFlowOk{},
	"channel.close":        &ChannelClose{},
	"channel.close-ok":     &ChannelCloseOk{},
	"queue.declare":        &QueueDeclare{},
	"queue.declare-ok":     &QueueDeclareOk{},
	"queue.purge":          &QueuePurge{},
	"queue.purge-ok":       &QueuePurgeOk{},
	"queue.delete":         &QueueDelete{},
	"queue.delete-ok":      &QueueDeleteOk{},
	"basic.qos":            &BasicQos{},
	"basic.qos-ok":         &BasicQosOk{},
	"basic.consume":        &BasicConsume{},
	"basic.consume-ok":     &BasicConsumeOk{},
	"basic.cancel":         &BasicCancel{},
	"basic.cancel-ok":      &BasicCancelOk{},
	"basic.publish":        &BasicPublish{},
	"basic.return":         &BasicReturn{},
	"basic.deliver":        &BasicDeliver{},
	"basic.get":            &BasicGet{},
	"basic.get-ok":         &BasicGetOk{},
	"basic.get-empty":      &BasicGetEmpty{},
	"basic.ack":            &BasicAck{},
	"basic.reject":         &BasicReject{},
	"basic.recover-async":  &BasicRecoverAsync{},
	"basic.recover":        &BasicRecover{},
	"basic.recover-ok":     &BasicRecoverOk{},
	"basic.nack":           &BasicNack{},
	"confirm.select":       &ConfirmSelect{},
	"confirm.select-ok":    &ConfirmSelectOk{},
}

// notImplemented has the other methods of the specification and RabbitMQ, to be refused by name.
var notImplemented = map[uint32]string{
	ClassConnection<<16 | 20: "connection.secure",
	ClassConnection<<16 | 21: "connection.secure-ok",
	ClassConnection<<16 | 70: "connection.update-secret",
	ClassConnection<<16 | 71: "connection.update-secret-ok",
	ClassAccess<<16 | 10:     "access.request",
	ClassAccess<<16 | 11:     "access.request-ok",
	ClassExchange<<16 | 10:   "exchange.declare",
	ClassExchange<<16 | 11:   "exchange.declare-ok",
	ClassExchange<<16 | 20:   "exchange.delete",
	ClassExchange<<16 | 21:   "exchange.delete-ok",
	ClassExchange<<16 | 30:   "exchange.bind",
	ClassExchange<<16 | 31:   "exchange.bind-ok",
	ClassExchange<<16 | 40:   "exchange.unbind",
	ClassExchange<<16 | 51:   "exchange.unbind-ok",
	ClassQueue<<16 | 20:      "queue.bind",
	ClassQueue<<16 | 21:      "queue.bind-ok",
	ClassQueue<<16 | 50:      "queue.unbind",
	ClassQueue<<16 | 51:      "queue.unbind-ok",
	ClassTx<<16 | 10:         "tx.select",
	ClassTx<<16 | 11:         "tx.select-ok",
	ClassTx<<16 | 20:         "tx.commit",
	ClassTx<<16 | 21:         "tx.commit-ok",
	ClassTx<<16 | 30:         "tx.rollback",
	ClassTx<<16 | 31:         "tx.rollback-ok",
}

type methodType struct {
	name   string
	fields reflect.Type // nil if the method is not implemented
}

// methodTypes has all methods by their IDs.
var methodTypes = map[uint32]methodType{}

func init() {
	for name, m := range implemented {
		methodTypes[methodKey(m.ID())] = methodType{name, reflect.TypeOf(m).Elem()}
	}
	for key, name := range notImplemented {
		methodTypes[key] = methodType{name: name}
	}
}

func methodKey(class, method uint16) uint32 { return uint32(class)<<16 | uint32(method) }
