package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/text"
)

// A Step is a row of a waterfall: a moment, or a phase that ends in one.
type Step struct {
	Key      StepKey
	From, At time.Time // From is zero for a moment
	Mark     rune
	Words    string
	Tone     Tone
}

// A StepKey identifies a step while a story grows.
type StepKey struct {
	Event int // index of its event, or of the last event before it
	part  stepPart
}

type stepPart uint8

const (
	wholeEvent     stepPart = iota
	serverReceived          // as the reply of the event says
	serverReplied
	meantToStart
	deadline
	untilNow
)

// A Tone is the meaning of a step, which a screen shows as a colour.
type Tone uint8

// The tones.
const (
	Neutral Tone = iota
	Faint
	InFlight
	Completed
	Failed
	Wrong
	Duplicate
	Orphaned
	Retried
)

// Steps returns the steps of the story in the order of time.
func (e *Evidence) Steps() []Step {
	var all []Step
	add := func(s Step) {
		if s.Mark == 0 {
			s.Mark = '◆'
		}
		if s.From.After(s.At) {
			s.From = time.Time{}
		}
		all = append(all, s)
	}
	if e.Ours && e.Sent.Sub(e.Intended) >= minLateStart && !e.Intended.IsZero() {
		add(Step{Key: StepKey{0, meantToStart}, At: e.Intended, Words: "meant to start", Tone: Faint})
	}
	waitsSince := e.Sent // to be published
	replies := 0
	for i := range e.Events {
		ev := &e.Events[i]
		s := Step{Key: StepKey{Event: i}, At: ev.Time}
		switch ev.Kind {
		case amqprpc.EventSent:
			s.Words = "sent: the call begins"
		case amqprpc.EventPublished:
			s.From, s.Words = waitsSince, "published"
			if m := e.messages[i]; m != nil && m.Exchange == "" {
				s.Words += " to " + text.Escape(m.RoutingKey, nameWidth)
			}
			s.Words += attemptSuffix(ev.Attempt)
		case amqprpc.EventConfirmed:
			s.Words = "confirmed by the broker" + attemptSuffix(ev.Attempt)
		case amqprpc.EventReturned:
			s.Words, s.Tone = fmt.Sprintf("returned: %d %s%s", ev.Code, text.Escape(ev.Text, 40), attemptSuffix(ev.Attempt)), Failed
		case amqprpc.EventNacked:
			s.Words, s.Tone = "refused by the broker (nack)"+attemptSuffix(ev.Attempt), Failed
		case amqprpc.EventRetry:
			waitsSince = ev.Time
			s.Words, s.Tone = "retry, "+Outcome(ev.Outcome), Retried
			if ev.Delay > 0 {
				s.Words = "retry in " + text.Duration(ev.Delay) + ", " + Outcome(ev.Outcome)
			}
		case amqprpc.EventFailed:
			s.Mark, s.Words, s.Tone = '✗', Outcome(ev.Outcome), Failed
			if _, detail, cut := strings.Cut(ev.Text, ": "); cut {
				s.Words += ": " + text.Escape(detail, 60)
			}
		case ledger.EventWrong:
			s.Mark, s.Words, s.Tone = '✗', "wrong: "+text.Escape(ev.Text, 60), Wrong
		case amqprpc.EventReply:
			r := &e.replies[replies]
			serverSteps(r, e.replies[:replies], add)
			e.replyStep(&s, r)
			replies++
		default:
			s.Words = text.Escape(ev.Kind.String(), nameWidth)
		}
		add(s)
	}
	e.clockSteps(all, add)
	slices.SortStableFunc(all, func(a, b Step) int {
		switch c := a.At.Compare(b.At); {
		case c != 0:
			return c
		case a.Key.part == deadline: // precedes the events that it causes
			return -1
		case b.Key.part == deadline:
			return 1
		}
		return 0
	})
	return all
}

// serverSteps adds the times by the server's clock, unless an earlier reply to the same delivery had the same.
func serverSteps(r *Reply, before []Reply, add func(Step)) {
	if !r.clocksAgree || slices.ContainsFunc(before, func(b Reply) bool { return r.sameDelivery(&b) && r.replied.Equal(b.replied) }) {
		return
	}
	received := Step{Key: StepKey{r.event, serverReceived}, From: r.published, At: r.received, Words: "received by " + r.server}
	if r.redelivered { // its path since the publish is unknown
		received.From, received.Words = time.Time{}, "redelivered to "+r.server
	}
	add(received)
	replied := Step{Key: StepKey{r.event, serverReplied}, From: r.received, At: r.replied, Words: "replied by " + r.server}
	if r.replayed {
		replied.Words += ", from its store"
	}
	add(replied)
}

