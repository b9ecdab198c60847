package wire

import amqp "github.com/rabbitmq/amqp091-go"

// The structs of this file have the fields of the specification, in its order: see [AppendMethod] for
// their types on the wire. Fields named _ are reserved: written as zero, and ignored when parsed.

// Methods of the class connection.
type (
	ConnectionStart struct {
		VersionMajor, VersionMinor uint8
		ServerProperties           amqp.Table
		Mechanisms                 string `wire:"long"`
		Locales                    string `wire:"long"`
	}
	ConnectionStartOk struct {
		ClientProperties amqp.Table
		Mechanism        string
		Response         string `wire:"long"`
		Locale           string
	}
	ConnectionTune struct {
		ChannelMax uint16
		FrameMax   uint32
		Heartbeat  uint16
	}
	ConnectionTuneOk ConnectionTune
	ConnectionOpen   struct {
		VirtualHost string
		_           string
		_           bool
	}
	ConnectionOpenOk struct {
		_ string
	}
	ConnectionClose struct {
		ReplyCode         uint16
		ReplyText         string
		ClassID, MethodID uint16
	}
	ConnectionCloseOk struct{}
	ConnectionBlocked struct {
		Reason string
	}
	ConnectionUnblocked struct{}
)

// Methods of the class channel.
type (
	ChannelOpen struct {
		_ string
	}
	ChannelOpenOk struct {
		_ string `wire:"long"`
	}
	ChannelFlow struct {
		Active bool
	}
	ChannelFlowOk  ChannelFlow
	ChannelClose   ConnectionClose
	ChannelCloseOk struct{}
)

// Methods of the class queue.
type (
	QueueDeclare struct {
		_                                               uint16
		Queue                                           string
		Passive, Durable, Exclusive, AutoDelete, NoWait bool
		Arguments                                       amqp.Table
	}
	QueueDeclareOk struct {
		Queue                       string
		MessageCount, ConsumerCount uint32
	}
	QueuePurge struct {
		_      uint16
		Queue  string
		NoWait bool
	}
	QueuePurgeOk struct {
		MessageCount uint32
	}
	QueueDelete struct {
		_                         uint16
		Queue                     string
		IfUnused, IfEmpty, NoWait bool
	}
	QueueDeleteOk QueuePurgeOk
)

// Methods of the class basic.
type (
	BasicQos struct {
		PrefetchSize  uint32
		PrefetchCount uint16
		Global        bool
	}
	BasicQosOk   struct{}
	BasicConsume struct {
		_                                 uint16
		Queue, ConsumerTag                string
		NoLocal, NoAck, Exclusive, NoWait bool
		Arguments                         amqp.Table
	}
	BasicConsumeOk struct {
		ConsumerTag string
	}
	BasicCancel struct {
		ConsumerTag string
		NoWait      bool
	}
	BasicCancelOk BasicConsumeOk
	BasicPublish  struct {
		_                    uint16
		Exchange, RoutingKey string
		Mandatory, Immediate bool
	}
	BasicReturn struct {
		ReplyCode                       uint16
		ReplyText, Exchange, RoutingKey string
	}
	BasicDeliver struct {
		ConsumerTag          string
		DeliveryTag          uint64
		Redelivered          bool
		Exchange, RoutingKey string
	}
	BasicGet struct {
		_     uint16
		Queue string
		NoAck bool
	}
	BasicGetOk struct {
		DeliveryTag          uint64
		Redelivered          bool
		Exchange, RoutingKey string
		MessageCount         uint32
	}
	BasicGetEmpty struct {
		_ string
	}
	BasicAck struct {
		DeliveryTag uint64
		Multiple    bool
	}
	BasicReject struct {
		DeliveryTag uint64
		Requeue     bool
	}
	BasicRecoverAsync struct {
		Requeue bool
	}
	BasicRecover   BasicRecoverAsync
	BasicRecoverOk struct{}
	BasicNack      struct {
		DeliveryTag       uint64
		Multiple, Requeue bool
	}
)

// Methods of the class confirm.
type (
	ConfirmSelect struct {
		NoWait bool
	}
	ConfirmSelectOk struct{}
)
