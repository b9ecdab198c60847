package amqprpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// LogObserver returns an [Observer] that writes the events of servers to a log, under these names, with these
// levels and attributes:
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
// Names and attributes are stable. broker is host:port, connection is 1 for the first, attempt counts the tries to
// connect, and in is the time until the next. REQUEST stands for queue, correlation_id, reply_to, app_id (the caller's
// name, as it says itself), redelivered, attempt (the caller's; 0 if it did not say) and bytes (of the body).
//
// An error reply has the code and the text that the caller got. If the handler failed or panicked, the caller got
// INTERNAL; or UNKNOWN, if the handler's code is not of the canonical form.
//
// Most attributes come from the caller: log handlers must escape them, as slog's own do. A body is never logged.
// Callers can cause any number of records: bound a log that is kept. A log that blocks holds up the connection.
func LogObserver(log *slog.Logger) Observer { return logObserver{log} }

type logObserver struct{ *slog.Logger }

// Observe logs an event, if there is a record for it. A client's event has no Queue.
func (l logObserver) Observe(e Event) {
	if e.Queue == "" {
		return
	}
	switch e.Kind {
	case EventConnected:
		c := e.Connection
		l.log(slog.LevelInfo, "consuming", &e, slog.String("broker", c.Address), slog.String("product", c.Product),
			slog.String("version", c.Version), slog.Int("connection", e.Epoch), slog.Int("attempt", e.Attempt))
	case EventDisconnected:
		l.log(slog.LevelWarn, "connection lost", &e, slog.String("broker", e.Connection.Address),
			slog.Int("connection", e.Epoch), slog.String("error", e.Text), slog.Duration("in", e.Delay))
	case EventReconnecting:
		if e.Text != "" { // else "connection lost" was the record
			l.log(slog.LevelWarn, "connect failed", &e, slog.String("error", e.Text), slog.Int("attempt", e.Attempt), slog.Duration("in", e.Delay))
		}
	case EventBlocked:
		l.log(slog.LevelWarn, "blocked", &e, slog.String("reason", e.Text))
	case EventUnblocked:
		l.log(slog.LevelInfo, "unblocked", &e)
	case EventRequest:
		if e.Request.Redelivered {
			l.log(slog.LevelInfo, "redelivered request", &e)
		}
	case EventReplied:
		l.failure(&e)
		if m := e.Message; e.Err == nil && m.Type == TypeError && l.Enabled(context.Background(), slog.LevelInfo) {
			l.log(slog.LevelInfo, "error reply", &e, slog.Any("code", m.Headers[HeaderError]), slog.String("error", string(m.Body[:min(len(m.Body), maxRemoteText)])))
		}
	case EventDropped:
		switch {
		case e.Message != nil:
			l.log(slog.LevelError, "unsendable reply", &e, slog.String("error", e.Text))
		case e.Outcome == Rejected:
			l.log(slog.LevelWarn, "request refused", &e, slog.String("reason", e.Text))
		case e.Outcome == Expired:
			l.log(slog.LevelInfo, "request expired", &e, slog.Time("deadline", e.Request.Deadline))
		default:
			l.failure(&e)
		}
	case EventReturned:
		l.log(slog.LevelWarn, "undeliverable reply", &e, slog.String("correlation_id", e.ID),
			slog.String("reply_to", e.Message.RoutingKey), slog.Int("code", e.Code), slog.String("reason", e.Text))
	case EventNacked:
		l.log(slog.LevelWarn, "nacked reply", &e, slog.Bool("requeued", !e.Request.Redelivered))
	}
}

// failure logs the error that the caller does not get, if there is one.
func (l logObserver) failure(e *Event) {
	if e.Err == nil || !l.Enabled(context.Background(), slog.LevelError) {
		return
	}
	var panicked *PanicError
	var remote *RemoteError
	switch {
	case errors.As(e.Err, &panicked):
		l.log(slog.LevelError, "handler panicked", e, slog.String("panic", fmt.Sprint(panicked.Value)), slog.String("stack", string(panicked.Stack)))
	case errors.As(e.Err, &remote) && remote != nil:
		l.log(slog.LevelError, "handler failed", e, slog.String("error", "its error code is of no canonical form"), slog.String("code", remote.Code))
	default:
		l.log(slog.LevelError, "handler failed", e, slog.Any("error", e.Err))
	}
}

func (l logObserver) log(level slog.Level, name string, e *Event, more ...slog.Attr) {
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
