package amqprpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// LogObserver returns an [Observer] that writes events to a log. It may observe any number of
// servers and clients. Their callers and brokers can cause any number of records, so a log that is kept needs
// a bound, and one that blocks holds up the connection.
//
// The records of a server, with their levels and attributes, are
//
//	consuming            INFO   queue broker product version connection attempt
//	connection lost      WARN   queue broker connection error in
//	connect failed       WARN   queue error attempt in
//	blocked              WARN   queue reason
//	unblocked            INFO   queue
//	redelivered request  INFO   REQUEST
//	request refused      WARN   REQUEST reason
//	request expired      INFO   REQUEST deadline
//	error reply          INFO   REQUEST code error
//	handler failed       ERROR  REQUEST error [code]
//	handler panicked     ERROR  REQUEST panic stack
//	undeliverable reply  WARN   queue correlation_id reply_to code reason
//	nacked reply         WARN   REQUEST requeued
//	unsendable reply     ERROR  REQUEST error
//
// These names and attributes are stable. broker is host:port, connection is 1 for the first, attempt
// counts the tries to connect, and in is the time until the next. REQUEST stands for
//
//	queue           that the request came from
//	correlation_id
//	reply_to        where the reply goes
//	app_id          the caller's name, as it says itself
//	redelivered     whether a server has had the request before
//	attempt         the caller's; 0 if it did not say
//	bytes           of the body
//
// Most of these are the caller's words: log handlers must escape them, as slog's own do. A body is
// never logged.
//
// An error reply has the code and the text that the caller got. If the handler failed or panicked, the
// caller got INTERNAL; or UNKNOWN, if the handler's code is not of the canonical form.
//
// The records of a client have the names of the events' kinds, and as attributes what is
// set: correlation_id, attempt, connection (Epoch), class, outcome, code, reason (Text), in (Delay); of
// "connected" also queue, broker, product and version. The levels are WARN for disconnected, reconnecting after a
// failed try, blocked and failed; INFO for connected, unblocked, retry and
// replies other than answers; DEBUG for all others.
func LogObserver(log *slog.Logger) Observer { return logObserver{log} }

type logObserver struct{ *slog.Logger }

// Observe logs an event, if there is a record for it.
func (l logObserver) Observe(e Event) {
	if e.Queue == "" {
		l.client(&e)
		return
	}
	switch e.Kind {
	case EventConnected:
		c := e.Connection
		l.server(slog.LevelInfo, "consuming", &e, slog.String("broker", c.Address), slog.String("product", c.Product),
			slog.String("version", c.Version), slog.Int("connection", e.Epoch), slog.Int("attempt", e.Attempt))
	case EventDisconnected:
		l.server(slog.LevelWarn, "connection lost", &e, slog.String("broker", e.Connection.Address),
			slog.Int("connection", e.Epoch), slog.String("error", e.Text), slog.Duration("in", e.Delay))
	case EventReconnecting:
		if e.Text != "" { // else it is the connection just lost
			l.server(slog.LevelWarn, "connect failed", &e, slog.String("error", e.Text), slog.Int("attempt", e.Attempt), slog.Duration("in", e.Delay))
		}
	case EventBlocked:
		l.server(slog.LevelWarn, "blocked", &e, slog.String("reason", e.Text))
	case EventUnblocked:
		l.server(slog.LevelInfo, "unblocked", &e)
	case EventRequest:
		if e.Request.Redelivered {
			l.server(slog.LevelInfo, "redelivered request", &e)
		}
	case EventReplied:
		l.failure(&e)
		if m := e.Message; e.Err == nil && m.Type == TypeError && l.Enabled(context.Background(), slog.LevelInfo) {
			l.server(slog.LevelInfo, "error reply", &e, slog.Any("code", m.Headers[HeaderError]), slog.String("error", string(m.Body[:min(len(m.Body), maxRemoteText)])))
		}
	case EventDropped:
		switch {
		case e.Message != nil:
			l.server(slog.LevelError, "unsendable reply", &e, slog.String("error", e.Text))
		case e.Outcome == Rejected:
			l.server(slog.LevelWarn, "request refused", &e, slog.String("reason", e.Text))
		case e.Outcome == Expired:
			l.server(slog.LevelInfo, "request expired", &e, slog.Time("deadline", e.Request.Deadline))
		default:
			l.failure(&e)
		}
	case EventReturned:
		l.server(slog.LevelWarn, "undeliverable reply", &e, slog.String("correlation_id", e.ID),
			slog.String("reply_to", e.Message.RoutingKey), slog.Int("code", e.Code), slog.String("reason", e.Text))
	case EventNacked:
		l.server(slog.LevelWarn, "nacked reply", &e, slog.Bool("requeued", !e.Request.Redelivered))
	}
}

