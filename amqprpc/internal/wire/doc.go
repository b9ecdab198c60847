// Package wire is AMQP 0-9-1 as bytes: frames, methods, field tables and the properties of messages, in
// both directions. The in-process broker uses it for everything, clients and servers for messages; the
// rest they leave to amqp091-go.
//
// Its input is hostile: lengths are checked against the input, nesting is bounded, memory is allocated
// only for bytes that came, and nothing makes a parser panic. An error is an [*Error] with the code of the
// specification.
//
// Functions named Append append to a slice of the caller, as those of strconv do, so that many frames
// become one write. Functions named Parse copy, unless they say that they alias their argument.
//
// This package does not know which methods may be sent when, and by whom.
package wire
