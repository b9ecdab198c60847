package report

import (
	"rpcscope/amqprpc"
	"rpcscope/tui/text"
)

// hint returns advice if no call completed, or if calls are denied.
func (s *Summary) hint() string {
	c, f, conn := s.Snapshot.Calls, s.Snapshot.Failures, s.Snapshot.Connection
	if conn.Denied {
		return "the broker refuses calls: " + text.Escape(conn.Lost, 300)
	}
	if c.Completed > 0 || conn.Blocked || !conn.Connected && conn.Reason != "" { // see trouble
		return ""
	}
	queue := text.Escape(s.Config.Queue, 40)
	if queue == "" {
		queue = "the request queue"
	} else {
		queue = "'" + queue + "'"
	}
	if c.Failed == 0 {
		if c.Sent > 0 {
			return "the run was over before a call had ended"
		}
		return ""
	}
	worst := amqprpc.Timeout
	for _, o := range amqprpc.Failures() {
		if f.Of(o) > f.Of(worst) {
			worst = o
		}
	}
	switch worst {
	case amqprpc.Unroutable:
		if s.Config.Body != nil {
			return "no queue " + queue + ": is your server running?"
		}
		return "no queue " + queue + ": is a server running? Start one with: " + ServerCommand(s.Config.Queue)
	case amqprpc.Timeout, amqprpc.Expired:
		if s.Snapshot.Traffic.Published == 0 {
			return "no call could be sent before its deadline"
		}
		if late := s.Snapshot.Replies.Late; late > 0 {
			return text.Plural(late, "reply", "replies") + " came too late: give calls more time, send fewer at once, or start more servers"
		}
		if s.Config.Body != nil {
			return "is your server consuming from " + queue + "?"
		}
		return "is a server consuming from " + queue + "? Start one with: " + ServerCommand(s.Config.Queue)
	case amqprpc.Remote:
		return "servers answer with errors: are they meant for these requests?"
	case amqprpc.Rejected:
		return "the broker refuses requests: is " + queue + " full, or without a leader?"
	case amqprpc.ConnectionLost:
		if conn.Lost != "" {
			return "the connection was lost: " + text.Escape(conn.Lost, 200)
		}
		return "the connection was lost: is the broker still there?"
	}
	return ""
}
