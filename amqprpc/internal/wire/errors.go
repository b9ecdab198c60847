package wire

import (
	"errors"
	"fmt"
	"strconv"
)

// Reply codes of AMQP 0-9-1. Codes below [ConnectionForced] are not errors of a channel
// or connection but reasons why a message comes back.
const (
	ContentTooLarge    = 311
	NoRoute            = 312
	NoConsumers        = 313
	ConnectionForced   = 320
	InvalidPath        = 402
	AccessRefused      = 403
	NotFound           = 404
	ResourceLocked     = 405
	PreconditionFailed = 406
	FrameError         = 501
	SyntaxError        = 502
	CommandInvalid     = 503
	ChannelError       = 504
	UnexpectedFrame    = 505
	ResourceError      = 506
	NotAllowed         = 530
	NotImplemented     = 540
	InternalError      = 541
)

// An Error is an AMQP exception: what close methods carry.
type Error struct {
	Code uint16
	Text string // begins with the name of the code, as RabbitMQ's do: "NOT_FOUND - no queue 'a'"

	// Class and Method are the IDs of the method that it is about, 0 where it is about none.
	Class, Method uint16
}

// Errorf makes an error whose text is the code's name and what the format says.
func Errorf(code uint16, format string, args ...any) *Error {
	return &Error{Code: code, Text: CodeName(code) + " - " + fmt.Sprintf(format, args...)}
}

// Error returns the code and the text. The text may quote what the other side sent.
func (e *Error) Error() string {
	return strconv.Itoa(int(e.Code)) + " " + e.Text
}

// about returns err with the method that it is about, if it is an AMQP exception.
func about(err error, class, method uint16) error {
	var e *Error
	if errors.As(err, &e) {
		e.Class, e.Method = class, method
	}
	return err
}

// A ProtocolError is returned for a connection that begins with anything but AMQP 0-9-1.
type ProtocolError struct {
	Got []byte // up to 8 octets
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("not AMQP 0-9-1: the connection began with %q", e.Got)
}

// Hard reports whether a code closes the whole connection and not a channel alone. That
// holds for codes that the specification does not have, too.
func Hard(code uint16) bool {
	switch code {
	case ContentTooLarge, NoRoute, NoConsumers, AccessRefused, NotFound, ResourceLocked, PreconditionFailed:
		return false
	}
	return true
}

// CodeName returns the name of a reply code as RabbitMQ writes it, "NOT_FOUND" for 404,
// and the number for a code without a name.
func CodeName(code uint16) string {
	switch code {
	case ContentTooLarge:
		return "CONTENT_TOO_LARGE"
	case NoRoute:
		return "NO_ROUTE"
	case NoConsumers:
		return "NO_CONSUMERS"
	case ConnectionForced:
		return "CONNECTION_FORCED"
	case InvalidPath:
		return "INVALID_PATH"
	case AccessRefused:
		return "ACCESS_REFUSED"
	case NotFound:
		return "NOT_FOUND"
	case ResourceLocked:
		return "RESOURCE_LOCKED"
	case PreconditionFailed:
		return "PRECONDITION_FAILED"
	case FrameError:
		return "FRAME_ERROR"
	case SyntaxError:
		return "SYNTAX_ERROR"
	case CommandInvalid:
		return "COMMAND_INVALID"
	case ChannelError:
		return "CHANNEL_ERROR"
	case UnexpectedFrame:
		return "UNEXPECTED_FRAME"
	case ResourceError:
		return "RESOURCE_ERROR"
	case NotAllowed:
		return "NOT_ALLOWED"
	case NotImplemented:
		return "NOT_IMPLEMENTED"
	case InternalError:
		return "INTERNAL_ERROR"
	}
	return strconv.Itoa(int(code))
}
