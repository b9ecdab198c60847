// Package link is one connection to a broker, with one channel for messages.
//
// amqp091-go sets the connection up, declares, consumes, sends heartbeats and closes. The frames of
// messages bypass it: the reader takes deliveries, confirms and returned messages out of the stream, and
// the writer sends publishes and acks together with the frames of amqp091-go. Otherwise each delivery would
// take three goroutines and some twenty allocations, and each publish a system call; deliveries would be
// buffered without a bound; headers that amqp091-go cannot decode would close the connection; and each
// return, alarm or cancel that nobody receives would block it for 5 s.
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
//   - amqp091-go closes the connection if it reads nothing for one and a half heartbeats; one frame of any
//     kind keeps it open (TestReadDeadlineIsOneAndAHalfHeartbeats). A heartbeat is at least a second.
//   - Opening a channel on a closed socket ends a reader that blocks on an answer that nobody receives
//     (TestOpeningAChannelEndsTheReader).
//   - Close waits until the broker answers, or until the socket is closed and a channel is opened on it
//     (TestCloseWaitsForTheAnswer).
//   - The channel of NotifyClose gets the reason, and is closed, however the connection ends
//     (TestNotifyCloseEnds). The reader may still run then.
//   - If a channel is closed before its connection, its NotifyClose gets the reason first
//     (TestChannelCloseIsReportedFirst).
//
// # Goroutines and locks
//
// A Link has one goroutine of its own, which sends the frames that a caller could not send at once, one that
// reports a failed write, and those of amqp091-go. The goroutine that reads calls the [Handler], which must
// not wait for anything that arrives on the same connection. The lock of the writer is held for encoding
// only, never during a system call, and no other lock is taken under it.
package link
