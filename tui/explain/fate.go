package explain

import (
	"cmp"
	"strings"
	"time"

	"rpcscope/server/pool"
	"rpcscope/tui/text"
)

// A fate is the state of a server between two moments, as far as the pool knows.
type fate uint8

const (
	fateUnknown fate = iota
	fateAlive
	fateKilled
	fateCrashed
	fateStopped
	fateRestarted // it ended somehow, and was started again
)

// poolLag is how much later than the broker the pool may notice that a server ended, since it reads the server's output to the
// end first. Another server may have answered by then, but not the one that ended.
const poolLag = 250 * time.Millisecond

func (e *Evidence) fateOf(appID string, from, to time.Time) fate {
	for _, s := range e.Pool {
		switch {
		case !s.Answers(appID):
		case s.Restarts > 0 && s.Started.After(from):
			if s.Started.After(to) {
				return fateUnknown // the pool has forgotten the process before
			}
			return fateRestarted
		case s.State.Alive():
			return fateAlive
		case s.Ended.After(to):
			return fateAlive // at that time
		case s.Ended.Before(from):
		case s.State == pool.Killed:
			return fateKilled
		case s.State == pool.Crashed:
			return fateCrashed
		default:
			return fateStopped
		}
	}
	return fateUnknown
}

// lostBy says how the sender of before lost the request, which was then redelivered to the sender of r.
func (e *Evidence) lostBy(before, r *Reply) string {
	from := before.Time.Add(-poolLag) // it can have died before its reply arrived
	if before.clocksAgree {
		from = before.replied
	}
	to := r.Time
	if r.clocksAgree {
		to = r.received
	}
	if r.msg.AppID != before.msg.AppID { // else it was running again by then
		to = to.Add(poolLag)
	}
	switch e.fateOf(before.msg.AppID, from, to) {
	case fateKilled:
		return before.server + " died (killed)"
	case fateCrashed:
		return before.server + " died (crashed)"
	case fateStopped:
		return before.server + " was stopped"
	case fateRestarted:
		return before.server + " ended (it was started again since)"
	case fateAlive:
		return before.server + ", which was still running, lost its connection or gave the request back"
	}
	return before.server + " probably died, or lost its connection,"
}

// firstServer says which server had a redelivered request before the one that answered it.
func (e *Evidence) firstServer(r *Reply) string {
	for _, d := range e.Discarded() {
		if !d.byHand && !d.replayed && d.hasMeta && !d.redelivered && d.attempt == r.attempt {
			return d.server + " had it first"
		}
	}
	to := r.Time
	if r.clocksAgree {
		to = r.received
	}
	var lost []string
	how := " died meanwhile"
	for _, s := range e.Pool {
		until := to.Add(poolLag)
		answered := s.Answers(r.msg.AppID)
		if answered { // it can only have had the request first in an earlier process
			until = to
		}
		switch f := e.fateOf(cmp.Or(s.AppID, s.Name), r.published, until); {
		case f == fateRestarted:
			how = " ended meanwhile"
		case answered || f != fateKilled && f != fateCrashed:
			continue
		}
		lost = append(lost, text.Escape(s.Name, nameWidth))
	}
	switch len(lost) {
	case 0:
		return "probably a server died, lost its connection or gave it back before its ack"
	case 1:
		return lost[0] + how + ", so probably it had the request first"
	}
	return strings.Join(lost[:min(len(lost), 4)], ", ") + how + ", so probably one of them had the request first"
}