// failure logs the error that a caller is not told of, if there is one.
func (l logObserver) failure(e *Event) {
	if e.Err == nil || !l.Enabled(context.Background(), slog.LevelError) {
		return
	}
	var panicked *PanicError
	var odd *RemoteError
	switch {
	case errors.As(e.Err, &panicked):
		l.server(slog.LevelError, "handler panicked", e, slog.String("panic", fmt.Sprint(panicked.Value)), slog.String("stack", string(panicked.Stack)))
	case errors.As(e.Err, &odd) && odd != nil:
		l.server(slog.LevelError, "handler failed", e, slog.String("error", "its error code is of no canonical form"), slog.String("code", odd.Code))
	default:
		l.server(slog.LevelError, "handler failed", e, slog.Any("error", e.Err))
	}
}

// server logs a record of a server.
func (l logObserver) server(level slog.Level, name string, e *Event, more ...slog.Attr) {
	if !l.Enabled(context.Background(), level) {
		return
	}
	attrs := []slog.Attr{slog.String("queue", e.Queue)}
	if req := e.Request; req != nil {
		attrs = append(attrs, slog.String("correlation_id", e.ID), slog.String("reply_to", req.ReplyTo), slog.String("app_id", req.AppID),
			slog.Bool("redelivered", req.Redelivered), slog.Int("attempt", e.Attempt), slog.Int("bytes", len(req.Body)))
	}
	l.LogAttrs(context.Background(), level, name, append(attrs, more...)...)
}

// client logs a record of a client.
func (l logObserver) client(e *Event) {
	level := slog.LevelDebug
	switch e.Kind {
	case EventDisconnected, EventBlocked, EventFailed:
		level = slog.LevelWarn
	case EventReconnecting:
		if e.Text != "" {
			level = slog.LevelWarn
		}
	case EventConnected, EventUnblocked, EventRetry:
		level = slog.LevelInfo
	case EventReply:
		if e.Class != Answer {
			level = slog.LevelInfo
		}
	}
	if !l.Enabled(context.Background(), level) {
		return
	}
	var attrs []slog.Attr
	add := func(set bool, a slog.Attr) {
		if set {
			attrs = append(attrs, a)
		}
	}
	add(e.ID != "", slog.String("correlation_id", e.ID))
	add(e.Attempt != 0, slog.Int("attempt", e.Attempt))
	add(e.Epoch != 0, slog.Int("connection", e.Epoch))
	add(e.Class != NoClass, slog.String("class", e.Class.String()))
	add(e.Outcome != InFlight, slog.String("outcome", e.Outcome.String()))
	add(e.Code != 0, slog.Int("code", e.Code))
	add(e.Text != "", slog.String("reason", e.Text))
	add(e.Delay != 0, slog.Duration("in", e.Delay))
	if c := e.Connection; c != nil {
		attrs = append(attrs, slog.String("queue", c.Queue), slog.String("broker", c.Address), slog.String("product", c.Product), slog.String("version", c.Version))
	}
	l.LogAttrs(context.Background(), level, e.Kind.String(), attrs...)
}
