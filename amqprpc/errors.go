package amqprpc

import (
	"context"
	"errors"
	"fmt"
)

// Sentinels that the errors of calls wrap. Use errors.Is.
var (
	ErrTimeout        = errors.New("deadline exceeded") // also errors.Is context.DeadlineExceeded
	ErrCanceled       = errors.New("canceled")          // by the caller's context; also errors.Is context.Canceled
	ErrUnroutable     = errors.New("no queue took the request")
	ErrRejected       = errors.New("the broker rejected the request")
	ErrExpired        = errors.New("the request expired in its queue")
	ErrConnectionLost = errors.New("connection lost") // a server may have executed the request
	ErrClosed         = errors.New("closed")          // the client or server

	// ErrNotExecuted holds, besides one of the others, if no server can have executed the request: it never left
	// this client, or the broker returned it. Such a call is always safe to repeat.
	ErrNotExecuted = errors.New("not executed")

	// ErrTooManyInFlight: [Config.MaxInFlight] calls are in flight and [Config.FailWhenFull] is set. It implies
	// ErrNotExecuted. No call began, and there is no event.
	ErrTooManyInFlight = errors.New("too many calls in flight")
	// ErrInvalidRequest: the request cannot be sent: AMQP cannot express it, its body is above MaxMessage, it names
	// no queue, or its timeout is negative. It implies ErrNotExecuted. No call began, and there is no event. Only
	// if the headers are more than this broker takes in a frame, which is known when they are to be sent, a call
	// did begin: its [*CallError] is ErrRejected and this.
	ErrInvalidRequest = errors.New("invalid request")
)

var outcomeErrors = map[Outcome]error{
	Timeout: ErrTimeout, Canceled: ErrCanceled, Unroutable: ErrUnroutable, Rejected: ErrRejected,
	Expired: ErrExpired, ConnectionLost: ErrConnectionLost, Closed: ErrClosed,
}

// A CallError is the error of a call that began and failed.
type CallError struct {
	ID          string  // the call's correlation ID
	To          string  // the request's destination, as in: queue "orders"
	Outcome     Outcome // how it ended, never Completed
	Attempts    int     // how often the request was handed to a connection; 0 means it never left
	NotExecuted bool    // no server can have executed the request
	Err         error   // the *RemoteError for Remote, the broker's or the context's error for others; may be nil
}

// Error returns one line: the call, its destination and the reason.
func (e *CallError) Error() string {
	return fmt.Sprintf("call %s to %s: %s", e.ID, e.To, e.Reason())
}

// Reason returns the error without the call and its destination: calls that fail alike have the same one.
func (e *CallError) Reason() string {
	reason := e.Outcome.String()
	if sentinel := outcomeErrors[e.Outcome]; sentinel != nil {
		reason = sentinel.Error()
	}
	switch {
	case e.Err == nil:
		return reason
	case e.Outcome == Remote:
		return e.Err.Error()
	}
	return reason + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *CallError) Unwrap() error { return e.Err }

// Is makes errors.Is hold for the sentinel of the outcome, for ErrNotExecuted, and for the context's errors.
func (e *CallError) Is(target error) bool {
	switch target {
	case ErrNotExecuted:
		return e.NotExecuted
	case context.DeadlineExceeded:
		return e.Outcome == Timeout
	case context.Canceled:
		return e.Outcome == Canceled
	}
	return target != nil && target == outcomeErrors[e.Outcome]
}

// Timeout reports whether the deadline passed, as net.Error has it.
func (e *CallError) Timeout() bool { return e.Outcome == Timeout }

// The canonical codes of error replies, as gRPC and Google APIs use them (google.rpc.Code).
const (
	CodeCanceled           = "CANCELLED"
	CodeUnknown            = "UNKNOWN"
	CodeInvalidArgument    = "INVALID_ARGUMENT"
	CodeDeadlineExceeded   = "DEADLINE_EXCEEDED"
	CodeNotFound           = "NOT_FOUND"
	CodeAlreadyExists      = "ALREADY_EXISTS"
	CodePermissionDenied   = "PERMISSION_DENIED"
	CodeResourceExhausted  = "RESOURCE_EXHAUSTED"
	CodeFailedPrecondition = "FAILED_PRECONDITION"
	CodeAborted            = "ABORTED"
	CodeOutOfRange         = "OUT_OF_RANGE"
	CodeUnimplemented      = "UNIMPLEMENTED"
	CodeInternal           = "INTERNAL"
	CodeUnavailable        = "UNAVAILABLE"
	CodeDataLoss           = "DATA_LOSS"
	CodeUnauthenticated    = "UNAUTHENTICATED"
)

// A RemoteError is an error that a server answered with. On the wire it is the property type "error", the header
// x-rpc-error = Code, and the body = Message as text/plain. A [Handler] returns one to choose the code and the text
// that its caller gets.
//
// A client keeps at most 1,024 bytes of Message and reads a code that is not of the canonical form (upper case
// letters and underscores, at most 64) as UNKNOWN.
type RemoteError struct {
	Code    string
	Message string
}

// Error returns "CODE: message".
func (e *RemoteError) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}

// Errorf makes a [RemoteError] for a handler to return.
func Errorf(code, format string, args ...any) error {
	return &RemoteError{Code: code, Message: fmt.Sprintf(format, args...)}
}

func validCode(code string) bool {
	if code == "" || len(code) > 64 {
		return false
	}
	for _, c := range []byte(code) {
		if c != '_' && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// notExecuted is the error of a call that did not begin, or of a message that no queue has.
type notExecuted struct{ error }

func (e notExecuted) Unwrap() error        { return e.error }
func (e notExecuted) Is(target error) bool { return target == ErrNotExecuted }
