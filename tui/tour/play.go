package tour

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
)

// A play is a scenario that is being played: verbs that wait until they are done, and the
// facts that it has come to. After the first error nothing more is done, and what there is
// to see is empty: a scenario need not look at each step whether it went well.
type play struct {
	ctx   context.Context
	lab   Lab
	err   error
	facts []Fact
	pace  Pace
	steps *steps

	folder string // of the stage

	denied *atomic.Pointer[amqprpc.PermissionError] // for want of which calls fail, if they do
}

// fact enters a part of the claim: whether it holds, what was expected, what is so.
func (p *play) fact(ok bool, want, format string, args ...any) {
	if p.err == nil {
		p.facts = append(p.facts, Fact{Want: pool.ShortNames(want), Got: pool.ShortNames(fmt.Sprintf(format, args...)), OK: ok})
	}
}

// try does one thing.
func (p *play) try(what string, f func() error) {
	if p.err != nil {
		return
	}
	if err := f(); err != nil {
		p.err = fmt.Errorf("%s: %w", pool.ShortNames(what), err)
	}
}

// do does one thing that cannot fail.
func (p *play) do(f func()) {
	if p.err == nil {
		f()
	}
}

// pollEvery is how often a play looks whether what it waits for has happened.
const pollEvery = 10 * time.Millisecond

// until waits until something holds, and returns the numbers of then.
func (p *play) until(what string, holds func(lab.Snapshot) bool) lab.Snapshot {
	if p.err != nil {
		return lab.Snapshot{}
	}
	turn := time.NewTicker(pollEvery)
	defer turn.Stop()
	for {
		look := p.lab.Snapshot(lab.Query{})
		switch {
		case look.Err != nil:
			p.err = look.Err
			return lab.Snapshot{}
		case p.denied.Load() != nil:
			p.err = p.denied.Load()
			return lab.Snapshot{}
		case holds(look):
			return look
		}
		select {
		case <-turn.C:
		case <-p.ctx.Done():
			p.err = fmt.Errorf("waited in vain until %s", pool.ShortNames(what))
			return lab.Snapshot{}
		}
	}
}

// look returns what there is to see now, with all rows that are remembered.
func (p *play) look() lab.Snapshot {
	if p.err != nil {
		return lab.Snapshot{}
	}
	const all = 4096
	return p.lab.Snapshot(lab.Query{Ledger: ledger.Query{Completed: all, Failed: all, Duplicates: all, Orphans: all}})
}

// server starts a server with these flags and returns its name.
func (p *play) server(flags ...string) (name string) {
	p.try("start a server", func() (err error) {
		name, err = p.lab.StartServerWith(p.ctx, flags...)
		return err
	})
	return name
}

// faulty starts a server that does something wrong.
func (p *play) faulty(fault string, flags ...string) (name string) {
	p.try("set a fault", func() error { return p.lab.SetFault(fault) })
	return p.server(flags...)
}

func (p *play) stop(names ...string) {
	for _, name := range names {
		p.try("stop "+name, func() error { return p.lab.StopServer(p.ctx, name) })
	}
}

// stopAll stops all servers that run.
func (p *play) stopAll() {
	for _, s := range p.look().Pool {
		if s.State.Alive() {
			p.stop(s.Name)
		}
	}
}

func (p *play) timeout(d time.Duration) {
	p.try("set the timeout", func() error { return p.lab.SetTimeout(d) })
}

// begin makes one call and returns its ID at once.
func (p *play) begin() (id string) { return p.calling(p.lab.Call) }

// call makes one call and waits until it has ended.
func (p *play) call() ledger.Story { return p.ended(p.begin()) }

// callWith makes one call with a body of its own, and waits until it has ended.
func (p *play) callWith(body string) ledger.Story {
	return p.ended(p.calling(func() string { return p.lab.CallWith(body) }))
}

func (p *play) calling(f func() string) (id string) {
	p.try("make a call", func() error {
		if id = f(); id == "" {
			return errors.New("none began")
		}
		return nil
	})
	return id
}

// ended waits until a call has ended, as it does by its deadline at the latest.
func (p *play) ended(id string) ledger.Story {
	p.until("a call ends", func(lab.Snapshot) bool { return p.hasEnded(id) })
	if p.err != nil {
		return ledger.Story{}
	}
	story, _ := p.lab.Inspect(id)
	return story
}

func (p *play) hasEnded(id string) bool {
	story, ok := p.lab.Inspect(id)
	return ok && story.Ours && story.Outcome != amqprpc.InFlight
}

// status returns what is known of a server that was started here.
func status(look lab.Snapshot, name string) (s pool.Status) {
	for _, s := range look.Pool {
		if s.Name == name {
			return s
		}
	}
	return s
}

// lives claims that a server is still the process that it was.
func (p *play) lives(name string) {
	s := status(p.look(), name)
	p.fact(s.State == pool.Running && s.Restarts == 0, name+" lives", "%s %s", name, alive(s))
}

func alive(s pool.Status) string {
	switch {
	case s.State == pool.Running && s.Restarts == 0:
		return "lives"
	case s.State == pool.Running:
		return "had to be started again"
	}
	return "is " + s.State.String()
}

// alwaysTrue claims what must hold in every scenario, in as many words only where it does
// not.
func (p *play) alwaysTrue() {
	look := p.look()
	if err := look.Ledger.Broken(); err != nil {
		p.fact(false, "the books to balance", "%v", err)
	}
	if n := look.Ledger.Calls.Wrong; n > 0 {
		p.fact(false, "right answers", "%s", things(n, "wrong answer", "wrong answers"))
	}
}

// answer is the reply that a call ended with, nil where there is none.
func answer(story ledger.Story) *ledger.Message {
	for i := range story.Events {
		e := &story.Events[i]
		if e.Kind == amqprpc.EventReply && e.Class == amqprpc.Answer {
			return e.Message()
		}
	}
	return nil
}

// remoteCode is the code of the error that a call was answered with, "" where it was not.
func remoteCode(story ledger.Story) string {
	m := answer(story)
	if m == nil {
		return ""
	}
	h, _ := m.Header(amqprpc.HeaderError)
	return h.Value
}

// outcome is what a call ended in: with its code, where it was answered with an error.
func outcome(story ledger.Story) string {
	if code := remoteCode(story); code != "" {
		return code
	}
	return story.Outcome.String()
}

func things[N ~int | ~uint64](n N, one, many string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, one)
	}
	return fmt.Sprintf("%d %s", n, many)
}

func percent(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) }

// seconds writes a time with as many digits as matter.
func seconds(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// list writes words with commas between them.
func list(words []string) string { return strings.Join(words, ", ") }
