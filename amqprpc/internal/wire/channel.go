package wire

// ChannelOpen is channel.open.
type ChannelOpen struct{}

// ID returns 20, 10.
func (*ChannelOpen) ID() (class, method uint16) { return ClassChannel, 10 }

func (m *ChannelOpen) fields(c *codec) { c.reservedStr() }

// ChannelOpenOk is channel.open-ok.
type ChannelOpenOk struct{}

// ID returns 20, 11.
func (*ChannelOpenOk) ID() (class, method uint16) { return ClassChannel, 11 }

func (m *ChannelOpenOk) fields(c *codec) { c.reservedLongtext() }

// ChannelFlow is channel.flow.
type ChannelFlow struct {
	Active bool
}

// ID returns 20, 20.
func (*ChannelFlow) ID() (class, method uint16) { return ClassChannel, 20 }

func (m *ChannelFlow) fields(c *codec) { c.bits(&m.Active) }

// ChannelFlowOk is channel.flow-ok.
type ChannelFlowOk struct {
	Active bool
}

// ID returns 20, 21.
func (*ChannelFlowOk) ID() (class, method uint16) { return ClassChannel, 21 }

func (m *ChannelFlowOk) fields(c *codec) { c.bits(&m.Active) }

// ChannelClose is channel.close.
type ChannelClose struct {
	ReplyCode         uint16
	ReplyText         string
	ClassID, MethodID uint16
}

// ID returns 20, 40.
func (*ChannelClose) ID() (class, method uint16) { return ClassChannel, 40 }

func (m *ChannelClose) fields(c *codec) {
	c.short(&m.ReplyCode)
	c.text(&m.ReplyText)
	c.short(&m.ClassID)
	c.short(&m.MethodID)
}

// ChannelCloseOk is channel.close-ok.
type ChannelCloseOk struct{}

// ID returns 20, 41.
func (*ChannelCloseOk) ID() (class, method uint16) { return ClassChannel, 41 }

func (*ChannelCloseOk) fields(*codec) {}

// ConfirmSelect is confirm.select.
type ConfirmSelect struct {
	NoWait bool
}

// ID returns 85, 10.
func (*ConfirmSelect) ID() (class, method uint16) { return ClassConfirm, 10 }

func (m *ConfirmSelect) fields(c *codec) { c.bits(&m.NoWait) }

// ConfirmSelectOk is confirm.select-ok.
type ConfirmSelectOk struct{}

// ID returns 85, 11.
func (*ConfirmSelectOk) ID() (class, method uint16) { return ClassConfirm, 11 }

func (*ConfirmSelectOk) fields(*codec) {}
