// Package link is one connection to a broker, with one channel for messages.
//
// amqp091-go sets the connection up, declares, consumes, sends heartbeats and closes. The frames of
// messages go past it: the reader takes deliveries, confirms and returned messages out of the stream,
// and the writer sends publishes and acks together with the frames of amqp091-go. There are three
// reasons. Speed: in amqp091-go each delivery passes through three goroutines and some twenty
// allocations, and each publish is a system call. Memory: its buffer before a consumer has no bound.
// Robustness: it closes the connection on headers that it cannot decode, and waits 5 s for each
// return, alarm or cancel that nobody takes.
//
// # Assumptions about amqp091-go
//
// The package depends on these properties of amqp091-go v1.16. Each has a test of its own name in
// assumptions_test.go, so that an upgrade that breaks one fails by name.
//
//   - The first channel that is opened on a connection has number 1 (TestFirstChannelIsNumberOne).
//   - Config.FrameSize of an open connection is the negotiated size (TestFrameSizeIsTheNegotiatedOne).
//   - amqp091-go writes whole frames after the handshake, since all are smaller than its buffer of 4,096
//     bytes (TestWritesAreWholeFrames).
//   - The connection is closed if amqp091-go reads nothing for one and a half heartbeats; one frame of
//     any kind keeps it open (TestReadDeadlineIsOneAndAHalfHeartbeats). A heartbeat is at least a second.
//   - To open a channel on a closed socket ends a reader that waits for somebody to take an answer
//     (TestOpeningAChannelEndsTheReader).
//   - Close waits until the broker answers, or the socket is closed and a channel was opened on it
//     (TestCloseWaitsForTheAnswer).
//   - The channel of NotifyClose gets the reason, and is closed, however the connection ends
//     (TestNotifyCloseEnds). The reader may still be at work then.
//   - If a channel is closed before its connection, its NotifyClose has the reason first
//     (TestChannelCloseIsToldOfFirst).
//
// # Goroutines and locks
//
// A Link has one goroutine of its own, which sends what a caller could not send at once, and those of
// amqp091-go. The [Handler] is called by the goroutine that reads: it must not wait for anything
// that arrives on the same connection. The lock of the writer is held for encoding only, never during
// a system call, and no other lock is taken under it.
package link
