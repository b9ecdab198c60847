package wire

import amqp "github.com/rabbitmq/amqp091-go"

// ConnectionStart is connection.start.
type ConnectionStart struct {
	VersionMajor, VersionMinor uint8
	ServerProperties           amqp.Table
	Mechanisms, Locales        string
}

// ID returns 10, 10.
func (*ConnectionStart) ID() (class, method uint16) { return ClassConnection, 10 }

func (m *ConnectionStart) fields(c *codec) {
	c.octet(&m.VersionMajor)
	c.octet(&m.VersionMinor)
	c.fieldTable(&m.ServerProperties)
	c.longtext(&m.Mechanisms)
	c.longtext(&m.Locales)
}

// ConnectionStartOk is connection.start-ok.
type ConnectionStartOk struct {
	ClientProperties            amqp.Table
	Mechanism, Response, Locale string
}

// ID returns 10, 11.
func (*ConnectionStartOk) ID() (class, method uint16) { return ClassConnection, 11 }

func (m *ConnectionStartOk) fields(c *codec) {
	c.fieldTable(&m.ClientProperties)
	c.str(&m.Mechanism)
	c.longtext(&m.Response)
	c.str(&m.Locale)
}

// ConnectionSecure is connection.secure.
type ConnectionSecure struct {
	Challenge string
}

// ID returns 10, 20.
func (*ConnectionSecure) ID() (class, method uint16) { return ClassConnection, 20 }

func (m *ConnectionSecure) fields(c *codec) { c.longtext(&m.Challenge) }

// ConnectionSecureOk is connection.secure-ok.
type ConnectionSecureOk struct {
	Response string
}

// ID returns 10, 21.
func (*ConnectionSecureOk) ID() (class, method uint16) { return ClassConnection, 21 }

func (m *ConnectionSecureOk) fields(c *codec) { c.longtext(&m.Response) }

// ConnectionTune is connection.tune.
type ConnectionTune struct {
	ChannelMax uint16
	FrameMax   uint32
	Heartbeat  uint16
}

// ID returns 10, 30.
func (*ConnectionTune) ID() (class, method uint16) { return ClassConnection, 30 }

func (m *ConnectionTune) fields(c *codec) {
	c.short(&m.ChannelMax)
	c.long(&m.FrameMax)
	c.short(&m.Heartbeat)
}

// ConnectionTuneOk is connection.tune-ok.
type ConnectionTuneOk struct {
	ChannelMax uint16
	FrameMax   uint32
	Heartbeat  uint16
}

// ID returns 10, 31.
func (*ConnectionTuneOk) ID() (class, method uint16) { return ClassConnection, 31 }

func (m *ConnectionTuneOk) fields(c *codec) {
	c.short(&m.ChannelMax)
	c.long(&m.FrameMax)
	c.short(&m.Heartbeat)
}

// ConnectionOpen is connection.open.
type ConnectionOpen struct {
	VirtualHost string
}

// ID returns 10, 40.
func (*ConnectionOpen) ID() (class, method uint16) { return ClassConnection, 40 }

func (m *ConnectionOpen) fields(c *codec) {
	c.str(&m.VirtualHost)
	c.reservedStr()
	c.bits(new(bool))
}

// ConnectionOpenOk is connection.open-ok.
type ConnectionOpenOk struct{}

// ID returns 10, 41.
func (*ConnectionOpenOk) ID() (class, method uint16) { return ClassConnection, 41 }

func (m *ConnectionOpenOk) fields(c *codec) { c.reservedStr() }

// ConnectionClose is connection.close.
type ConnectionClose struct {
	ReplyCode         uint16
	ReplyText         string
	ClassID, MethodID uint16
}

// ID returns 10, 50.
func (*ConnectionClose) ID() (class, method uint16) { return ClassConnection, 50 }

func (m *ConnectionClose) fields(c *codec) {
	c.short(&m.ReplyCode)
	c.text(&m.ReplyText)
	c.short(&m.ClassID)
	c.short(&m.MethodID)
}

// ConnectionCloseOk is connection.close-ok.
type ConnectionCloseOk struct{}

// ID returns 10, 51.
func (*ConnectionCloseOk) ID() (class, method uint16) { return ClassConnection, 51 }

func (*ConnectionCloseOk) fields(*codec) {}

// ConnectionBlocked is connection.blocked.
type ConnectionBlocked struct {
	Reason string
}

// ID returns 10, 60.
func (*ConnectionBlocked) ID() (class, method uint16) { return ClassConnection, 60 }

func (m *ConnectionBlocked) fields(c *codec) { c.text(&m.Reason) }

// ConnectionUnblocked is connection.unblocked.
type ConnectionUnblocked struct{}

// ID returns 10, 61.
func (*ConnectionUnblocked) ID() (class, method uint16) { return ClassConnection, 61 }

func (*ConnectionUnblocked) fields(*codec) {}
