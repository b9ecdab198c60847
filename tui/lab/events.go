package lab

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/tui/text"
)

// A connectionState has the reason of the last loss, for notes and errors.
type connectionState struct {
	lost       time.Time    // when it was lost; used by observe only
	dropped    atomic.Bool  // DropConnection has closed it
	lossReason atomic.Value // string: why it was lost last
}

// explainLoss returns e with a readable reason if it is about a lost connection. The error of a
// connection that DropConnection has closed says only that the socket is closed.
func (l *Lab) explainLoss(e amqprpc.Event) amqprpc.Event {
	switch {
	case e.Kind == amqprpc.EventConnected:
		l.conn.dropped.Store(false)
	case e.Kind == amqprpc.EventDisconnected:
		e.Text = l.lossReason(e.Text)
		l.conn.lossReason.Store(e.Text)
	case e.Kind == amqprpc.EventFailed && e.Outcome == amqprpc.ConnectionLost:
		if prefix, reason, ok := strings.Cut(e.Text, ": "); ok {
			e.Text = prefix + ": " + l.lossReason(reason)
		}
	}
	return e
}

func (l *Lab) lossReason(reason string) string {
	if l.conn.dropped.Load() {
		return "dropped by hand"
	}
	return shortReason(reason)
}

// observe is called with every event, with the client's lock held.
func (l *Lab) observe(e amqprpc.Event) {
	switch e.Kind {
	case amqprpc.EventReply:
		if e.Class != amqprpc.Answer && e.Message.AppID == InjectorName {
			l.noteInjectedReply(e)
		}
	case amqprpc.EventConnected:
		to := ""
		if e.Connection != nil {
			to = " to " + e.Connection.Address
		}
		if l.conn.lost.IsZero() {
			l.notes.add(Success, "connected"+to, "")
		} else {
			l.notes.add(Success, fmt.Sprintf("connected%s again after %s", to, text.Duration(e.Time.Sub(l.conn.lost))), "")
		}
		l.queue.reset()
	case amqprpc.EventDisconnected:
		l.conn.lost = e.Time
		l.notes.add(Failure, "connection lost: "+e.Text, "")
		l.queue.reset()
	case amqprpc.EventBlocked:
		l.notes.add(Failure, "the broker blocks publishers, by an alarm: "+e.Text, "")
	case amqprpc.EventUnblocked:
		l.notes.add(Success, "the broker's alarm is over", "")
	}
}

// exception matches an amqp091-go error of a connection.
var exception = regexp.MustCompile(`Exception \(\d+\) Reason: ("(?:[^"\\]|\\.)*")$`)

// shortReason returns the reason in the message of a connection's error, without amqp091-go's prefix
// and without the addresses of a net.OpError.
func shortReason(message string) string {
	found := exception.FindStringSubmatch(message)
	if found == nil {
		return message
	}
	reason, err := strconv.Unquote(found[1])
	if err != nil || reason == "" {
		return message
	}
	if strings.HasPrefix(reason, "read ") || strings.HasPrefix(reason, "write ") {
		reason = reason[strings.LastIndex(reason, ": ")+1:]
	}
	return strings.TrimSpace(reason)
}
