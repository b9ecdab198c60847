package explain

import (
	"slices"
	"strings"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
)

// An Advice describes the situation for a newcomer and names the key that helps, in one or two sentences. Its text is escaped.
type Advice struct {
	Level lab.Level
	Text  string
}

const (
	// adviceSeconds is how many of the last seconds advice about failed calls counts.
	adviceSeconds = 10
	// longQueue is how many waiting requests per consumer are a long queue.
	longQueue = 5
	// brokerSilence is the age of the last answer of the broker, which is asked every second, from which it counts as silent.
	brokerSilence = 4 * time.Second
)

// Advise returns the most urgent advice about a snapshot. Its text is "" if there is none.
func Advise(s *lab.Snapshot) Advice {
	switch {
	case s.Err != nil:
		return Advice{lab.Failure, "Internal error: " + text.Escape(text.FirstLine(s.Err.Error()), 120) + ". The session has stopped; press q to quit."}
	case s.Replay != nil:
		return Advice{}
	case s.Frozen: // the rest would be about the past
		return Advice{lab.Info, "Frozen at " + s.Ledger.Now.Format(time.TimeOnly) + ". Press f to go live."}
	}
	if blocked := obstacle(s); blocked != "" {
		return Advice{lab.Failure, blocked}
	}
	if n := s.Ledger.Calls.Wrong; n > 0 {
		wrong := " not the right number: some server computes something else."
		if s.Load.Custom {
			wrong = " not what is expected (--expect)."
		}
		return Advice{lab.Failure, text.Plural(n, "answer was", "answers were") + wrong}
	}
	switch q := &s.Queue; {
	case s.Load.Paused:
		return Advice{lab.Info, pausedAdvice(s)}
	case s.Load.Waiting:
		return Advice{lab.Info, waitingAdvice(s)}
	case !q.Known && q.Err != "":
		return Advice{lab.Info, because("It is unknown who consumes from "+QueueName(s), q.Err) + " Calls are made anyway."}
	}
	if failing := failure(s); failing != "" {
		return Advice{lab.Failure, failing}
	}
	if fault := text.Escape(s.Fault, 60); fault != "" {
		words := "The next server will have the fault " + fault + "."
		if StartsServers(s) {
			words += " Press s to start it."
		}
		return Advice{lab.Info, words}
	}
	return suggestion(s)
}

// suggestion names the keys to try while no call fails.
func suggestion(s *lab.Snapshot) Advice {
	now, c := recent(s), s.Ledger.Calls
	well := now.Failed == 0 && (now.Completed > 0 || c.Completed > 0 && c.InFlight == 0)
	const allWell = "All is well, and no reply had to be discarded. Press d to send a second reply, "
	switch r := s.Ledger.Replies; {
	case r.Duplicates+r.Orphaned() > 0:
		return Advice{lab.Info, "Press enter on a duplicate or an orphan to see its whole story. Then try " + faultKeys(s) + "."}
	case s.StandIn != "":
		return Advice{lab.Info, text.Escape(s.StandIn, 300)} // the empty lanes say how to fill them
	case well && !StartsServers(s):
		return Advice{lab.Success, allWell + "or u to send one with an unknown ID."}
	case well:
		return Advice{lab.Success, allWell + "u to send one with an unknown ID, or x for a fault in the next server."}
	}
	return Advice{}
}

func pausedAdvice(s *lab.Snapshot) string {
	if why := text.Escape(s.Load.PausedBy, 120); why != "" {
		return "The load is paused, because " + why + ". Press space to start it, or c to make one call."
	}
	return "The load is paused. Press space to resume it, or c to make one call."
}

func waitingAdvice(s *lab.Snapshot) string {
	if q := &s.Queue; !q.Known && q.Err != "" {
		return because("It is unknown who consumes from "+QueueName(s), q.Err) + " Press space to start the load."
	}
	return "The load starts as soon as a server consumes from " + QueueName(s) + "."
}

