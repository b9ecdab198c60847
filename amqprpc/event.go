package amqprpc

import (
	"fmt"
	"time"
)

// An EventKind says what an [Event] is about.
type EventKind uint8

// The kinds of events. The first group tells the story of one call, in this
// order; the second is about the connection; the third tells the story of one
// request at a server.
const (
	NoEvent EventKind = iota

	// EventSent: a call began. From here on it is in flight. Sets ID, Intended
	// and Deadline.
	EventSent
	// EventPublished: the request was handed to the connection. Sets ID, Attempt,
	// Epoch and Message. (Where its headers turn out to be more than the broker takes in a
	// frame, it does not go out: EventFailed follows.)
	EventPublished
	// EventReturned: the broker returned the request: no queue took it. Sets ID,
	// Attempt, Code and Text. At a server: the broker returned a reply. Sets ID, Code, Text
	// and Message, the reply.
	EventReturned
	// EventConfirmed: the broker took responsibility for the request (or, after
	// EventReturned, has dealt with it). Sets ID and Attempt. It can come after
	// the answer.
	EventConfirmed
	// EventNacked: the broker refused responsibility for the request. Sets ID and
	// Attempt. At a server: the broker refused a reply. Sets what EventRequest sets. The
	// request is requeued, or acked if it was redelivered.
	EventNacked
	// EventRetry: the attempt came to nothing and the request will be sent again
	// under the same correlation ID. Sets ID, Attempt (of the one that failed),
	// Outcome (what the call would have ended in), Text and Delay.
	EventRetry
	// EventReply: a message arrived on the callback queue. Sets ID, Class and
	// Message. For an answer, Outcome is what the call ended in, Completed or
	// Remote, Attempt the last one, and Since the time from its publish: this one event
	// both counts the reply and ends the call. For a duplicate or late reply, Outcome
	// is what the call had ended in before, Since how long ago that was (for Timeout,
	// counted from the call's deadline, not from when the client noticed), and
	// AnsweredBy which server had answered.
	EventReply
	// EventFailed: the call ended without an answer. (One that ended with an error reply
	// is told of by EventReply.) Sets ID, Attempt, Epoch, Outcome and Text.
	EventFailed

	// EventConnected: an epoch (the time from one connect to the loss of that
	// connection) began: connections are open, a new callback queue
	// is consumed. Sets Epoch and Connection. A server consumes all its queues now, and
	// sets Attempt, the number of tries that this took.
	EventConnected
	// EventDisconnected: the epoch ended, and with it any blocking. Not told of by
	// [Client.Close]. Sets Epoch, Text and, where the broker gave one, Code: 403 says that
	// for want of a permission it will be no better on the next connection. A server sets
	// Connection and Delay too, and has no event for [Server.Shutdown].
	EventDisconnected
	// EventReconnecting: a try to connect failed or is about to be made. Sets
	// Delay, the time until the next one, and Text, why the last one failed. A server sets
	// Attempt too, the number of tries so far.
	EventReconnecting
	// EventBlocked: the broker has blocked publishers (a memory or disk alarm).
	// Sets Text, the broker's reason. Requests wait in the client until
	// EventUnblocked, and so do a server's replies, or its try to connect.
	EventBlocked
	// EventUnblocked: the alarm is over.
	EventUnblocked

	// EventRequest: a server has a request and a slot to handle it. Either EventReplied or
	// EventDropped follows. Sets ID, Attempt and Request.
	EventRequest
	// EventReplied: the request was handled, and its reply is sent next. Sets what
	// EventRequest sets, and Message, the reply before [ServerHooks.Replies]; and Err, the
	// handler's error or panic, if the caller is not told of it but gets INTERNAL or UNKNOWN.
	EventReplied
	// EventDropped: the request ended without a reply. Sets what EventRequest sets, and
	// Outcome: Rejected (there is no usable reply_to; Text says why), Expired (its deadline had passed),
	// or ConnectionLost (its connection was lost before the handler returned; the broker delivers it
	// again; Err is as in EventReplied). If it sets Message instead, that is a reply
	// that AMQP cannot carry: it was not sent. Text says why.
	EventDropped

	eventKinds = iota
)

var eventKindNames = [eventKinds]string{
	"", "sent", "published", "returned", "confirmed", "nacked", "retry", "reply", "failed",
	"connected", "disconnected", "reconnecting", "blocked", "unblocked",
	"request", "replied", "dropped",
}

// String returns the kind's name as it stands in recordings: "sent", "reply", ...
func (k EventKind) String() string {
	if int(k) < len(eventKindNames) {
		return eventKindNames[k]
	}
	return fmt.Sprintf("event(%d)", uint8(k))
}

// MarshalText writes the kind's name.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what [EventKind.MarshalText] wrote.
func (k *EventKind) UnmarshalText(text []byte) error {
	i, err := index(eventKindNames[:], string(text), "event kind")
	*k = EventKind(i)
	return err
}

// An Event is one step in the life of a call, of a request at a server, or of the
// connection. Which fields are set depends on Kind; see the constants.
type Event struct {
	Kind    EventKind
	Time    time.Time
	ID      string // the call's correlation ID; as received, so possibly hostile, for replies
	Attempt int    // 1 for the first publish of a request, 2 for its first retry, ...
	Epoch   int    // 1 for the first connection of the client, ...; 0 where none is concerned

	Intended time.Time // when the call was meant to start (see Request.Intended)
	Deadline time.Time

	Class      Class
	Outcome    Outcome
	Since      time.Duration // see EventReply; never negative
	AnsweredBy string        // app_id of the answer

	// Message is the request as it was published or the reply as it was received.
	// It belongs to the observer only while Observe runs, Headers and Body
	// included: keep copies, not references, and bounded ones.
	Message *Message

	Code  int           // the broker's reply code, such as 312
	Text  string        // why, for people
	Delay time.Duration // until the next try

	Connection *ConnectionInfo

	// Queue is set by servers, and by them always: the queue that the request came from, or the
	// server's first if the event is not about a request.
	Queue string
	// Request is the request at a server, and the handler's too: it must not be changed.
	Request *Request
	Err     error // that the caller is not told of; a *PanicError if the handler panicked
}

// ConnectionInfo describes a connection.
type ConnectionInfo struct {
	Address string // host:port of the broker
	Product string // what the broker calls itself, such as "RabbitMQ"
	Version string
	Queue   string // the callback queue's name, or a server's first queue

	url string
}

// An Observer is told everything that happens in a [Client] or a [Server], as it happens. Each of
// them calls Observe for one event at a time, with a lock held. Observe must not block and must be
// quick (a microsecond, not a millisecond: it is in the way of every call). A panic of it
// goes up through whatever the Client or Server was doing, and leaves that unfit for use.
//
// The lock of a Client is the one that all its methods need, so Observe must not call them. The order is
// total: at every moment the events so far obey
//
//	sent = completed + failed + in flight
//	received = answers + duplicates + late + unknown
//	answers = completed + failed[remote]
//
// The lock of a Server serves no other purpose. Observe may call [Server.Stats] but must not
// wait for [Server.Shutdown]. Events of a handler that ignores its context may come after
// [Server.Serve] has returned.
type Observer interface {
	Observe(Event)
}

// ObserverFunc makes an [Observer] of a function.
type ObserverFunc func(Event)

// Observe calls f(e).
func (f ObserverFunc) Observe(e Event) { f(e) }
