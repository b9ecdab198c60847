// Package wire is AMQP 0-9-1 as octets: frames, methods, field tables and the properties of
// messages, in both directions. The in-process broker lives on it, and so do clients and
// servers for what they do for every message; the rest they leave to amqp091-go.
//
// What it parses is hostile until it has been parsed. No length is believed before it was
// compared with what is there, nesting is bounded, nothing is allocated that the input does
// not pay for, and what is wrong is an [*Error] with the code that the specification has
// for it. Nothing that is parsed makes it panic.
//
// Functions named Append append to a slice that the caller owns, as those of strconv do, so
// that many frames become one write. Those named Parse copy what they return, unless they
// say that it aliases their argument.
//
// Nothing here knows what a method means: neither which may come when, nor who may send it.
package wire