// WhyIdle says why no call is in flight, or "" if nothing keeps the load from making calls.
func WhyIdle(s *lab.Snapshot) string {
	if s.Err != nil || s.Replay != nil || s.Frozen {
		return ""
	}
	switch blocked := obstacle(s); {
	case blocked != "":
		return blocked
	case s.Load.Paused:
		return pausedAdvice(s)
	case s.Load.Waiting:
		return waitingAdvice(s)
	}
	return ""
}

// StartsServers reports whether the key s starts a server that can answer these calls and does not take the requests of others.
func StartsServers(s *lab.Snapshot) bool { return !s.Load.Custom && s.StartWarning == "" }

// CanKill reports whether a server runs that the key K can kill.
func CanKill(s *lab.Snapshot) bool {
	return slices.ContainsFunc(s.Pool, func(server pool.Status) bool { return server.State.Alive() })
}

// faultKeys lists the keys that break something.
func faultKeys(s *lab.Snapshot) string {
	var keys []string
	if StartsServers(s) {
		keys = append(keys, "x, a fault for the next server")
	}
	if CanKill(s) {
		keys = append(keys, "K to kill one")
	}
	const drop = "D to drop the connection"
	if len(keys) == 0 {
		return drop
	}
	return strings.Join(keys, ", ") + ", or " + drop
}

// QueueName returns the name of the request queue, or "the queue".
func QueueName(s *lab.Snapshot) string {
	if name := text.Escape(s.Queue.Name, 40); name != "" {
		return name
	}
	return "the queue"
}

// ServerCommand returns the command that starts a server for the queue.
func ServerCommand(s *lab.Snapshot) string {
	command := report.ServerCommand(s.Queue.Name)
	if s.StandIn != "" { // without it the server would connect to another broker
		command += " --url amqp://" + text.Escape(s.Ledger.Connection.Info.Address, 40) + "/"
	}
	return command
}

// obstacle says why no call can succeed now, or "".
func obstacle(s *lab.Snapshot) string {
	c, q := &s.Ledger.Connection, &s.Queue
	switch {
	case !c.Connected && c.Since.IsZero():
		return because("There is no connection yet", c.Reason) + " Calls wait for it until their deadline."
	case c.Denied: // long, since the text has the command that helps
		return "The broker closes the connection over each call: " + strings.TrimRight(text.Escape(c.Lost, 240), ". ") + "."
	case !c.Connected:
		next := "It is being tried again now"
		if wait := report.NextTry(c, s.Ledger.Now); wait != "" {
			next = "The next try is in " + wait
		}
		return because("The connection was lost "+text.Clock(s.Ledger.Now.Sub(c.Since))+" ago", c.Reason) + " " +
			next + ", and until then calls fail at their own deadline."
	case c.Blocked:
		return because("The broker has raised an alarm and takes no requests", c.BlockedReason) +
			" They wait in the client; clear the alarm on the broker to continue."
	case answeredLately(s): // the state of the queue is out of date
		return ""
	case q.Known && q.Err != "" && s.Ledger.Now.Sub(q.At) > brokerSilence: // without Err it has not been asked, as after ctrl+z
		return "The broker has not answered for " + text.Clock(s.Ledger.Now.Sub(q.At)) + ": it hangs, or the network to it does. Calls wait until their deadline."
	case q.Known && q.Missing:
		return missingQueue(s)
	case q.Unserved():
		return noConsumers(s)
	}
	return ""
}

func missingQueue(s *lab.Snapshot) string {
	switch name := QueueName(s); {
	case s.ServerStarting():
		return "There is no queue " + name + " yet: the server that is starting declares it."
	case StartsServers(s):
		return "There is no queue " + name + ", so calls are unroutable. Press s to start a server, which declares it."
	default:
		return "There is no queue " + name + ", so calls are unroutable. Start your server: it must declare it."
	}
}

func noConsumers(s *lab.Snapshot) string {
	nobody, start := "Nobody consumes from "+QueueName(s), "Start your server."
	if s.ServerStarting() {
		return nobody + " yet: a server is starting."
	}
	if s.Load.Waiting {
		if StartsServers(s) {
			start = "Press s to start a server, or run " + ServerCommand(s) + " in another terminal."
		}
		return nobody + ", and the load waits for a server. " + start
	}
	if StartsServers(s) {
		start = "Press s to start a server."
	}
	return nobody + ": calls wait in it and time out. " + start
}

