package amqprpc

import (
	"context"
	"log/slog"
	"time"
)

// The events of a server, as [Server.Logger] is told of them: each is the message of its
// records. The names and attributes are stable. After the name: the level, and the
// attributes. REQUEST stands for those that each event about a request has:
//
//	queue           it came from
//	correlation_id  of the request
//	reply_to        where the reply goes
//	app_id          who asks, as it says itself
//	redelivered     whether a server has had it before
//	attempt         the caller's; 0 where it did not say
//	bytes           of its body
//
// All but queue, redelivered and bytes are the caller's own words: log handlers must
// escape them, as slog's own do. A body is never logged.
const (
	// LogConsuming, Info: connected, and consuming. queue, broker (host:port), product,
	// version, connection (1, 2, ...), attempt (how often it was tried since the last).
	LogConsuming = "consuming"
	// LogConnectionLost, Warn: with all that was not yet acked. queue, broker, connection,
	// error, in (the wait before it is tried for again).
	LogConnectionLost = "connection lost"
	// LogConnectFailed, Warn: there is no connection yet. queue, error, attempt, in.
	LogConnectFailed = "connect failed"

	// LogRedelivered, Info: a server has had the request before, and may have executed
	// it. REQUEST.
	LogRedelivered = "redelivered request"
	// LogRefused, Warn: the request was rejected unanswered, for want of a usable
	// reply_to. REQUEST, reason.
	LogRefused = "request refused"
	// LogExpired, Info: the request was dropped unanswered. REQUEST, deadline.
	LogExpired = "request expired"
	// LogErrorReply, Info: the handler answered with an error of its own choice, as to a bad
	// body. REQUEST, code, error.
	LogErrorReply = "error reply"
	// LogHandlerFailed, Error: the caller got INTERNAL, and not these details; or, where
	// there is a code, UNKNOWN instead of that. REQUEST, error, code.
	LogHandlerFailed = "handler failed"
	// LogHandlerPanicked, Error: the caller got INTERNAL. REQUEST, panic, stack.
	LogHandlerPanicked = "handler panicked"

	// LogUndeliverable, Warn: nobody was left to take the reply; its request is acked all
	// the same. queue, correlation_id, reply_to, code, reason (the broker's).
	LogUndeliverable = "undeliverable reply"
	// LogNacked, Warn: the broker refused the reply. REQUEST, requeued (whether the request
	// is given back, for another try; else it is acked and comes to nothing).
	LogNacked = "nacked reply"
	// LogUnsendable, Error: a hook's reply that AMQP cannot carry was dropped. REQUEST,
	// error.
	LogUnsendable = "unsendable reply"
)

// log logs an event about a request.
func (s *service) log(level slog.Level, event string, req *Request, more ...any) {
	if !s.Logger.Enabled(context.Background(), level) {
		return
	}
	s.Logger.Log(context.Background(), level, event, append([]any{
		"queue", req.Queue, "correlation_id", req.CorrelationID, "reply_to", req.ReplyTo, "app_id", req.AppID,
		"redelivered", req.Redelivered, "attempt", req.Attempt, "bytes", len(req.Body),
	}, more...)...)
}

// logConsuming logs that a session has begun.
func (s *service) logConsuming(info ConnectionInfo, connection, attempt int) {
	s.Logger.Info(LogConsuming, "queue", s.routes[0].queue, "broker", info.Address, "product", info.Product, "version", info.Version,
		"connection", connection, "attempt", attempt)
}

// logLost logs that there is no connection: ss is the session that was lost, or nil where
// a try to connect has failed.
func (s *service) logLost(ss *serverSession, err error, connection, attempt int, in time.Duration) {
	if ss == nil {
		s.Logger.Warn(LogConnectFailed, "queue", s.routes[0].queue, "error", err, "attempt", attempt, "in", in)
		return
	}
	s.Logger.Warn(LogConnectionLost, "queue", s.routes[0].queue, "broker", ss.info.Address, "connection", connection, "error", err, "in", in)
}
