package ledger

import (
	"testing"
	"time"

	"rpcscope/amqprpc"
)

func TestConnection(t *testing.T) {
	l := New(Config{Connection: 3})
	info := amqprpc.ConnectionInfo{Address: "localhost:5672", Product: "RabbitMQ", Version: "4.2.1", Queue: "amq.gen-1"}
	step := func(e amqprpc.Event) Connection {
		l.Observe(e)
		return l.Snapshot(Query{Connection: 10}).Connection
	}
	c := step(amqprpc.Event{Kind: amqprpc.EventConnected, Time: at(0), Epoch: 1, Connection: &info})
	if !c.Connected || c.Info != info || c.Epochs != 1 || !c.Since.Equal(epoch) {
		t.Errorf("%+v", c)
	}
	c = step(amqprpc.Event{Kind: amqprpc.EventBlocked, Time: at(msec), Text: "low on memory"})
	if !c.Blocked || c.BlockedReason != "low on memory" || !c.BlockedSince.Equal(at(msec)) {
		t.Errorf("%+v", c)
	}
	c = step(amqprpc.Event{Kind: amqprpc.EventDisconnected, Time: at(2 * msec), Epoch: 1, Text: "320"})
	if c.Connected || c.Blocked || c.Reason != "320" || !c.Since.Equal(at(2*msec)) {
		t.Errorf("%+v", c)
	}
	c = step(amqprpc.Event{Kind: amqprpc.EventReconnecting, Time: at(3 * msec), Delay: time.Second, Text: "refused"})
	if c.Tries != 1 || c.Reason != "refused" || !c.NextTry.Equal(at(1003*msec)) || !c.Since.Equal(at(2*msec)) {
		t.Errorf("%+v", c)
	}
	c = step(amqprpc.Event{Kind: amqprpc.EventConnected, Time: at(time.Second), Epoch: 2, Connection: &info})
	if !c.Connected || c.Epochs != 2 || c.Epoch != 2 || c.Reason != "" || !c.NextTry.IsZero() {
		t.Errorf("%+v", c)
	}
	if c.Lost != "320" || c.Denied {
		t.Errorf("%+v", c)
	}
	if len(c.Events) != 3 || c.Events[0].Kind != amqprpc.EventDisconnected || c.Events[2].Connection.Queue != "amq.gen-1" {
		t.Errorf("%+v", c.Events)
	}
}

// A missing permission is reported until the broker accepts a request or the connection is lost for
// another reason.
func TestDenied(t *testing.T) {
	const why = "user lacks the write permission"
	lost := amqprpc.Event{Kind: amqprpc.EventDisconnected, Code: 403, Text: why}
	sent := amqprpc.Event{Kind: amqprpc.EventSent, ID: "a"}
	for _, c := range []struct {
		name   string
		then   []amqprpc.Event
		lost   string
		denied bool
	}{
		{"at once", nil, why, true},
		{"connected", []amqprpc.Event{{Kind: amqprpc.EventConnected}, sent, {Kind: amqprpc.EventPublished, ID: "a", Attempt: 1}}, why, true},
		{"a stranger's reply", []amqprpc.Event{{Kind: amqprpc.EventReply, ID: "b", Class: amqprpc.Unknown}}, why, true},
		{"a reset", []amqprpc.Event{{Kind: EventReset}}, why, true},
		{"a try in vain", []amqprpc.Event{{Kind: amqprpc.EventReconnecting, Text: "refused"}}, why, true},
		{"taken", []amqprpc.Event{{Kind: amqprpc.EventConfirmed, ID: "forgotten", Attempt: 1}}, why, false},
		{"answered", []amqprpc.Event{sent, {Kind: amqprpc.EventReply, ID: "a", Class: amqprpc.Answer, Outcome: amqprpc.Completed}}, why, false},
		{"lost again", []amqprpc.Event{{Kind: amqprpc.EventDisconnected, Code: 320, Text: "shutdown"}}, "shutdown", false},
	} {
		l := New(Config{})
		for _, e := range append([]amqprpc.Event{lost}, c.then...) {
			l.Observe(e)
		}
		if got := l.Snapshot(Query{}).Connection; got.Lost != c.lost || got.Denied != c.denied {
			t.Errorf("%s: %q, denied %t; want %q, %t", c.name, got.Lost, got.Denied, c.lost, c.denied)
		}
	}
}
