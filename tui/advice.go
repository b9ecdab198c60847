package tui

import (
	"slices"
	"strings"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// An advice tells a newcomer what is going on and which key helps. Its text is one or two
// whole sentences, escaped.
type advice struct {
	mood lab.Level
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
func advise(look *lab.Snapshot) []advice {
	var all []advice
	add := func(mood lab.Level, text string) { all = append(all, advice{mood, text}) }

	switch {
	case look.Err != nil:
		add(lab.Failure, "Something in here broke: "+text.Escape(firstLine(look.Err), 120)+". Nothing goes on; press q to quit.")
		return all
	case look.Replay != nil: // nothing can be done about it
		return nil
	case look.Frozen: // the rest would be about the past
		add(lab.Info, "This is the picture of "+look.Ledger.Now.Format(time.TimeOnly)+
			", and stands still whatever happens now. Press f to see the present.")
		return all
	}

	cause := obstacle(look)
	if cause != "" {
		add(lab.Failure, cause)
	}
	if n := look.Ledger.Calls.Wrong; n > 0 && look.Load.Custom {
		add(lab.Failure, text.Plural(n, "answer was", "answers were")+" not what is expected (--expect).")
	} else if n > 0 {
		add(lab.Failure, text.Plural(n, "answer was", "answers were")+" not the right number: some server computes something else.")
	}
	if look.Load.Paused {
		add(lab.Info, pausedAdvice(look))
	}
	if cause != "" {
		return all
	}
	if look.Load.Waiting && !look.Load.Paused {
		add(lab.Info, waitingAdvice(look))
	} else if q := &look.Queue; !q.Known && q.Err != "" {
		add(lab.Info, because("Nobody can say who consumes from "+queueName(look), q.Err)+" Calls are made all the same.")
	}

	trouble := troubles(look)
	all = append(all, trouble...)
	if fault := text.Escape(look.Fault, 60); fault != "" {
		text := "The next server will have the fault " + fault + "."
		if startsServers(look) {
			text += " Press s to start it."
		}
		add(lab.Info, text)
	}
	if len(trouble) > 0 {
		return all
	}
	now, c := lately(look), look.Ledger.Calls
	well := c.Wrong == 0 && !look.Load.Waiting && now.Failed == 0 && (now.Completed > 0 || c.Completed > 0 && c.InFlight == 0)
	switch r := look.Ledger.Replies; {
	case r.Duplicates+r.Orphaned() > 0:
		add(lab.Info, "Press enter on a duplicate or an orphan to see its whole story. Then try "+whatToBreak(look)+".")
	case look.StandIn != "" && look.Fault == "":
		add(lab.Info, text.Escape(look.StandIn, 300)) // the empty lanes say how to fill them
	case well && !startsServers(look):
		add(lab.Success, "All is well, and no reply had to be discarded. Press d to send a second reply, or u to send one of an unknown ID.")
	case well && look.Fault == "":
		add(lab.Success, "All is well, and no reply had to be discarded. Press d to send a second reply, "+
			"u to send one of an unknown ID, or x for a fault in the next server.")
	}
	return all
}

func pausedAdvice(look *lab.Snapshot) string {
	if why := text.Escape(look.Load.PausedBy, 120); why != "" {
		return "The load begins paused, because " + why + ". Press space to begin it, or c to make one call."
	}
	return "The load is paused. Press space to resume it, or c to make one call."
}

func waitingAdvice(look *lab.Snapshot) string {
	if q := &look.Queue; !q.Known && q.Err != "" {
		return because("Nobody can say who consumes from "+queueName(look), q.Err) + " Press space to begin the load."
	}
	return "The load begins as soon as somebody consumes from " + queueName(look) + "."
}

// whyIdle says why no call is in flight, "" if nothing keeps the load from making calls.
func whyIdle(look *lab.Snapshot) string {
	if look.Err != nil || look.Replay != nil || look.Frozen {
		return ""
	}
	switch cause := obstacle(look); {
	case cause != "":
		return cause
	case look.Load.Paused:
		return pausedAdvice(look)
	case look.Load.Waiting:
		return waitingAdvice(look)
	}
	return ""
}

// startsServers reports whether a server that s starts answers what is asked here, and takes
// nothing from anybody else's.
func startsServers(look *lab.Snapshot) bool { return !look.Load.Custom && look.StartWarning == "" }

// whatToBreak lists the keys that there is something to break for.
func whatToBreak(look *lab.Snapshot) string {
	var keys []string
	if startsServers(look) {
		keys = append(keys, "x, a fault for the next server")
	}
	if killable(look) {
		keys = append(keys, "K to kill one")
	}
	keys = append(keys, "D to drop the connection")
	if len(keys) == 1 {
		return keys[0]
	}
	last := len(keys) - 1
	return strings.Join(keys[:last], ", ") + ", or " + keys[last]
}

// killable reports whether there is a server here that K can kill.
func killable(look *lab.Snapshot) bool {
	return slices.ContainsFunc(look.Pool, func(s pool.Status) bool { return s.State.Alive() })
}

func queueName(look *lab.Snapshot) string {
	if name := text.Escape(look.Queue.Name, 40); name != "" {
		return name
	}
	return "the queue"
}

// obstacle says why no call can succeed at present, in sentences; "" where some can.
func obstacle(look *lab.Snapshot) string {
	c, q := &look.Ledger.Connection, &look.Queue
	starting := look.Starting > 0
	switch {
	case !c.Connected && c.Since.IsZero():
		return because("There is no connection yet", c.Reason) + " Calls wait for it until their deadline."
	case c.Denied:
		// With the command that helps, where the screen has room for it.
		return "The broker closes the connection over each call: " + strings.TrimRight(text.Escape(c.Lost, 240), ". ") + "."
	case !c.Connected:
		lost := "The connection was lost " + text.Clock(look.Ledger.Now.Sub(c.Since)) + " ago"
		next := "It is being tried again now"
		if wait := nextTry(c, look.Ledger.Now); wait != "" {
			next = "The next try is in " + wait
		}
		return because(lost, c.Reason) + " " + next + ", and until then calls fail at their own deadline."
	case c.Blocked:
		return because("The broker has raised an alarm and takes no requests", c.BlockedReason) +
			" They wait in the client; clear the alarm on the broker to go on."
	case answering(look): // what was told of the queue is out of date
		return ""
	case q.Known && q.Err != "" && look.Ledger.Now.Sub(q.At) > silentBroker: // without Err it has not been asked, as after ctrl+z
		return "The broker has not answered for " + text.Clock(look.Ledger.Now.Sub(q.At)) + ": it hangs, or the network to it does. Calls wait until their deadline."
	case q.Known && q.Missing && starting:
		return "There is no queue " + queueName(look) + " yet: the server that is starting declares it."
	case q.Known && q.Missing && !startsServers(look):
		return "There is no queue " + queueName(look) + ", so that calls are unroutable. Start your server: it has to declare it."
	case q.Known && q.Missing:
		return "There is no queue " + queueName(look) + ", so that calls are unroutable. Press s to start a server, which declares it."
	case q.Unserved() && starting:
		return "Nobody consumes from " + queueName(look) + " yet: a server is starting."
	case q.Unserved() && !startsServers(look) && look.Load.Waiting:
		return "Nobody consumes from " + queueName(look) + ", and the load waits for that. Start your server."
	case q.Unserved() && !startsServers(look):
		return "Nobody consumes from " + queueName(look) + ": calls wait in it and time out. Start your server."
	case q.Unserved() && look.Load.Waiting:
		return "Nobody consumes from " + queueName(look) + ", and the load waits for that. Press s to start a server, or run " +
			fibserverFor(look) + " in another terminal."
	case q.Unserved():
		return "Nobody consumes from " + queueName(look) + ": calls wait in it and time out. Press s to start a server."
	}
	return ""
}

// answering reports whether calls were answered in the last two seconds.
func answering(look *lab.Snapshot) bool {
	all := look.Ledger.Seconds
	return slices.ContainsFunc(all[max(len(all)-2, 0):], func(s ledger.Second) bool { return s.Completed > 0 })
}

// firstLine is what an error says before its stack.
func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// because ends a sentence with a reason, where there is one.
func because(what, reason string) string {
	if reason = strings.TrimRight(text.Escape(reason, 120), ". "); reason != "" {
		return what + ": " + reason + "."
	}
	return what + "."
}

// troubles says what goes wrong with calls although they could succeed.
func troubles(look *lab.Snapshot) []advice {
	var all []advice
	add := func(text string) { all = append(all, advice{lab.Failure, text}) }
	now, q, l := lately(look), &look.Queue, &look.Load
	ended := now.Completed + now.Failed
	waiting := text.Count(q.Ready) + " wait in the queue"
	crowded := q.Known && q.Ready > longQueue*max(q.Consumers, 1)
	another := "Start another one, or press - for less load."
	orStart := ""
	if startsServers(look) {
		another, orStart = "Press s to start another one, or - for less load.", ", or s to start another server"
	}

	// A longer timeout helps only if servers are slow, not if calls wait for a server.
	timeouts := 2*now.TimedOut > ended
	switch {
	case timeouts && crowded && now.Completed+now.Late > 0:
		add("Most calls time out, and " + waiting + ": too few servers for this load. " + another)
	case timeouts && crowded:
		add("Calls time out, " + waiting + ", and no reply comes: the servers hang, or are very slow. Press enter on a call to see how far it came" + orStart + ".")
	case now.Late > 0 && crowded:
		add("Some replies come too late: their calls have timed out, and " + waiting + " for a server. " + another)
	case now.Late > 0:
		add("Some replies come too late: their calls have timed out. Press t for a longer timeout, or - for less load.")
	case timeouts && q.Known && !q.Exclusive:
		add("Most calls time out, although the queue has " + text.Plural(q.Consumers, "consumer", "consumers") +
			". Press enter on one to see how far it came" + orStart + ".")
	case timeouts:
		add("Most calls time out. Press enter on one to see how far it came.")
	}
	if 2*now.Remote > ended {
		add("The servers answer most calls with an error. Press enter on a failed call to see which.")
	}
	if n := l.Progress.Backlog; l.Rate > 0 && float64(n) > l.Rate && !l.Paused { // more than a second's calls
		text := text.Count(n) + " calls are due and have not begun. Press - for a lower rate"
		if crowded {
			text += orStart
		}
		add(text + ".")
	}
	return all
}

// lately sums up the last seconds.
func lately(look *lab.Snapshot) (sum ledger.Second) {
	all := look.Ledger.Seconds
	for _, s := range all[max(len(all)-recently, 0):] {
		sum.Completed += s.Completed
		sum.Failed += s.Failed
		sum.TimedOut += s.TimedOut
		sum.Remote += s.Remote
		sum.Late += s.Late
	}
	return sum
}
