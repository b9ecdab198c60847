// Package explain puts calls, replies and the state of a lab into sentences. It takes data and returns text, without styles.
//
//   - [Read] reads the messages of a story from the ledger. [Evidence.Verdict] then explains it, and [Evidence.Steps] lists its
//     events for a waterfall.
//   - [Advise] describes the state of a lab and names the key that helps. [WhyIdle] says why no call is in flight.
//   - [Call] and [Stray] describe a row of a lane in a sentence.
//
// All text from elsewhere is escaped. A verdict says "probably" if it does not know.
//
// # The function behind each sentence of a verdict
//
// This table has a row for each sentence or clause, with the function that writes it. "…" stands for any text. The tests fail if
// a sentence of TestVerdict is in no row, if a row is in no sentence, or if the function does not contain its words.
//
// A call in flight:
//
//	inFlight      In flight for
//	inFlight      Its deadline is in
//	inFlight      Its deadline passed … ago
//	waitingFor    not yet published
//	waitingFor    it waits for a connection
//	waitingFor    the broker takes no requests
//	waitingFor    and not yet confirmed by the broker
//	waitingFor    it is in the queue or a server works on it
//	waitingFor    came to nothing … is due in
//
// An answer:
//
//	answered      Completed in … answered
//	answered      Failed after … answered with an error
//	answered      to attempt
//	wrongAnswer   The answer is wrong
//	answered      The request had been delivered before
//	firstServer   had it first
//	firstServer   died meanwhile … so probably it had the request first
//	firstServer   ended meanwhile
//	firstServer   probably a server died, lost its connection or gave it back before its ack
//
// Replies after the answer:
//
//	duplicates    The second reply … came … after the first
//	duplicates    Another reply, of a call that the client had forgotten by then,
//	duplicates    It was discarded
//	duplicates    and the answer was the same
//	why           before its ack, the broker redelivered the request to
//	lostBy        died (killed)
//	lostBy        died (crashed)
//	lostBy        was stopped
//	lostBy        it was started again since
//	lostBy        which was still running, lost its connection or gave the request back
//	lostBy        probably died, or lost its connection,
//	why           which sent the reply that it had stored
//	why           replied twice by itself
//	why           replied twice, or the request was delivered
//	why           had the request first, and its own reply came later than that of
//	why           had the request twice
//	why           which does not say
//	why           as if for the first time
//	why           it was sent by hand from this program
//	why           the first one had been sent by hand
//	why           the client had sent the request more than once
//	moreReplies   more reply … came within
//	moreReplies   more replies … came within
//	moreReplies   All were discarded
//
// The end of a call without an answer:
//
//	ending        Timed out after
//	ending        Canceled after … the caller gave up
//	ending        Rejected after … the request came back from a dead-letter queue
//	ending        Rejected after … the broker refused responsibility for the request
//	ending        That nobody has executed it is likely, not certain
//	ending        Expired after
//	ending        The connection was lost after … and the callback queue with it
//	ending        The request may have been executed: nobody can tell
//	ending        The client was closed after
//	ending        The request may be executed all the same
//	ending        The request had not been published
//	unroutable    Returned by the broker after
//	noRoute       there is no queue
//	unroutable    An earlier attempt may have been executed
//	unroutable    No server has executed it
//	reached       it was never published … so no server has it
//	reached       the broker never confirmed it … whether a queue or a server has it, nobody can tell
//	reached       The broker confirmed the request after … and no reply came
//	notRetried    and its callback queue went with the connection
//	notRetried    the next attempt was never published
//	unanswered    It may still wait in the queue
//	unanswered    It may have waited in the queue until it expired there
//
// Late replies:
//
//	late          too late
//	late          after that
//	late          of a call that the client had forgotten by then,
//	late          to a redelivered request,
//	deadLettered  The request itself came back from a dead-letter queue
//
// Replies without a call:
//
//	stray         A duplicate from
//	stray         The call itself is no longer remembered
//	stray         A late … the call had
//	stray         A reply with an unknown ID, sent by hand from this program
//	stray         A reply without a correlation ID
//	stray         No call of this ID is known here
//	stray         It came from
//	stray         replies of it came, the last … after the first
//	stray         Discarded
//	strayRequest  A request itself came back from a dead-letter queue
//	strayRequest  its call had … before and is no longer remembered
//	strayRequest  its call was sent by another client, or forgotten since
//
// Replies that contradict each other:
//
//	difference    The answers differ
//	difference    The answers differ from byte
//	difference    but one has
package explain
