package tui

import (
	"slices"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
)

// An advice tells a newcomer what is going on and which key helps. Its text is one or two
// whole sentences, escaped.
type advice struct {
	mood lab.Mood
	text string
}

const (
	// recently is how many seconds back advice about failed calls looks: what has got
	// better needs none.
	recently = 10
	// longQueue is how many waiting requests for each consumer are a long queue.
	longQueue = 5
	// silentBroker is how old the answer to a question may be that is put every second.
	silentBroker = 4 * time.Second
)

// advise returns what there is to tell, most urgent first. What is said of the same moment
// never contradicts itself: of causes and their effects only the causes are told.
func advise(look *lab.Look) []advice {
	var all []advice
	add := func(mood lab.Mood, text string) { all = append(all, advice{mood, text}) }

	switch {
	case look.Err != nil:
		add(lab.Bad, "Something in here broke: "+Escape(firstLine(look.Err), 120)+". Nothing goes on; press q to quit.")
		return all
	case look.Replay != nil: // nothing can be done about it
		return nil
	case look.Frozen: // the rest would be about the past
		add(lab.Neutral, "This is the picture of "+look.Books.Now.Format(time.TimeOnly)+
			", while the calls go on behind it. Press f to see the present.")
		return all
	}

	if n := look.Load.Wrong; n > 0 && look.Load.Body != "" {
		add(lab.Bad, things(n, "answer was", "answers were")+" not what is expected (--expect).")
	} else if n > 0 {
		add(lab.Bad, things(n, "answer was", "answers were")+" not the right number: some server computes something else.")
	}
	cause := obstacle(look)
	if cause != "" {
		add(lab.Bad, cause)
	}
	if look.Load.Paused {
		add(lab.Neutral, "The load is paused. Press space to resume it, or c to make one call.")
	}
	if cause != "" {
		return all
	}
	if look.Load.Waiting {
		add(lab.Neutral, "The load begins as soon as somebody consumes from "+queueName(look)+".")
	}

	trouble := troubles(look)
	all = append(all, trouble...)
	if fault := Escape(look.Fault, 60); fault != "" {
		add(lab.Neutral, "The next server will have the fault "+fault+". Press s to start it.")
	}
	if len(trouble) > 0 {
		return all
	}
	well := look.Load.Wrong == 0 && !look.Load.Waiting && look.Books.Calls.Completed > 0 && lately(look).Failed == 0
	switch r := look.Books.Replies; {
	case r.Duplicates+r.Orphaned() > 0:
		add(lab.Neutral, "Press enter on a duplicate or an orphan to see its whole story. "+
			"Then try x, a fault for the next server, K to kill one, or D to drop the connection.")
	case look.StandIn != "" && look.Fault == "":
		add(lab.Neutral, Escape(look.StandIn, 300)) // the empty lanes say how to fill them
	case well && look.Fault == "":
		add(lab.Good, "All is well, and no reply had to be discarded. Press d to send a second reply, "+
			"u to send one of an unknown ID, or x for a fault in the next server.")
	}
	return all
}

func queueName(look *lab.Look) string {
	if name := Escape(look.Queue.Name, 40); name != "" {
		return name
	}
	return "the queue"
}

// obstacle says why no call can succeed at present, in sentences; "" where some can.
func obstacle(look *lab.Look) string {
	c, q := &look.Books.Connection, &look.Queue
	starting := look.Starting > 0
	switch {
	case !c.Connected && c.Since.IsZero():
		return because("There is no connection yet", c.Reason) + " Calls wait for it until their deadline."
	case c.Denied:
		// With the command that helps, where the screen has room for it.
		return "The broker closes the connection over each call: " + strings.TrimRight(Escape(c.Lost, 240), ". ") + "."
	case !c.Connected:
		lost := "The connection was lost " + clock(look.Books.Now.Sub(c.Since)) + " ago"
		next := "It is being tried again now"
		if wait := nextTry(c, look.Books.Now); wait != "" {
			next = "The next try is in " + wait
		}
		return because(lost, c.Reason) + " " + next + ", and until then calls fail at their own deadline."
	case c.Blocked:
		return because("The broker has raised an alarm and takes no requests", c.BlockedReason) +
			" They wait in the client; clear the alarm on the broker to go on."
	case q.Known && !q.At.IsZero() && look.Books.Now.Sub(q.At) > silentBroker:
		return "The broker has not answered for " + clock(look.Books.Now.Sub(q.At)) + ": it hangs, or the network to it does. Calls wait until their deadline."
	case q.Known && q.Missing && starting:
		return "There is no queue " + queueName(look) + " yet: the server that is starting declares it."
	case q.Known && q.Missing && look.Load.Body != "":
		return "There is no queue " + queueName(look) + ", so that calls are unroutable. Start your server: it has to declare it."
	case q.Known && q.Missing:
		return "There is no queue " + queueName(look) + ", so that calls are unroutable. Press s to start a server, which declares it."
	case !q.Known && q.Err != "":
		return because("The broker does not tell of "+queueName(look), q.Err)
	case q.Known && q.Consumers == 0 && serving(look): // the broker's count has not caught up
		return ""
	case q.Known && q.Consumers == 0 && starting:
		return "Nobody consumes from " + queueName(look) + " yet: a server is starting."
	case q.Known && q.Consumers == 0 && look.Load.Body != "" && look.Load.Waiting:
		return "Nobody consumes from " + queueName(look) + ", and the load waits for that. Start your server."
	case q.Known && q.Consumers == 0 && look.Load.Body != "":
		return "Nobody consumes from " + queueName(look) + ": calls wait in it and time out. Start your server."
	case q.Known && q.Consumers == 0 && look.Load.Waiting:
		return "Nobody consumes from " + queueName(look) + ", and the load waits for that. Press s to start a server, or run " +
			fibserverFor(look) + " in another terminal."
	case q.Known && q.Consumers == 0:
		return "Nobody consumes from " + queueName(look) + ": calls wait in it and time out. Press s to start a server."
	}
	return ""
}

