package amqprpc

import "time"

// An EventKind is the kind of an [Event].
type EventKind uint8

// The kinds of events. The first group tells the story of one call, in this order; the second is about the
// connection; the third tells the story of one request at a server.
const (
	NoEvent EventKind = iota

	// EventSent: a call began. From here on it is in flight. Sets ID, Intended and Deadline.
	EventSent
	// EventPublished: the request was handed to the connection. Sets ID, Attempt, Epoch and Message.
	EventPublished
	// EventReturned: the broker returned the request: no queue took it. Sets ID, Attempt, Code and Text. At a
	// server: the broker returned a reply. Sets ID, Code, Text and Message, the reply.
	EventReturned
	// EventConfirmed: the broker took responsibility for the request (or, after EventReturned, has dealt with it).
	// Sets ID and Attempt. It can come after the answer.
	EventConfirmed
	// EventNacked: the broker refused responsibility for the request. Sets ID and Attempt. At a server: the broker
	// refused a reply. Sets the fields of EventRequest. The request is requeued, or acked if it was redelivered.
	EventNacked
	// EventRetry: the attempt failed and the request will be sent again under the same correlation ID. Sets ID,
	// Attempt (of the one that failed), Outcome (the call's without the retry), Text and Delay.
	EventRetry
	// EventReply: a message arrived on the callback queue. Sets ID, Class and Message. For an answer, Outcome is
	// Completed or Remote, Attempt the last one, and Since the time from its publish: this one event both counts
	// the reply and ends the call. For a duplicate or late reply, Outcome is that of the call, Since the time since
	// its end (for Timeout, since its deadline), and AnsweredBy the server that had answered.
	EventReply
	// EventFailed: the call ended without an answer. (A call that ends with an error reply has an EventReply.) Sets
	// ID, Attempt, Epoch, Outcome and Text.
	EventFailed

	// EventConnected: an epoch (the time on one connection) began: a new callback queue is consumed. Sets Epoch and
	// Connection. A server consumes all its queues now, and sets Attempt, the number of tries that this took.
	EventConnected
	// EventDisconnected: the epoch ended, and with it any blocking. There is none for [Client.Close] and
	// [Server.Shutdown]. Sets Epoch, Text and, if the broker gave one, Code: 403 means a missing permission, so
	// that the next connection will end too. A server also sets Connection and Delay.
	EventDisconnected
	// EventReconnecting: a try to connect failed or is about to be made. Sets Delay, the time until the next one,
	// and Text, why the last one failed. A server also sets Attempt, the number of tries so far.
	EventReconnecting
	// EventBlocked: the broker has blocked publishers (a memory or disk alarm). Sets Text, the broker's reason.
	// Requests wait in the client until EventUnblocked, and so do a server's replies, or its try to connect.
	// RabbitMQ says nothing to a client whose calls are all published already: it comes with the next publish.
	EventBlocked
	EventUnblocked // the alarm is over

	// EventRequest: a server has a request and a slot to handle it. Either EventReplied or EventDropped follows.
	// Sets ID, Attempt and Request.
	EventRequest
	// EventReplied: the request was handled, and its reply is sent next. Sets the fields of EventRequest, and
	// Message, the reply before [ServerHooks.Replies]; and Err, the handler's error or panic, if the caller does
	// not get it but INTERNAL or UNKNOWN.
	EventReplied
	// EventDropped: the request ended without a reply. Sets the fields of EventRequest, and Outcome: Rejected
	// (there is no usable reply_to; Text says why), Expired (its deadline had passed), or ConnectionLost (its
	// connection was lost before the handler returned; the broker delivers it again; Err is as in EventReplied). Or
	// it sets Message, a reply that AMQP cannot carry and that was not sent, and Text, why.
	EventDropped
)

var eventKindNames = [...]string{
	"", "sent", "published", "returned", "confirmed", "nacked", "retry", "reply", "failed",
	"connected", "disconnected", "reconnecting", "blocked", "unblocked",
	"request", "replied", "dropped",
}

// String returns the kind's name in recordings: "sent", "reply", ...
func (k EventKind) String() string { return nameOf(eventKindNames[:], uint8(k), "event") }

// MarshalText writes the kind's name.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a kind's name.
func (k *EventKind) UnmarshalText(text []byte) error {
	return parseName(k, eventKindNames[:], text, "event kind")
}

// An Event is one step in the life of a call, of a request at a server, or of the connection. The fields that are
// set depend on Kind; see the constants.
type Event struct {
	Kind    EventKind
	Time    time.Time
	ID      string // the call's correlation ID; as received, so possibly hostile, for replies
	Attempt int    // 1 for the first publish of a request, 2 for its first retry, ...
	Epoch   int    // 1 for the first connection of the client, ...; 0 if none is concerned

	Intended time.Time // when the call was meant to start (see Request.Intended)
	Deadline time.Time

	Class      Class
	Outcome    Outcome
	Since      time.Duration // see EventReply; never negative
	AnsweredBy string        // app_id of the answer

	// Message is the request as it was published or the reply as it was received. The observer may use it, with
	// Headers and Body, only while Observe runs: keep bounded copies, not references.
	Message *Message

	Code  int           // the broker's reply code, such as 312
	Text  string        // why, for people
	Delay time.Duration // until the next try

	Connection *ConnectionInfo

	// Queue is always set by servers, and only by them: the queue that the request came from, or the server's first
	// if the event is not about a request.
	Queue string
	// Request is the request at a server, and the handler's too: it must not be changed.
	Request *Request
	Err     error // that the caller does not get; a *PanicError if the handler panicked
}

// ConnectionInfo describes a connection.
type ConnectionInfo struct {
	Address string // host:port of the broker
	Product string // the broker's name for itself, such as "RabbitMQ"
	Version string
	Queue   string // the callback queue's name, or a server's first queue

	url string
}

// An Observer gets every event of a [Client] or a [Server]. Each of them calls Observe for one event at a time,
// with a lock held. Observe must not block and must be quick (a microsecond, not a millisecond: every call waits
// for it). If it panics, the Client or Server cannot be used any more.
//
// The lock of a Client is the one that all its methods need, so Observe must not call them. The order is total: at
// every moment the events so far obey
//
//	sent = completed + failed + in flight
//	received = answers + duplicates + late + unknown
//	answers = completed + failed[remote]
//
// Observe of a Server may call [Server.Stats] but must not wait for [Server.Shutdown]. Events of a handler that
// ignores its context may come after [Server.Serve] has returned.
type Observer interface {
	Observe(Event)
}

// ObserverFunc makes an [Observer] of a function.
type ObserverFunc func(Event)

// Observe calls f(e).
func (f ObserverFunc) Observe(e Event) { f(e) }
