package tour

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// A player plays one scenario. Its methods use the lab, wait for the result and collect facts. After
// the first error they do nothing and return zero values, so a scenario need not check for errors.
type player struct {
	*Session
	ctx   context.Context
	lab   Lab // the session's, unless a test intercepts it
	err   error
	facts []Fact
}

// fact adds a part of the claim.
func (p *player) fact(ok bool, want, format string, args ...any) {
	if p.err == nil {
		p.facts = append(p.facts, Fact{Want: pool.ShortNames(want), Got: pool.ShortNames(fmt.Sprintf(format, args...)), OK: ok})
	}
}

// try calls f and keeps its error.
func (p *player) try(what string, f func() error) {
	if p.err != nil {
		return
	}
	if err := f(); err != nil {
		p.err = fmt.Errorf("%s: %w", pool.ShortNames(what), err)
	}
}

// do calls f.
func (p *player) do(f func()) {
	if p.err == nil {
		f()
	}
}

const pollInterval = 10 * time.Millisecond

// until waits until a condition holds.
func (p *player) until(what string, holds func(lab.Snapshot) bool) {
	if p.err != nil {
		return
	}
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		snap := p.lab.Snapshot(lab.Query{})
		switch {
		case snap.Err != nil:
			p.err = snap.Err
			return
		case p.denied.Load() != nil:
			p.err = p.denied.Load()
			return
		case holds(snap):
			return
		}
		select {
		case <-ticker.C:
		case <-p.ctx.Done():
			p.err = fmt.Errorf("waited in vain until %s", pool.ShortNames(what))
			return
		}
	}
}

// snapshot returns the lab's current state with all rows.
func (p *player) snapshot() lab.Snapshot {
	if p.err != nil {
		return lab.Snapshot{}
	}
	const all = 4096
	return p.lab.Snapshot(lab.Query{Ledger: ledger.Query{Completed: all, Failed: all, Duplicates: all, Orphans: all}})
}

// server starts a server and returns its name.
func (p *player) server(flags ...string) (name string) {
	p.try("start a server", func() (err error) {
		name, err = p.lab.StartServer(p.ctx, flags...)
		return err
	})
	return name
}

// faultyServer starts a server with a fault.
func (p *player) faultyServer(fault string, flags ...string) (name string) {
	p.try("set a fault", func() error { return p.lab.SetFault(fault) })
	return p.server(flags...)
}

func (p *player) stop(names ...string) {
	for _, name := range names {
		p.try("stop "+name, func() error { return p.lab.StopServer(p.ctx, name) })
	}
}

func (p *player) stopAll() {
	for _, s := range p.snapshot().Pool {
		if s.State.Alive() {
			p.stop(s.Name)
		}
	}
}

func (p *player) setTimeout(d time.Duration) {
	p.try("set the timeout", func() error { return p.lab.SetTimeout(d) })
}

// start makes a call and returns its ID.
func (p *player) start(call func() (id string)) (id string) {
	p.try("make a call", func() error {
		if id = call(); id == "" {
			return errors.New("it did not start")
		}
		return nil
	})
	return id
}

// startCalls makes n calls and returns their IDs.
func (p *player) startCalls(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = p.start(p.lab.Call)
	}
	return ids
}

// call makes a call and waits until it has ended.
func (p *player) call() ledger.Story { return p.result(p.start(p.lab.Call)) }

// result waits until a call has ended.
func (p *player) result(id string) ledger.Story {
	p.until("a call ends", func(lab.Snapshot) bool { return p.hasEnded(id) })
	if p.err != nil {
		return ledger.Story{}
	}
	story, _ := p.lab.Inspect(id)
	return story
}

func (p *player) hasEnded(id string) bool {
	story, ok := p.lab.Inspect(id)
	return ok && story.Ours && story.Outcome != amqprpc.InFlight
}

// untilDead waits until a server has died. If it lives, the last of the calls ends the wait.
func (p *player) untilDead(server string, ids []string) {
	p.until(server+" dies", func(snap lab.Snapshot) bool {
		return status(snap, server).State == pool.Crashed || p.hasEnded(ids[len(ids)-1])
	})
}

// isDead reports whether a server has died, and says so in words.
func (p *player) isDead(server string) (bool, string) {
	if status(p.snapshot(), server).State == pool.Crashed {
		return true, server + " died"
	}
	return false, server + " lives"
}

// factLives claims that a server still is its first process.
func (p *player) factLives(name string) {
	s := status(p.snapshot(), name)
	got := fmt.Sprintf("is %v, after %d restarts", s.State, s.Restarts)
	if s.State == pool.Running && s.Restarts == 0 {
		got = "lives"
	}
	p.fact(got == "lives", name+" lives", "%s %s", name, got)
}

// checkInvariants adds a fact for each invariant of the ledger that does not hold.
func (p *player) checkInvariants() {
	snap := p.snapshot()
	if err := snap.Ledger.Broken(); err != nil {
		p.fact(false, "the ledger to balance", "%v", err)
	}
	if n := snap.Ledger.Calls.Wrong; n > 0 {
		p.fact(false, "right answers", "%s", text.Plural(n, "wrong answer", "wrong answers"))
	}
}

// status returns the status of a server, or a zero one.
func status(snap lab.Snapshot, name string) (s pool.Status) {
	for _, s := range snap.Pool {
		if s.Name == name {
			return s
		}
	}
	return s
}

// outcome returns the outcome of a call, or the code of its error reply.
func outcome(story ledger.Story) string {
	if m := lab.Answer(story); m != nil {
		if code, _ := m.Header(amqprpc.HeaderError); code.Value != "" {
			return code.Value
		}
	}
	return story.Outcome.String()
}

// elapsed returns how long a call took.
func elapsed(story ledger.Story) time.Duration { return story.Ended.Sub(story.Sent) }
