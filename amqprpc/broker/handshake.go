package broker

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/secret"
	"rpcscope/amqprpc/internal/wire"
)

// Limits proposed in connection.tune. They are RabbitMQ's.
const (
	maxFrame    = 128 << 10
	maxChannels = 2047
)

// The SASL mechanisms: PLAIN (RFC 4616), and AMQPLAIN of AMQP 0-8, the default of some clients such as php-amqplib.
const (
	plain    = "PLAIN"
	amqplain = "AMQPLAIN"
)

var serverProperties = amqp.Table{
	"product": Product, "version": Version, "platform": "Go",
	"information": "https://www.rabbitmq.com is what it stands in for",
	"capabilities": amqp.Table{
		"publisher_confirms": true, "basic.nack": true, "consumer_cancel_notify": true,
		"connection.blocked": true, "authentication_failure_close": true,
		"per_consumer_qos": true, "exchange_exchange_bindings": false, "consumer_priorities": false, "direct_reply_to": false,
	},
}

// handshake performs the handshake up to connection.open-ok (AMQP 0-9-1, 2.2.4).
func (c *connection) handshake() error {
	_ = c.raw.SetReadDeadline(time.Now().Add(handshakeTimeout))
	if err := c.r.ReadProtocolHeader(); err != nil {
		var foreign *wire.ProtocolError
		if errors.As(err, &foreign) {
			c.b.lock()
			c.reason, c.clientFault = "not AMQP 0-9-1: "+printable(string(foreign.Got)), true
			c.write(wire.AppendProtocolHeader)
			c.b.unlock()
		}
		return err
	}
	c.b.gate.wait()
	c.lockAndSend(&wire.ConnectionStart{VersionMinor: 9, ServerProperties: serverProperties, Mechanisms: plain + " " + amqplain, Locales: "en_US"})
	start, err := expect[*wire.ConnectionStartOk](c)
	if err != nil {
		return err
	}
	c.readProperties(start)
	if err := c.logIn(start); err != nil {
		return err
	}
	heartbeat := (c.b.cfg.Heartbeat + time.Second - 1) / time.Second
	c.lockAndSend(&wire.ConnectionTune{ChannelMax: maxChannels, FrameMax: maxFrame, Heartbeat: uint16(min(heartbeat, math.MaxUint16))})
	tune, err := expect[*wire.ConnectionTuneOk](c)
	if err != nil {
		return err
	}
	if e := c.tune(tune); e != nil {
		return c.refuse(e)
	}
	open, err := expect[*wire.ConnectionOpen](c)
	if err != nil {
		return err
	}
	if open.VirtualHost != "/" {
		return c.refuse(about(wire.Errorf(wire.NotAllowed, "vhost %s not found", printable(secret.Redact(open.VirtualHost))), open))
	}
	_ = c.raw.SetReadDeadline(time.Time{})
	c.b.lock()
	c.open = true
	c.send(&wire.ConnectionOpenOk{})
	c.startHeartbeats()
	c.b.unlock()
	return nil
}

// readProperties reads the client's properties.
func (c *connection) readProperties(start *wire.ConnectionStartOk) {
	c.name, _ = start.ClientProperties["connection_name"].(string)
	table, _ := start.ClientProperties["capabilities"].(amqp.Table)
	has := func(name string) bool { yes, _ := table[name].(bool); return yes }
	c.capabilities = capabilities{has("consumer_cancel_notify"), has("connection.blocked"), has("authentication_failure_close")}
}

// credentials parses a mechanism's response.
func credentials(mechanism, response string) (user, password string, ok bool) {
	switch mechanism {
	case plain:
		parts := strings.Split(response, "\x00")
		if len(parts) != 3 || parts[0] != "" { // as in RabbitMQ, nobody acts for another user
			return "", "", false
		}
		return parts[1], parts[2], true
	case amqplain: // a table without its length
		t, _, err := wire.ParseTable(append(binary.BigEndian.AppendUint32(nil, uint32(len(response))), response...))
		if err != nil {
			return "", "", false
		}
		user, hasUser := t["LOGIN"].(string)
		password, hasPassword := t["PASSWORD"].(string)
		return user, password, hasUser && hasPassword
	}
	return "", "", false
}

