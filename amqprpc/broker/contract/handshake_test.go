package contract

import (
	"errors"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

var handshakeTests = []test{
	{"Start", start},
	{"LoginAMQPLAIN", loginAMQPLAIN},
	{"LoginRefused", loginRefused},
	{"LoginRefusedClient", loginRefusedClient},
	{"Tune", tune},
	{"TuneRefused", tuneRefused},
	{"UnknownVirtualHost", unknownVirtualHost},
	{"HandshakeOutOfOrder", handshakeOutOfOrder},
	{"HandshakeTwice", handshakeTwice},
	{"ConnectionClose", connectionClose},
	{"ConnectionCloseByServer", connectionCloseByServer},
}

// connection.start contains the properties and capabilities that clients look for.
func start(t *T) {
	_, m := t.started()
	if m.VersionMajor != 0 || m.VersionMinor != 9 {
		t.Errorf("version %d.%d, want 0.9", m.VersionMajor, m.VersionMinor)
	}
	for _, mechanism := range []string{" PLAIN ", " AMQPLAIN "} {
		if !strings.Contains(" "+m.Mechanisms+" ", mechanism) {
			t.Errorf("mechanisms %q, want%samong them", m.Mechanisms, mechanism)
		}
	}
	if !strings.Contains(" "+m.Locales+" ", " en_US ") {
		t.Errorf("locales %q, want en_US among them", m.Locales)
	}
	for _, key := range []string{"product", "version"} {
		if s, _ := m.ServerProperties[key].(string); s == "" {
			t.Errorf("server property %s: %#v, want a string", key, m.ServerProperties[key])
		}
	}
	capabilities, _ := m.ServerProperties["capabilities"].(amqp.Table)
	for _, key := range []string{
		"publisher_confirms", "basic.nack", "consumer_cancel_notify", "connection.blocked",
		"authentication_failure_close", "per_consumer_qos",
	} {
		if capabilities[key] != true {
			t.Errorf("capability %s: %#v, want true", key, capabilities[key])
		}
	}
	conn := t.connect()
	if conn.Major != 0 || conn.Minor != 9 || conn.Properties["product"] != m.ServerProperties["product"] {
		t.Errorf("a client sees version %d.%d and product %v", conn.Major, conn.Minor, conn.Properties["product"])
	}
}

// amqplain returns a response of the mechanism AMQPLAIN: a table without its length.
func (t *T) amqplain(table amqp.Table) string {
	t.Helper()
	b, err := wire.AppendTable(nil, table)
	t.must(err)
	return string(b[4:])
}

// Clients may log in with AMQPLAIN. php-amqplib does so by default, amqp091-go if the URL says so.
func loginAMQPLAIN(t *T) {
	u, err := amqp.ParseURI(t.URL)
	t.must(err)
	for name, response := range map[string]string{
		"user and password": t.amqplain(amqp.Table{"LOGIN": u.Username, "PASSWORD": u.Password}),
		"something besides": t.amqplain(amqp.Table{"LOGIN": u.Username, "PASSWORD": u.Password, "OTHER": int64(1)}),
	} {
		p, _ := t.started()
		p.send(0, &wire.ConnectionStartOk{Mechanism: "AMQPLAIN", Response: response, Locale: "en_US"})
		if m := expect[*wire.ConnectionTune](p, 0); m.FrameMax == 0 {
			t.Errorf("%s: %s", name, describe(m))
		}
	}
	cfg := clientConfig()
	cfg.SASL = []amqp.Authentication{u.AMQPlainAuth()}
	conn, err := amqp.DialConfig(t.URL, cfg)
	t.must(err)
	t.must(conn.Close())
}

func loginRefused(t *T) {
	good, _ := t.credentials()
	user, password, _ := strings.Cut(good[1:], "\x00")
	notify := amqp.Table{"authentication_failure_close": true}
	// RabbitMQ has no reply code for a malformed login.
	refused, malformed := closeWith(403, 0, 0), []string{hangUp, "close 403", "close 501", "close 502", "close 530"}
	cases := []struct {
		name         string
		capabilities amqp.Table
		mechanism    string
		response     string
		want         []string
		p            *peer
	}{
		{name: "wrong password, with the capability", capabilities: notify, mechanism: "PLAIN", response: "\x00" + user + "\x00wrong", want: []string{refused}},
		{name: "no password, with the capability", capabilities: notify, mechanism: "PLAIN", response: "\x00" + user + "\x00", want: []string{refused}},
		{name: "unknown user, with the capability", capabilities: notify, mechanism: "PLAIN", response: "\x00nobody-" + user + "\x00wrong", want: []string{refused}},
		{name: "wrong password", mechanism: "PLAIN", response: "\x00" + user + "\x00wrong", want: []string{hangUp}},
		{name: "capability false", capabilities: amqp.Table{"authentication_failure_close": false}, mechanism: "PLAIN", response: "\x00" + user + "\x00wrong", want: []string{hangUp}},
		{name: "unknown mechanism", mechanism: "MAGIC", response: good, want: malformed},
		{name: "unknown mechanism, with the capability", capabilities: notify, mechanism: "MAGIC", response: good, want: malformed},
		{name: "empty response", capabilities: notify, mechanism: "PLAIN", want: malformed},
		{name: "no separators", capabilities: notify, mechanism: "PLAIN", response: user, want: malformed},
		{name: "one separator", capabilities: notify, mechanism: "PLAIN", response: "\x00" + user, want: malformed},
		{name: "on behalf of somebody", capabilities: notify, mechanism: "PLAIN", response: user + good, want: append(malformed, refused)},
		{name: "AMQPLAIN, wrong password, with the capability", capabilities: notify, mechanism: "AMQPLAIN", response: t.amqplain(amqp.Table{"LOGIN": user, "PASSWORD": "wrong"}), want: []string{refused}},
		{name: "AMQPLAIN, wrong password", mechanism: "AMQPLAIN", response: t.amqplain(amqp.Table{"LOGIN": user, "PASSWORD": "wrong"}), want: []string{hangUp}},
		{name: "AMQPLAIN, no password", capabilities: notify, mechanism: "AMQPLAIN", response: t.amqplain(amqp.Table{"LOGIN": user}), want: malformed},
		{name: "AMQPLAIN, a password that is no string", capabilities: notify, mechanism: "AMQPLAIN", response: t.amqplain(amqp.Table{"LOGIN": user, "PASSWORD": true}), want: malformed},
		{name: "AMQPLAIN, nothing", capabilities: notify, mechanism: "AMQPLAIN", want: malformed},
		{name: "AMQPLAIN, no table", capabilities: notify, mechanism: "AMQPLAIN", response: user + password, want: malformed},
		{name: "AMQPLAIN, with PLAIN's response", capabilities: notify, mechanism: "AMQPLAIN", response: good, want: malformed},
		{name: "PLAIN, with AMQPLAIN's response", capabilities: notify, mechanism: "PLAIN", response: t.amqplain(amqp.Table{"LOGIN": user, "PASSWORD": password}), want: malformed},
		{name: "more separators", capabilities: notify, mechanism: "PLAIN", response: good + "\x00", want: append(malformed, refused)},
	}
	// All at once, since RabbitMQ delays the answer.
	for i := range cases {
		c := &cases[i]
		c.p, _ = t.started()
		c.p.send(0, &wire.ConnectionStartOk{
			ClientProperties: amqp.Table{"capabilities": c.capabilities},
			Mechanism:        c.mechanism, Response: c.response, Locale: "en_US",
		})
	}
	for _, c := range cases {
		t.wantOutcome(c.name, c.p.outcomeOf(0, nil), c.want...)
	}
}

func loginRefusedClient(t *T) {
	u, err := amqp.ParseURI(t.URL)
	t.must(err)
	u.Password = "wrong"
	conn, err := amqp.DialConfig(u.String(), clientConfig())
	if err == nil {
		_ = conn.Close()
		t.Fatal("logged in with a wrong password")
	}
	// The client has its own text.
	if !errors.Is(err, amqp.ErrCredentials) {
		t.Errorf("got %v, want %v", err, amqp.ErrCredentials)
	}
}

// The client may choose lower limits than the proposed ones.
func tune(t *T) {
	_, m := t.tuned(nil)
	if m.ChannelMax < 100 {
		t.Errorf("channel_max %d proposed", m.ChannelMax)
	}
	if m.FrameMax != 0 && m.FrameMax < 131072 {
		t.Errorf("frame_max %d proposed, want RabbitMQ's 131072 at least", m.FrameMax)
	}
	if m.Heartbeat == 0 {
		t.Error("no heartbeat proposed")
	}
	// RabbitMQ refuses the specification's minimum since 4.1.
	want := goesOn
	if t.isRabbitMQ(4, 1) {
		want = hangUp
	}
	t.wantOutcome("the specification's minimum", t.asksFor(limits{1, wire.FrameMinSize, 1}).outcomeOf(0, nil), want)
	for name, l := range map[string]limits{
		"as proposed":        {m.ChannelMax, m.FrameMax, m.Heartbeat},
		"the minimum":        {1, minFrameMax, 1},
		"no heartbeat":       {m.ChannelMax, m.FrameMax, 0},
		"a longer heartbeat": {m.ChannelMax, m.FrameMax, m.Heartbeat + 60},
	} {
		t.wantOutcome(name, t.loginWith(l, nil).outcome(), goesOn)
	}
	// No more channels than negotiated.
	p := t.loginWith(limits{2, minFrameMax, 0}, nil)
	call[*wire.ChannelOpenOk](p, 2, &wire.ChannelOpen{})
	p.send(3, &wire.ChannelOpen{})
	t.wantOutcome("a third channel of two", p.outcomeOf(0, nil), "close 530", "close 504")
}

// asksFor returns a peer that answered connection.tune with these limits and sent connection.open.
func (t *T) asksFor(l limits) *peer {
	t.Helper()
	p, _ := t.tuned(nil)
	p.send(0, &wire.ConnectionTuneOk{ChannelMax: l.channelMax, FrameMax: l.frameMax, Heartbeat: l.heartbeat}, p.connectionOpen())
	return p
}

// Limits above the proposed ones are refused, and a frame_max below the minimum.
func tuneRefused(t *T) {
	_, m := t.tuned(nil)
	cases := []struct {
		name string
		limits
		p *peer
	}{
		{"frame_max below 4096", limits{10, 4095, 0}, nil},
		{"frame_max 1", limits{10, 1, 0}, nil},
		{"frame_max above", limits{10, m.FrameMax + 1, 0}, nil},
		{"frame_max far above", limits{10, 1<<32 - 1, 0}, nil},
		{"frame_max without limit", limits{10, 0, 0}, nil},
		{"channel_max above", limits{m.ChannelMax + 1, 8192, 0}, nil},
		{"channel_max without limit", limits{0, 8192, 0}, nil},
	}
	for i := range cases { // all at once, since RabbitMQ delays the answer
		c := &cases[i]
		c.p = t.asksFor(c.limits)
	}
	for _, c := range cases {
		// The specification demands the end of the connection and names no code. RabbitMQ closes the socket.
		t.wantOutcome(c.name, c.p.outcomeOf(0, nil), hangUp, "close 530", "close 501", "close 502")
	}
}

func unknownVirtualHost(t *T) {
	for _, vhost := range []string{"contract-nowhere", ""} {
		p, _ := t.tuned(nil)
		p.tuneOk(modest)
		p.send(0, &wire.ConnectionOpen{VirtualHost: vhost})
		t.wantOutcome(vhost, p.outcomeOf(0, nil), closeWith(530, 10, 40))
	}
	u, err := amqp.ParseURI(t.URL)
	t.must(err)
	u.Vhost = "contract-nowhere"
	_, err = amqp.DialConfig(u.String(), clientConfig())
	t.wantError(err, amqp.NotAllowed, "NOT_ALLOWED - vhost contract-nowhere not found")
}

func handshakeOutOfOrder(t *T) {
	silent := []string{hangUp, "close 503", "close 504", "close 505"} // RabbitMQ closes the socket
	early, _ := t.started()
	early.send(0, early.connectionOpen())
	untuned, _ := t.tuned(nil)
	untuned.send(0, untuned.connectionOpen())
	channel, _ := t.tuned(nil)
	channel.tuneOk(modest)
	channel.send(1, &wire.ChannelOpen{})
	t.wantOutcome("open before start-ok", early.outcomeOf(0, nil), silent...)
	t.wantOutcome("open before tune-ok", untuned.outcomeOf(0, nil), silent...)
	t.wantOutcome("channel.open before open", channel.outcomeOf(0, nil), "close 505", "close 504")
}

// Methods of the handshake are refused on an open connection.
func handshakeTwice(t *T) {
	for _, m := range []wire.Method{
		&wire.ConnectionStartOk{Mechanism: "PLAIN", Response: "\x00guest\x00guest", Locale: "en_US"},
		&wire.ConnectionTuneOk{ChannelMax: 10, FrameMax: 8192},
		&wire.ConnectionOpen{VirtualHost: "/"},
		&wire.ConnectionCloseOk{},
		&wire.ConnectionStart{VersionMinor: 9, Mechanisms: "PLAIN", Locales: "en_US"},
	} {
		p := t.login()
		p.send(0, m)
		class, method := wire.ID(m)
		t.wantOutcome(describe(m), p.outcomeOf(0, nil), closeWith(504, class, method))
	}
}

// The client's connection.close is answered. Frames after it are ignored.
func connectionClose(t *T) {
	p := t.login()
	name := t.name()
	p.send(0, &wire.ConnectionClose{ReplyCode: 200, ReplyText: "bye"})
	p.send(1, &wire.QueueDeclare{Queue: name})
	expect[*wire.ConnectionCloseOk](p, 0)
	t.must(p.conn.Close()) // RabbitMQ waits for the client to close the socket
	t.bystanderIsWell()
	t.wantGone(name)
}

// After the broker's connection.close only the client's answer counts.
func connectionCloseByServer(t *T) {
	p := t.login()
	name := t.name()
	p.send(1, &wire.ChannelOpen{}, &wire.QueueDeclare{Queue: name}, &wire.ChannelOpen{})
	p.publish(1, name, "ignored")
	m := expect[*wire.ConnectionClose](p, 0)
	if m.ReplyCode != 504 || m.ClassID != 20 || m.MethodID != 10 || m.ReplyText != "CHANNEL_ERROR - second 'channel.open' seen" {
		t.Errorf("got %s, want 504 about channel.open", describe(m))
	}
	p.send(1, &wire.QueueDeclare{Queue: name})
	p.send(0, &wire.ConnectionCloseOk{})
	p.ended()
	t.wantGone(name)
	t.bystanderIsWell()
}
