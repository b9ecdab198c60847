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

// methods has all methods of the specification and of RabbitMQ. Those without fields are not implemented, and
// refused by name.
var methods = []struct {
	class, method uint16
	name          string
	fields        any
}{
	{ClassConnection, 10, "connection.start", ConnectionStart{}},
	{ClassConnection, 11, "connection.start-ok", ConnectionStartOk{}},
	{ClassConnection, 20, "connection.secure", nil},
	{ClassConnection, 21, "connection.secure-ok", nil},
	{ClassConnection, 30, "connection.tune", ConnectionTune{}},
	{ClassConnection, 31, "connection.tune-ok", ConnectionTuneOk{}},
	{ClassConnection, 40, "connection.open", ConnectionOpen{}},
	{ClassConnection, 41, "connection.open-ok", ConnectionOpenOk{}},
	{ClassConnection, 50, "connection.close", ConnectionClose{}},
	{ClassConnection, 51, "connection.close-ok", ConnectionCloseOk{}},
	{ClassConnection, 60, "connection.blocked", ConnectionBlocked{}},
	{ClassConnection, 61, "connection.unblocked", ConnectionUnblocked{}},
	{ClassConnection, 70, "connection.update-secret", nil},
	{ClassConnection, 71, "connection.update-secret-ok", nil},
	{ClassChannel, 10, "channel.open", ChannelOpen{}},
	{ClassChannel, 11, "channel.open-ok", ChannelOpenOk{}},
	{ClassChannel, 20, "channel.flow", ChannelFlow{}},
	{ClassChannel, 21, "channel.flow-ok", ChannelFlowOk{}},
	{ClassChannel, 40, "channel.close", ChannelClose{}},
	{ClassChannel, 41, "channel.close-ok", ChannelCloseOk{}},
	{ClassAccess, 10, "access.request", nil},
	{ClassAccess, 11, "access.request-ok", nil},
	{ClassExchange, 10, "exchange.declare", nil},
	{ClassExchange, 11, "exchange.declare-ok", nil},
	{ClassExchange, 20, "exchange.delete", nil},
	{ClassExchange, 21, "exchange.delete-ok", nil},
	{ClassExchange, 30, "exchange.bind", nil},
	{ClassExchange, 31, "exchange.bind-ok", nil},
	{ClassExchange, 40, "exchange.unbind", nil},
	{ClassExchange, 51, "exchange.unbind-ok", nil},
	{ClassQueue, 10, "queue.declare", QueueDeclare{}},
	{ClassQueue, 11, "queue.declare-ok", QueueDeclareOk{}},
	{ClassQueue, 20, "queue.bind", nil},
	{ClassQueue, 21, "queue.bind-ok", nil},
	{ClassQueue, 30, "queue.purge", QueuePurge{}},
	{ClassQueue, 31, "queue.purge-ok", QueuePurgeOk{}},
	{ClassQueue, 40, "queue.delete", QueueDelete{}},
	{ClassQueue, 41, "queue.delete-ok", QueueDeleteOk{}},
	{ClassQueue, 50, "queue.unbind", nil},
	{ClassQueue, 51, "queue.unbind-ok", nil},
	{ClassBasic, 10, "basic.qos", BasicQos{}},
	{ClassBasic, 11, "basic.qos-ok", BasicQosOk{}},
	{ClassBasic, 20, "basic.consume", BasicConsume{}},
	{ClassBasic, 21, "basic.consume-ok", BasicConsumeOk{}},
	{ClassBasic, 30, "basic.cancel", BasicCancel{}},
	{ClassBasic, 31, "basic.cancel-ok", BasicCancelOk{}},
	{ClassBasic, BasicPublishID, "basic.publish", BasicPublish{}},
	{ClassBasic, 50, "basic.return", BasicReturn{}},
	{ClassBasic, BasicDeliverID, "basic.deliver", BasicDeliver{}},
	{ClassBasic, 70, "basic.get", BasicGet{}},
	{ClassBasic, 71, "basic.get-ok", BasicGetOk{}},
	{ClassBasic, 72, "basic.get-empty", BasicGetEmpty{}},
	{ClassBasic, BasicAckID, "basic.ack", BasicAck{}},
	{ClassBasic, 90, "basic.reject", BasicReject{}},
	{ClassBasic, 100, "basic.recover-async", BasicRecoverAsync{}},
	{ClassBasic, 110, "basic.recover", BasicRecover{}},
	{ClassBasic, 111, "basic.recover-ok", BasicRecoverOk{}},
	{ClassBasic, 120, "basic.nack", BasicNack{}},
	{ClassConfirm, 10, "confirm.select", ConfirmSelect{}},
	{ClassConfirm, 11, "confirm.select-ok", ConfirmSelectOk{}},
	{ClassTx, 10, "tx.select", nil},
	{ClassTx, 11, "tx.select-ok", nil},
	{ClassTx, 20, "tx.commit", nil},
	{ClassTx, 21, "tx.commit-ok", nil},
	{ClassTx, 30, "tx.rollback", nil},
	{ClassTx, 31, "tx.rollback-ok", nil},
}

type methodType struct {
	name   string
	fields reflect.Type // nil if the method is not implemented
}

var (
	methodTypes = map[uint32]methodType{} // by IDs
	methodIDs   = map[reflect.Type]uint32{}
)

func init() {
	for _, m := range methods {
		key, fields := methodKey(m.class, m.method), reflect.TypeOf(m.fields)
		methodTypes[key] = methodType{m.name, fields}
		methodIDs[fields] = key
	}
}

func methodKey(class, method uint16) uint32 { return uint32(class)<<16 | uint32(method) }

// ID returns the IDs of the class of a method and of the method in it.
func ID(m Method) (class, method uint16) {
	key := methodIDs[reflect.TypeOf(m).Elem()]
	return uint16(key >> 16), uint16(key)
}
