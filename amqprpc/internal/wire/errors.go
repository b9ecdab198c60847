package wire

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Reply codes of AMQP 0-9-1. [NoRoute] is the reason for which a message is returned.
const (
	NoRoute            = 312
	ConnectionForced   = 320
	AccessRefused      = 403
	NotFound           = 404
	ResourceLocked     = 405
	PreconditionFailed = 406
	FrameError         = 501
	SyntaxError        = 502
	CommandInvalid     = 503
	ChannelError       = 504
	UnexpectedFrame    = 505
	NotAllowed         = 530
	NotImplemented     = 540
	InternalError      = 541
)

var codeNames = map[uint16]string{
	NoRoute:            "NO_ROUTE",
	ConnectionForced:   "CONNECTION_FORCED",
	AccessRefused:      "ACCESS_REFUSED",
	NotFound:           "NOT_FOUND",
	ResourceLocked:     "RESOURCE_LOCKED",
	PreconditionFailed: "PRECONDITION_FAILED",
	FrameError:         "FRAME_ERROR",
	SyntaxError:        "SYNTAX_ERROR",
	CommandInvalid:     "COMMAND_INVALID",
	ChannelError:       "CHANNEL_ERROR",
	UnexpectedFrame:    "UNEXPECTED_FRAME",
	NotAllowed:         "NOT_ALLOWED",
	NotImplemented:     "NOT_IMPLEMENTED",
	InternalError:      "INTERNAL_ERROR",
}

// CodeName returns the name of a reply code as RabbitMQ writes it, "NOT_FOUND" for 404, or the number if
// it has none.
func CodeName(code uint16) string {
	if name, ok := codeNames[code]; ok {
		return name
	}
	return strconv.Itoa(int(code))
}

// Hard reports whether a code closes the connection, and not just a channel.
func Hard(code uint16) bool {
	switch code {
	case NoRoute, AccessRefused, NotFound, ResourceLocked, PreconditionFailed:
		return false
	}
	return true
}

// An Error is an AMQP exception, as the methods close carry it.
type Error struct {
	Code          uint16
	Text          string // begins with the name of the code, as in RabbitMQ: "NOT_FOUND - no queue 'a'"
	Class, Method uint16 // the method that caused it, or 0
}

// Errorf returns an error whose text is the code's name and the formatted text, cut to the 255 bytes
// of a reply text.
func Errorf(code uint16, format string, args ...any) *Error {
	const max, ellipsis = 255, "..."
	text := CodeName(code) + " - " + fmt.Sprintf(format, args...)
	if len(text) > max {
		n := max - len(ellipsis)
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		text = text[:n] + ellipsis
	}
	return &Error{Code: code, Text: text}
}

// Error returns the code and the text. The text may quote the other side.
func (e *Error) Error() string {
	return strconv.Itoa(int(e.Code)) + " " + e.Text
}

func (e *Error) about(class, method uint16) *Error {
	e.Class, e.Method = class, method
	return e
}

// A ProtocolError is returned for a connection that does not begin with the header of AMQP 0-9-1.
type ProtocolError struct {
	Got []byte // the first 8 bytes
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("not AMQP 0-9-1: the connection began with %q", e.Got)
}