// serving reports whether a server that was started here runs and calls are being
// answered.
func serving(look *lab.Look) bool {
	n := len(look.Books.Seconds)
	return n > 0 && look.Books.Seconds[n-1].Completed > 0 &&
		slices.ContainsFunc(look.Pool, func(s pool.Status) bool { return s.State == pool.Running })
}

// firstLine is what an error says before its stack.
func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// because ends a sentence with a reason, where there is one.
func because(what, reason string) string {
	if reason = strings.TrimRight(Escape(reason, 120), ". "); reason != "" {
		return what + ": " + reason + "."
	}
	return what + "."
}

// troubles says what goes wrong with calls although they could succeed.
func troubles(look *lab.Look) []advice {
	var all []advice
	add := func(text string) { all = append(all, advice{lab.Bad, text}) }
	now := lately(look)
	q, l := &look.Queue, &look.Load
	crowded := q.Known && q.Ready > longQueue*max(q.Consumers, 1)

	most := now.Failed > now.Completed // of the calls that ended
	worst := worstFailure(&look.Books)
	slow := worst == amqprpc.Timeout || worst == amqprpc.Expired
	switch {
	case most && slow && crowded:
		add("Most calls time out, and " + count(q.Ready) + " wait in the queue: too few servers for this load. Press s to start another one, or - for less load.")
	case most && slow && now.Orphans == 0:
		add("Most calls time out, although the queue has " + things(q.Consumers, "consumer", "consumers") +
			". Press enter on one to see how far it came, or s to start another server.")
	case most && worst == amqprpc.Remote:
		add("The servers answer most calls with an error. Press enter on a failed call to see which.")
	}
	if slices.ContainsFunc(look.Books.Orphans, func(s ledger.Stray) bool {
		return s.Class == amqprpc.Late && look.Books.Now.Sub(s.Time) <= recently*time.Second
	}) {
		add("Some replies come too late: their calls have timed out. Press t for a longer timeout.")
	}
	if n := l.Progress.Backlog; l.Rate > 0 && float64(n) > l.Rate && !l.Paused { // more than a second's calls
		add(count(n) + " calls are due and cannot start. Press s to start another server, or - for a lower rate.")
	}
	return all
}

// lately sums up the last seconds; the whole run where there are no seconds.
func lately(look *lab.Look) (sum ledger.Second) {
	all := look.Books.Seconds
	if len(all) == 0 {
		b := &look.Books
		return ledger.Second{Completed: int(b.Calls.Completed), Failed: int(b.Calls.Failed), Orphans: int(b.Replies.Orphaned())}
	}
	for _, s := range all[max(len(all)-recently, 0):] {
		sum.Completed += s.Completed
		sum.Failed += s.Failed
		sum.Duplicates += s.Duplicates
		sum.Orphans += s.Orphans
	}
	return sum
}

// worstFailure is what most calls failed of: of the last ones where those are known, else
// of all.
func worstFailure(b *ledger.Snapshot) amqprpc.Outcome {
	last := make(map[amqprpc.Outcome]uint64)
	for _, c := range b.Failed {
		if b.Now.Sub(c.Ended) <= recently*time.Second {
			last[c.Outcome]++
		}
	}
	of := b.Failures.Of
	if len(last) > 0 {
		of = func(o amqprpc.Outcome) uint64 { return last[o] }
	}
	worst := amqprpc.Timeout
	for _, o := range amqprpc.Failures() {
		if of(o) > of(worst) {
			worst = o
		}
	}
	return worst
}
