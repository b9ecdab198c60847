package broker

import (
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/secret"
	"rpcscope/amqprpc/internal/wire"
)

// What is proposed in connection.tune: RabbitMQ's own limits.
const (
	frameMax         = 128 << 10
	channelMax       = 2047
	defaultHeartbeat = 60 * time.Second
)

// serverProperties are what the broker says of itself. The capabilities are the ones it has.
var serverProperties = amqp.Table{
	"product": Product, "version": Version, "platform": "Go",
	"information": "https://www.rabbitmq.com is what it stands in for",
	"capabilities": amqp.Table{
		"publisher_confirms": true, "basic.nack": true, "consumer_cancel_notify": true,
		"connection.blocked": true, "authentication_failure_close": true,
		"per_consumer_qos": true, "exchange_exchange_bindings": false, "consumer_priorities": false, "direct_reply_to": false,
	},
}

// handshake is everything up to connection.open-ok (AMQP 0-9-1, 2.2.4).
func (c *connection) handshake() error {
	_ = c.raw.SetReadDeadline(time.Now().Add(handshakeTime))
	if err := c.r.ReadProtocolHeader(); err != nil {
		var foreign *wire.ProtocolError
		if errors.As(err, &foreign) {
			c.b.lock()
			c.amiss = true
			c.why = "not AMQP 0-9-1: " + printable(string(foreign.Got))
			c.write(wire.AppendProtocolHeader)
			c.b.unlock()
		}
		return err
	}
	c.b.gate.wait()
	c.say(&wire.ConnectionStart{VersionMinor: 9, ServerProperties: serverProperties, Mechanisms: plain + " " + amqplain, Locales: "en_US"})
	start, err := expect[*wire.ConnectionStartOk](c)
	if err != nil {
		return err
	}
	c.introduce(start)
	if err := c.login(start); err != nil {
		return err
	}
	proposed := wire.ConnectionTune{ChannelMax: channelMax, FrameMax: frameMax, Heartbeat: seconds(c.b.heartbeat())}
	c.say(&proposed)
	tune, err := expect[*wire.ConnectionTuneOk](c)
	if err != nil {
		return err
	}
	if err := c.tune(tune, proposed); err != nil {
		return c.refuse(err)
	}
	open, err := expect[*wire.ConnectionOpen](c)
	if err != nil {
		return err
	}
	if open.VirtualHost != "/" {
		return c.refuse(about(exception(wire.NotAllowed, "vhost %s not found", printable(secret.Redact(open.VirtualHost))), open))
	}
	_ = c.raw.SetReadDeadline(time.Time{})
	c.b.lock()
	c.open = true
	c.send(&wire.ConnectionOpenOk{})
	c.keepAlive()
	c.b.unlock()
	return nil
}

// introduce notes what the client says of itself.
func (c *connection) introduce(start *wire.ConnectionStartOk) {
	c.name, _ = start.ClientProperties["connection_name"].(string)
	able, _ := start.ClientProperties["capabilities"].(amqp.Table)
	can := func(name string) bool { yes, _ := able[name].(bool); return yes }
	c.capable = capabilities{can("consumer_cancel_notify"), can("connection.blocked"), can("authentication_failure_close")}
}

// The mechanisms of login: SASL PLAIN (RFC 4616), and the one of AMQP 0-8, which some clients use
// by default, as php-amqplib does.
const (
	plain    = "PLAIN"
	amqplain = "AMQPLAIN"
)

// credentials reads the response of a mechanism.
func credentials(mechanism, response string) (user, password string, ok bool) {
	switch mechanism {
	case plain:
		parts := strings.Split(response, "\x00")
		if len(parts) != 3 || parts[0] != "" { // as RabbitMQ, nobody acts for others here
			return "", "", false
		}
		return parts[1], parts[2], true
	case amqplain: // a table without the length before it
		t, _, err := wire.ParseTable(append(binary.BigEndian.AppendUint32(nil, uint32(len(response))), response...))
		if err != nil {
			return "", "", false
		}
		user, ok = t["LOGIN"].(string)
		password, given := t["PASSWORD"].(string)
		return user, password, ok && given
	}
	return "", "", false
}

// login checks name and password.
func (c *connection) login(start *wire.ConnectionStartOk) error {
	if start.Mechanism != plain && start.Mechanism != amqplain {
		return c.hangUp("unknown authentication mechanism '" + printable(start.Mechanism) + "'")
	}
	user, password, ok := credentials(start.Mechanism, start.Response)
	if !ok {
		return c.hangUp("a malformed login")
	}
	if want, ok := c.b.users[user]; ok && same(want, password) && (user != guest || c.local()) {
		c.user = user
		return nil
	}
	why := "login refused for user '" + printable(user) + "'"
	if !c.capable.authenticationFailureClose {
		return c.hangUp(why)
	}
	c.b.lock()
	c.fail(exception(wire.AccessRefused, "Login was refused using authentication mechanism %s. For details see the broker logfile.", start.Mechanism))
	c.why = why
	c.b.unlock()
	return c.farewell()
}

// hangUp ends the handshake without a word, as the specification has it for a failed login.
func (c *connection) hangUp(why string) error {
	c.b.lock()
	c.why, c.amiss = why, true
	c.b.unlock()
	return errSilently
}

// local says whether the peer is on this machine.
func (c *connection) local() bool {
	addr, ok := c.raw.RemoteAddr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// tune takes the limits that the client wants, which are not above those proposed. Since
// there are some, it cannot want none (0).
func (c *connection) tune(ok *wire.ConnectionTuneOk, proposed wire.ConnectionTune) *wire.Error {
	for _, limit := range []struct {
		name             string
		got, least, most uint32
	}{
		{"frame_max", ok.FrameMax, wire.FrameMinSize, proposed.FrameMax},
		{"channel_max", uint32(ok.ChannelMax), 1, uint32(proposed.ChannelMax)},
	} {
		switch {
		case limit.got < limit.least:
			return about(exception(wire.NotAllowed, "negotiated %s = %d is lower than the minimum allowed value (%d)", limit.name, limit.got, limit.least), ok)
		case limit.got > limit.most:
			return about(exception(wire.NotAllowed, "negotiated %s = %d is higher than the maximum allowed value (%d)", limit.name, limit.got, limit.most), ok)
		}
	}
	c.frameMax, c.channelMax = ok.FrameMax, ok.ChannelMax
	c.r.SetFrameMax(c.frameMax)
	c.heartbeat = time.Duration(ok.Heartbeat) * time.Second
	return nil
}

// say sends a method of the handshake.
func (c *connection) say(m wire.Method) {
	c.b.lock()
	c.send(m)
	c.b.unlock()
}

// refuse ends the handshake with connection.close, and waits for its answer.
func (c *connection) refuse(e *wire.Error) error {
	c.b.lock()
	c.fail(e)
	c.b.unlock()
	return c.farewell()
}

// farewell waits for the answer to connection.close.
func (c *connection) farewell() error {
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
			return none, c.refuse(exception(wire.UnexpectedFrame, "frame of type %d on channel %d while the connection is not open", f.Type, f.Channel))
		}
		m, err := wire.ParseMethod(f.Payload)
		if err != nil {
			return none, c.refuse(asException(err))
		}
		switch m := m.(type) {
		case M:
			return m, nil
		case *wire.ConnectionClose:
			c.say(&wire.ConnectionCloseOk{})
			return none, errEnded
		}
		class, method := m.ID()
		return none, c.refuse(about(exception(wire.CommandInvalid, "%s while the connection is not open", wire.MethodName(class, method)), m))
	}
}

var errEnded = errors.New("ended during the handshake")
