package wire

// methods are all that the specification and RabbitMQ have, by class and method. Those
// that cannot be made are not implemented: they are here to be refused by name.
var methods = map[uint32]struct {
	name string
	make func() Method
}{
	ClassConnection<<16 | 10: {"connection.start", func() Method { return new(ConnectionStart) }},
	ClassConnection<<16 | 11: {"connection.start-ok", func() Method { return new(ConnectionStartOk) }},
	ClassConnection<<16 | 20: {"connection.secure", func() Method { return new(ConnectionSecure) }},
	ClassConnection<<16 | 21: {"connection.secure-ok", func() Method { return new(ConnectionSecureOk) }},
	ClassConnection<<16 | 30: {"connection.tune", func() Method { return new(ConnectionTune) }},
	ClassConnection<<16 | 31: {"connection.tune-ok", func() Method { return new(ConnectionTuneOk) }},
	ClassConnection<<16 | 40: {"connection.open", func() Method { return new(ConnectionOpen) }},
	ClassConnection<<16 | 41: {"connection.open-ok", func() Method { return new(ConnectionOpenOk) }},
	ClassConnection<<16 | 50: {"connection.close", func() Method { return new(ConnectionClose) }},
	ClassConnection<<16 | 51: {"connection.close-ok", func() Method { return new(ConnectionCloseOk) }},
	ClassConnection<<16 | 60: {"connection.blocked", func() Method { return new(ConnectionBlocked) }},
	ClassConnection<<16 | 61: {"connection.unblocked", func() Method { return new(ConnectionUnblocked) }},
	ClassConnection<<16 | 70: {"connection.update-secret", nil},
	ClassConnection<<16 | 71: {"connection.update-secret-ok", nil},

	ClassChannel<<16 | 10: {"channel.open", func() Method { return new(ChannelOpen) }},
	ClassChannel<<16 | 11: {"channel.open-ok", func() Method { return new(ChannelOpenOk) }},
	ClassChannel<<16 | 20: {"channel.flow", func() Method { return new(ChannelFlow) }},
	ClassChannel<<16 | 21: {"channel.flow-ok", func() Method { return new(ChannelFlowOk) }},
	ClassChannel<<16 | 40: {"channel.close", func() Method { return new(ChannelClose) }},
	ClassChannel<<16 | 41: {"channel.close-ok", func() Method { return new(ChannelCloseOk) }},

	ClassAccess<<16 | 10: {"access.request", nil},
	ClassAccess<<16 | 11: {"access.request-ok", nil},

	ClassExchange<<16 | 10: {"exchange.declare", nil},
	ClassExchange<<16 | 11: {"exchange.declare-ok", nil},
	ClassExchange<<16 | 20: {"exchange.delete", nil},
	ClassExchange<<16 | 21: {"exchange.delete-ok", nil},
	ClassExchange<<16 | 30: {"exchange.bind", nil},
	ClassExchange<<16 | 31: {"exchange.bind-ok", nil},
	ClassExchange<<16 | 40: {"exchange.unbind", nil},
	ClassExchange<<16 | 51: {"exchange.unbind-ok", nil},

	ClassQueue<<16 | 10: {"queue.declare", func() Method { return new(QueueDeclare) }},
	ClassQueue<<16 | 11: {"queue.declare-ok", func() Method { return new(QueueDeclareOk) }},
	ClassQueue<<16 | 20: {"queue.bind", nil},
	ClassQueue<<16 | 21: {"queue.bind-ok", nil},
	ClassQueue<<16 | 50: {"queue.unbind", nil},
	ClassQueue<<16 | 51: {"queue.unbind-ok", nil},
	ClassQueue<<16 | 30: {"queue.purge", func() Method { return new(QueuePurge) }},
	ClassQueue<<16 | 31: {"queue.purge-ok", func() Method { return new(QueuePurgeOk) }},
	ClassQueue<<16 | 40: {"queue.delete", func() Method { return new(QueueDelete) }},
	ClassQueue<<16 | 41: {"queue.delete-ok", func() Method { return new(QueueDeleteOk) }},

	ClassBasic<<16 | 10:  {"basic.qos", func() Method { return new(BasicQos) }},
	ClassBasic<<16 | 11:  {"basic.qos-ok", func() Method { return new(BasicQosOk) }},
	ClassBasic<<16 | 20:  {"basic.consume", func() Method { return new(BasicConsume) }},
	ClassBasic<<16 | 21:  {"basic.consume-ok", func() Method { return new(BasicConsumeOk) }},
	ClassBasic<<16 | 30:  {"basic.cancel", func() Method { return new(BasicCancel) }},
	ClassBasic<<16 | 31:  {"basic.cancel-ok", func() Method { return new(BasicCancelOk) }},
	ClassBasic<<16 | 40:  {"basic.publish", func() Method { return new(BasicPublish) }},
	ClassBasic<<16 | 50:  {"basic.return", func() Method { return new(BasicReturn) }},
	ClassBasic<<16 | 60:  {"basic.deliver", func() Method { return new(BasicDeliver) }},
	ClassBasic<<16 | 70:  {"basic.get", func() Method { return new(BasicGet) }},
	ClassBasic<<16 | 71:  {"basic.get-ok", func() Method { return new(BasicGetOk) }},
	ClassBasic<<16 | 72:  {"basic.get-empty", func() Method { return new(BasicGetEmpty) }},
	ClassBasic<<16 | 80:  {"basic.ack", func() Method { return new(BasicAck) }},
	ClassBasic<<16 | 90:  {"basic.reject", func() Method { return new(BasicReject) }},
	ClassBasic<<16 | 100: {"basic.recover-async", func() Method { return new(BasicRecoverAsync) }},
	ClassBasic<<16 | 110: {"basic.recover", func() Method { return new(BasicRecover) }},
	ClassBasic<<16 | 111: {"basic.recover-ok", func() Method { return new(BasicRecoverOk) }},
	ClassBasic<<16 | 120: {"basic.nack", func() Method { return new(BasicNack) }},

	ClassConfirm<<16 | 10: {"confirm.select", func() Method { return new(ConfirmSelect) }},
	ClassConfirm<<16 | 11: {"confirm.select-ok", func() Method { return new(ConfirmSelectOk) }},

	ClassTx<<16 | 10: {"tx.select", nil},
	ClassTx<<16 | 11: {"tx.select-ok", nil},
	ClassTx<<16 | 20: {"tx.commit", nil},
	ClassTx<<16 | 21: {"tx.commit-ok", nil},
	ClassTx<<16 | 30: {"tx.rollback", nil},
	ClassTx<<16 | 31: {"tx.rollback-ok", nil},
}
