// Package ledger tracks the state of every correlation ID of an [amqprpc.Client]. Events go in,
// snapshots come out. The screen, the JSON summary and the exit code are all made from the same
// [Snapshot], so they cannot disagree.
//
//	l := ledger.New(ledger.Config{})
//	client, err := amqprpc.Dial(ctx, amqprpc.Config{Observer: l})
//	...
//	s := l.Snapshot(ledger.Query{Now: time.Now(), InFlight: 20, Duplicates: 20})
//
// # Laws
//
// After every event, and so in every snapshot,
//
//	sent = completed + failed + in flight
//	received = answers + duplicates + late + unknown
//	answers = completed + failed[remote]
//	wrong <= completed
//
// This holds for any sequence of events, since a recording may be damaged or forged. The ledger believes
// the kind, class and outcome of an event, with one rule: a call goes in flight only if it is not in
// flight, and ends only if it is. An event that contradicts the state, such as
// the end of a call that is not in flight, changes nothing and counts in [Traffic].Ignored. The file
// transitions.go has all changes of state.
//
// # Concurrency
//
// One goroutine at a time may call [Ledger.Observe] and [Ledger.Apply]; any goroutine may call the other
// methods at any time. There is one mutex. Nothing here starts a goroutine, reads a clock or sleeps:
// times come only from the events and from [Query].Now, so a replayed recording gives the same snapshot
// as the live run.
//
// # Costs
//
// An event costs O(1), and no allocation once records are reused. The cost of a snapshot does not depend on
// the number of calls. [Ledger.Find] and [Ledger.Clone] go through everything.
//
// # Bounds
//
// Calls in flight are never forgotten; amqprpc.Config.MaxInFlight bounds them. [Config] bounds
// everything else in number and in bytes: ended calls by Completed and Failed, the story of a call by
// StoryEvents and StoryBytes, a message by BodyBytes and HeaderBytes, discarded replies by Duplicates
// and Orphans. Discarded replies have rings of their own, so normal traffic cannot push them out, and a
// call is remembered as long as a discarded reply to it. The ledger copies messages and refers to nothing of
// them after Observe has returned.
//
// # Recordings
//
// A [Recorder] writes events, a [Reader] reads them, and [Replay] applies them to a ledger. A recording
// contains at least as much of each event as a ledger keeps.
//
// A recording is NDJSON: a header line, then one event a line, with short keys:
//
//	{"format":"rpcscope recording","version":1,"start":"2026-01-02T15:04:05.678Z","config":{...}}
//	{"t":0,"k":"sent","id":"7f3a...","a":1,"in":0,"dl":5000000000}
//	{"t":41023,"k":"published","id":"7f3a...","a":1,"ep":1,"m":{"rk":"rpc_queue","rt":"amq.gen-...","b":"30"}}
//	{"t":3104921,"k":"reply","id":"7f3a...","c":"answer","o":"completed","m":{"ai":"fib-1","b":"832040"}}
//
// Times are nanoseconds since "start". A key is left out if its value is zero or empty.
//
//	t time   k kind   id   a attempt   ep epoch   in intended   dl deadline   c class   o outcome
//	si since (ns)   by answered by   co code   x text   d delay (ns)   cn connection   m message
//
// Keys of the connection: ad address, pr product, ve version, qu queue. Keys of a message:
//
//	ex exchange   rk routing key   ct content type   ce content encoding   dm delivery mode
//	pr priority   ci correlation ID, if it is not the event's   rt reply to   xp expiration
//	mi message ID   ts timestamp (unix s)   ty type   ui user ID   ai app ID   rd redelivered
//	h headers, each [key, type, text] or, if the text is cut, [key, type, text, true]
//	hn the number of headers, if there were more   b body, or b64 if it is not UTF-8
//	n the length of the whole body, if it was longer
//
// The type of a header is AMQP's letter for it. Strings are UTF-8; a byte that is not is written as a
// lone surrogate, \udc80 to \udcff (as Python's surrogateescape does). Control characters, DEL, C1 and
// bidi control characters are escaped, so that a recording can be shown on a terminal. Within a version,
// a reader ignores keys that it does not know.
package ledger