func (e *Evidence) replyStep(s *Step, r *Reply) {
	switch {
	case r.clocksAgree:
		s.From = r.replied
	case r.Class == amqprpc.Answer && !r.byHand:
		s.From = r.published
	}
	switch r.Class {
	case amqprpc.Answer:
		s.Mark, s.Words, s.Tone = '✓', "answer "+r.body(), Completed
		if e.Outcome == amqprpc.Remote {
			s.Mark, s.Tone = '✗', Failed
		}
	case amqprpc.Duplicate:
		s.Words, s.Tone = "duplicate "+r.body(), Duplicate
	default:
		s.Words, s.Tone = text.Escape(r.Class.String(), nameWidth)+" reply "+r.body(), Orphaned
	}
	switch {
	case r.deadLetter:
		s.Words = "the request itself, dead-lettered"
	case r.byHand:
		s.Words += ", by hand"
	case !r.clocksAgree:
		s.Words += " from " + r.server
		if !r.received.IsZero() && !r.published.IsZero() {
			s.Words += " (its clock differs)"
		}
	}
}

// clockSteps adds the deadline, and the present if the call is in flight.
func (e *Evidence) clockSteps(all []Step, add func(Step)) {
	if !e.Ours {
		return
	}
	end := e.Sent
	for _, s := range all {
		if s.At.After(end) {
			end = s.At
		}
	}
	inFlight := e.Outcome == amqprpc.InFlight
	if inFlight && e.Now.After(end) {
		from := e.lastAttempt().published
		if from.IsZero() {
			from = e.Sent
		}
		add(Step{Key: StepKey{len(e.Events) - 1, untilNow}, From: from, At: e.Now, Mark: '○', Words: "now, no reply yet", Tone: InFlight})
	}
	if !e.Deadline.IsZero() && (inFlight || !e.Deadline.After(end)) {
		add(Step{Key: StepKey{0, deadline}, At: e.Deadline, Mark: '│', Words: "deadline", Tone: Faint})
	}
}

// MainStep returns the step to select first: the discarded reply that arrived at the given time, else the answer, else the last
// reply, else the request.
func (e *Evidence) MainStep(arrived time.Time) StepKey {
	for _, r := range e.Discarded() {
		if r.Time.Equal(arrived) {
			return StepKey{Event: r.event}
		}
	}
	if r := e.answer(); r != nil {
		return StepKey{Event: r.event}
	}
	if n := len(e.replies); n > 0 {
		return StepKey{Event: e.replies[n-1].event}
	}
	return StepKey{Event: e.lastAttempt().event}
}

// MessageOf returns the index of the event whose message belongs to a step: its own, or else that of its request. It returns -1
// if there is none.
func (e *Evidence) MessageOf(k StepKey) int {
	if k.part <= serverReplied && k.Event < len(e.Events) {
		if e.messages[k.Event] != nil {
			return k.Event
		}
		if a := e.attemptOf(e.Events[k.Event].Attempt); !a.published.IsZero() && e.messages[a.event] != nil {
			return a.event
		}
	}
	for i := len(e.attempts) - 1; i >= 0; i-- {
		if e.messages[e.attempts[i].event] != nil {
			return e.attempts[i].event
		}
	}
	return -1
}

// Message returns the message of an event, or nil.
func (e *Evidence) Message(event int) *ledger.Message {
	if event < 0 {
		return nil
	}
	return e.messages[event]
}

// MessageTitle names the message of an event.
func (e *Evidence) MessageTitle(event int) string {
	if event < 0 {
		return "No message"
	}
	for i := range e.replies {
		if r := &e.replies[i]; r.event == event {
			return "Reply " + text.Count(i+1) + ", " + text.Escape(r.Class.String(), nameWidth) + ", from " + r.server
		}
	}
	return "Request" + attemptSuffix(e.Events[event].Attempt)
}

func attemptSuffix(attempt int) string {
	if attempt > 1 {
		return fmt.Sprintf(", attempt %d", attempt)
	}
	return ""
}
