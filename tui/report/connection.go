package report

import (
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/text"
)

// ConnectionTrouble says why no requests can be sent, the longest form first. It returns nil if they can.
func ConnectionTrouble(c *ledger.Connection, now time.Time) []string {
	next := ", trying now"
	if wait := NextTry(c, now); wait != "" {
		next = ", next try in " + wait
	}
	switch {
	case !c.Connected && c.Since.IsZero():
		return []string{"connecting"}
	case c.Denied && c.Connected: // the connection comes and goes with each call
		return []string{"permission missing"}
	case c.Denied:
		return []string{"permission missing" + next, "permission missing"}
	case !c.Connected:
		lost := "reconnecting, lost " + text.Clock(now.Sub(c.Since)) + " ago"
		return []string{lost + next, lost, "reconnecting"}
	case c.Blocked:
		const blocked = "blocked by an alarm"
		return []string{blocked + " for " + text.Clock(now.Sub(c.BlockedSince)), blocked, "blocked"}
	}
	return nil
}

// NextTry says how long it is until the client connects again, or "" if it does so now.
func NextTry(c *ledger.Connection, now time.Time) string {
	if wait := c.NextTry.Sub(now); !c.NextTry.IsZero() && wait >= time.Second/2 {
		return text.Clock(wait)
	}
	return ""
}