// NoServer advises if there is no server, or none that has replied. It is "" if there is one.
func NoServer(s *lab.Snapshot) string {
	if s.Replay != nil || CanKill(s) {
		return ""
	}
	heard := slices.ContainsFunc(s.Ledger.Servers, func(r ledger.Server) bool { return r.Rate > 0 && r.Name != lab.InjectorName })
	switch q, n := &s.Queue, s.Queue.Consumers; {
	case heard && (q.Exclusive || !q.Known || n > 0):
		return ""
	case q.Known && q.Exclusive:
		return "The queue is exclusive to another connection, and no reply yet says who serves it."
	case !q.Known && q.Err != "":
		return "It is unknown who consumes from " + QueueName(s) + ", and no server has replied yet."
	case q.Known && n > 0:
		return text.Plural(n, "consumer waits", "consumers wait") + " for requests in another program, and no reply yet says which."
	case !StartsServers(s):
		return "No server. Start yours: it must consume from " + QueueName(s) + "."
	}
	return "No server. Press s to start one here, or run " + ServerCommand(s) + " in another terminal."
}

// answeredLately reports whether calls were answered in the last two seconds.
func answeredLately(s *lab.Snapshot) bool {
	all := s.Ledger.Seconds
	return slices.ContainsFunc(all[max(len(all)-2, 0):], func(s ledger.Second) bool { return s.Completed > 0 })
}

// because ends a sentence with a reason, if there is one.
func because(sentence, reason string) string {
	if reason = strings.TrimRight(text.Escape(reason, 120), ". "); reason != "" {
		return sentence + ": " + reason + "."
	}
	return sentence + "."
}

// failure says why calls fail that could succeed, or "".
func failure(s *lab.Snapshot) string {
	now, q, l := recent(s), &s.Queue, &s.Load
	ended := now.Completed + now.Failed
	waiting := text.Count(q.Ready) + " wait in the queue"
	crowded := q.Known && q.Ready > longQueue*max(q.Consumers, 1)
	another, orStart := "Start another one, or press - to reduce the load.", ""
	if StartsServers(s) {
		another, orStart = "Press s to start another one, or - to reduce the load.", ", or s to start another server"
	}

	// A longer timeout helps only if servers are slow, not if calls wait for a server.
	timeouts := 2*now.TimedOut > ended
	switch {
	case timeouts && crowded && now.Completed+now.Late > 0:
		return "Most calls time out, and " + waiting + ": too few servers for this load. " + another
	case timeouts && crowded:
		return "Calls time out, " + waiting + ", and no reply comes: the servers hang, or are very slow. Press enter on a call to see how far it came" + orStart + "."
	case now.Late > 0 && crowded:
		return "Some replies come too late: their calls have timed out, and " + waiting + " for a server. " + another
	case now.Late > 0:
		return "Some replies come too late: their calls have timed out. Press t for a longer timeout, or - to reduce the load."
	case timeouts && q.Known && !q.Exclusive:
		return "Most calls time out, although the queue has " + text.Plural(q.Consumers, "consumer", "consumers") +
			". Press enter on one to see how far it came" + orStart + "."
	case timeouts:
		return "Most calls time out. Press enter on one to see how far it came."
	}
	if 2*now.Remote > ended {
		return "The servers answer most calls with an error. Press enter on a failed call to see which."
	}
	if n := l.Progress.Backlog; l.Rate > 0 && float64(n) > l.Rate && !l.Paused { // more than a second's calls
		words := text.Count(n) + " calls are due and have not started. Press - for a lower rate"
		if crowded {
			words += orStart
		}
		return words + "."
	}
	return ""
}

// recent sums up the last seconds.
func recent(s *lab.Snapshot) (sum ledger.Second) {
	all := s.Ledger.Seconds
	for _, s := range all[max(len(all)-adviceSeconds, 0):] {
		sum.Completed += s.Completed
		sum.Failed += s.Failed
		sum.TimedOut += s.TimedOut
		sum.Remote += s.Remote
		sum.Late += s.Late
	}
	return sum
}