// logIn checks the user and the password.
func (c *connection) logIn(start *wire.ConnectionStartOk) error {
	if start.Mechanism != plain && start.Mechanism != amqplain {
		return c.hangUp("unknown authentication mechanism '" + printable(start.Mechanism) + "'")
	}
	user, password, ok := credentials(start.Mechanism, start.Response)
	if !ok {
		return c.hangUp("a malformed login")
	}
	want, known := c.b.cfg.Users[user]
	if known && subtle.ConstantTimeCompare([]byte(want), []byte(password)) == 1 && (user != guest || c.onLoopback()) {
		c.user = user
		return nil
	}
	reason := "login refused for user '" + printable(user) + "'"
	if !c.capabilities.authenticationFailureClose {
		return c.hangUp(reason)
	}
	e := wire.Errorf(wire.AccessRefused, "Login was refused using authentication mechanism %s. For details see the broker logfile.", start.Mechanism)
	c.b.lock()
	c.fail(e)
	c.reason = reason
	c.b.unlock()
	return c.finishClose()
}

// hangUp closes the socket without a word, as the specification demands for a failed login.
func (c *connection) hangUp(reason string) error {
	c.b.lock()
	c.reason, c.clientFault, c.cut = reason, true, true
	c.b.unlock()
	return errEnded
}

// onLoopback reports whether the peer is on this machine.
func (c *connection) onLoopback() bool {
	addr, ok := c.raw.RemoteAddr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// tune checks and adopts the client's limits. They must not exceed the proposed ones, and since those are limited, 0 (no limit)
// is an error too.
func (c *connection) tune(ok *wire.ConnectionTuneOk) *wire.Error {
	for _, limit := range []struct {
		name          string
		got, min, max uint32
	}{
		{"frame_max", ok.FrameMax, wire.FrameMinSize, maxFrame},
		{"channel_max", uint32(ok.ChannelMax), 1, maxChannels},
	} {
		switch {
		case limit.got < limit.min:
			return about(wire.Errorf(wire.NotAllowed, "negotiated %s = %d is lower than the minimum allowed value (%d)", limit.name, limit.got, limit.min), ok)
		case limit.got > limit.max:
			return about(wire.Errorf(wire.NotAllowed, "negotiated %s = %d is higher than the maximum allowed value (%d)", limit.name, limit.got, limit.max), ok)
		}
	}
	c.frameMax, c.channelMax = ok.FrameMax, ok.ChannelMax
	c.r.SetFrameMax(c.frameMax)
	c.heartbeat = time.Duration(ok.Heartbeat) * time.Second
	return nil
}

func (c *connection) lockAndSend(m wire.Method) {
	c.b.lock()
	c.send(m)
	c.b.unlock()
}

// refuse ends the handshake with connection.close.
func (c *connection) refuse(e *wire.Error) error {
	c.b.lock()
	c.fail(e)
	c.b.unlock()
	return c.finishClose()
}

// finishClose waits for the answer to connection.close. It always returns an error.
func (c *connection) finishClose() error {
	if err := c.loop(); err != nil {
		return err
	}
	return errEnded
}

// expect reads the next method of the handshake, which must be an M.
func expect[M wire.Method](c *connection) (M, error) {
	var none M
	for {
		f, err := c.r.ReadFrame()
		if err != nil {
			var violation *wire.Error
			if errors.As(err, &violation) {
				return none, c.refuse(violation)
			}
			return none, err
		}
		c.b.gate.wait()
		if f.Type == wire.FrameHeartbeat && f.Channel == 0 {
			continue
		}
		if f.Type != wire.FrameMethod || f.Channel != 0 {
			return none, c.refuse(wire.Errorf(wire.UnexpectedFrame, "frame of type %d on channel %d while the connection is not open", f.Type, f.Channel))
		}
		m, err := wire.ParseMethod(f.Payload)
		if err != nil {
			return none, c.refuse(err.(*wire.Error))
		}
		switch m := m.(type) {
		case M:
			return m, nil
		case *wire.ConnectionClose:
			c.lockAndSend(&wire.ConnectionCloseOk{})
			return none, errEnded
		}
		return none, c.refuse(about(wire.Errorf(wire.CommandInvalid, "%s while the connection is not open", wire.MethodName(wire.ID(m))), m))
	}
}
