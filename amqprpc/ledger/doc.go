// Package ledger keeps the books of an [amqprpc.Client]: what became of every
// correlation ID. Events go in, snapshots come out. The screen, the JSON summary and
// the exit code are all made of the same [Snapshot], so they cannot disagree.
//
//	books := ledger.New(ledger.Config{})
//	client, err := amqprpc.Dial(ctx, amqprpc.Config{Observer: books})
//	...
//	s := books.Snapshot(ledger.Query{Now: time.Now(), InFlight: 20, Duplicates: 20})
//
// # The laws
//
// After every event, and so in every snapshot,
//
//	sent = completed + failed + in flight
//	received = answers + duplicates + late + unknown
//	answers = completed + failed[remote]
//	wrong <= completed
//
// This holds for any sequence of events whatever, since recordings may be damaged or
// forged. The ledger believes what an event says of itself (its kind, class and
// outcome), with one rule: a call goes in flight only where it is not, and ends only
// where it is. An event that cannot be true (a second start, an end of what is not in
// flight, an answer nobody waits for, an outcome that is none, a wrong answer to a call
// that was not completed) changes nothing and is counted in [Traffic].Ignored. A ledger
// that is attached to a client with calls in flight ignores their ends in the same way.
//
// # Where it may be called from
//
// [Ledger.Observe] and [Ledger.Apply] are called by one goroutine at a time, all else
// from anywhere, at any time. A mutex is all there is: nothing here starts a
// goroutine, reads a clock or sleeps. Times come from the events and from [Query].Now
// alone, which is why a replayed recording gives the very same snapshot.
//
// # What it costs
//
// An event costs O(1), and in the steady state no allocation: records are reused. A
// snapshot costs what it shows (rows, seconds, bars), and one pass over two
// histograms of fixed size, whatever the number of calls seen; where [Query].Calls or
// Strays pick the rows, it costs what they look at. [Ledger.Inspect] costs its story.
// [Ledger.Find] and [Ledger.Clone] go through all that is remembered and are meant for a
// person's keystroke.
//
// # What bounds it
//
// Calls in flight are never forgotten; amqprpc.Config.MaxInFlight bounds them. All else is
// bounded by [Config], in number and in bytes: ended calls by Completed and Failed, a
// call's story by StoryEvents and StoryBytes, a message by BodyBytes and HeaderBytes,
// discarded replies by Duplicates and Orphans. Those have rings of their own, so
// that normal traffic cannot push them out, and a call that a duplicate or late reply
// belongs to is remembered for as long as that reply is. [Config.MaxBytes] is the sum.
// Messages are copied; nothing of them is referenced after Observe has returned.
//
// # Recordings
//
// A [Recorder] writes events as NDJSON, a [Reader] reads them, [Replay] feeds them to
// a ledger. What a Recorder writes is at least what any ledger keeps.
//
// A recording is NDJSON: a header line, then one event a line, with short keys:
//
//	{"format":"rpcscope recording","version":1,"start":"2026-01-02T15:04:05.678Z","config":{...}}
//	{"t":0,"k":"sent","id":"7f3a...","a":1,"in":0,"dl":5000000000}
//	{"t":41023,"k":"published","id":"7f3a...","a":1,"ep":1,"m":{"rk":"rpc_queue","rt":"amq.gen-...","b":"30"}}
//	{"t":3104921,"k":"reply","id":"7f3a...","c":"answer","o":"completed","m":{"ai":"fib-1","b":"832040"}}
//
// Times are nanoseconds since "start". A key that would be zero or empty is left out.
//
//	t time   k kind   id   a attempt   ep epoch   in intended   dl deadline   c class   o outcome
//	si since (ns)   by answered by   co code   x text   d delay (ns)   cn connection   m message
//
// of the connection: ad address, pr product, ve version, qu queue; and of a message:
//
//	ex exchange   rk routing key   ct content type   ce content encoding   dm delivery mode
//	pr priority   ci correlation ID, where it is not the event's   rt reply to   xp expiration
//	mi message ID   ts timestamp (unix s)   ty type   ui user ID   ai app ID   rd redelivered
//	h headers, each [key, type, text] or, where the text is cut, [key, type, text, true]
//	hn how many there were, if more   b body, or b64 where it is not UTF-8
//	n the whole body's length, if more
//
// The type of a header is AMQP's letter for it. Strings are UTF-8; a byte that is not is
// written as the lone surrogate \udc80 to \udcff (as Python's surrogateescape does).
// DEL, C1 and bidi control characters are escaped too, so that a recording can be shown on a
// terminal.
// Within a version, a reader ignores keys that it does not know.
package ledger
