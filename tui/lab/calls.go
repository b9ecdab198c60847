package lab

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/load"
)

// nextRequest makes a request for a call that is not the load's. Its random numbers
// depend on the seed alone, too.
func (l *Lab) nextRequest() amqprpc.Request {
	k := l.byHand.Add(1) - 1
	return l.request(k, rand.New(rand.NewPCG(l.cfg.Seed, ^uint64(k))))
}

// Call makes one call besides the load and returns its correlation ID at once, "" where
// none began. The note of it is rewritten when its outcome is there.
func (l *Lab) Call() (id string) {
	req := l.nextRequest()
	return l.callOne(req, (*l.work.Load()).Name(req))
}

// CallWith is [Lab.Call] with a body of one's own, which need be no number.
func (l *Lab) CallWith(body string) (id string) {
	req := l.nextRequest()
	req.Body = []byte(body)
	return l.callOne(req, fmt.Sprintf("with the body %.40q", body))
}

func (l *Lab) callOne(req amqprpc.Request, name string) (id string) {
	if l.client.InFlight() >= mostInFlight {
		l.notes.add(Failure, "no call: too many are in flight", "")
		return ""
	}
	call := l.client.Go(l.ctx, req)
	if call.ID() == "" {
		_, err := call.Result()
		l.notes.add(Failure, err.Error(), "")
		return ""
	}
	l.numbers.add(call.ID())
	what := fmt.Sprintf("call %s %s", short(call.ID()), name)
	seq := l.notes.add(Info, what, call.ID())
	err := l.start(func() {
		reply, err := call.Result()
		l.failed(err)
		mood, outcome := l.outcome(req, reply, err)
		l.notes.rewrite(seq, mood, what+": "+outcome)
	})
	if err != nil {
		l.notes.rewrite(seq, Failure, what+": "+err.Error())
	}
	return call.ID()
}

// outcome says what became of a call.
func (l *Lab) outcome(req amqprpc.Request, reply amqprpc.Reply, err error) (Level, string) {
	if err == nil {
		text := fmt.Sprintf("%s in %s", result(reply.Body), took(reply.Latency))
		if reply.Server != "" {
			text += " from " + reply.Server
		}
		if l.check(req, reply) != nil {
			return Failure, text + ", which is wrong"
		}
		return Success, text
	}
	var failed *amqprpc.CallError
	if !errors.As(err, &failed) {
		return Failure, err.Error()
	}
	text := failed.Outcome.String()
	switch {
	case failed.Outcome == amqprpc.Unroutable:
		text += ": no queue " + l.cfg.Queue
	case failed.Outcome == amqprpc.Timeout && failed.NotExecuted:
		text += ": it could not be sent before its deadline"
	case failed.Outcome == amqprpc.Timeout:
		text += ": no reply within " + req.Timeout.String()
	case failed.Outcome == amqprpc.ConnectionLost:
		text = fmt.Sprintf("connection lost: %v", l.watch.why.Load())
	case failed.Err != nil:
		text += ": " + failed.Err.Error()
	}
	return Failure, text
}

// result is a body, shortened to what fits into a line: text, or else hexadecimal.
func result(body []byte) string {
	const most = 60
	switch {
	case len(body) == 0:
		return "(empty)"
	case !isText(body):
		if len(body) <= most/2 {
			return fmt.Sprintf("0x%x", body)
		}
		return fmt.Sprintf("0x%x… (%d bytes)", body[:most/3], len(body))
	}
	if len(body) <= most {
		return strings.TrimSpace(string(body))
	}
	return fmt.Sprintf("%s%s (%d bytes)", clip(string(body[:most/2]), 20+len("…")), clipEnd(body[len(body)-5:]), len(body))
}

// isText reports whether a body can be shown as text.
func isText(body []byte) bool { return utf8.Valid(body) && bytes.IndexByte(body, 0) < 0 }

// clipEnd leaves away what is left of a character that was cut in two.
func clipEnd(b []byte) []byte {
	for len(b) > 0 && !utf8.RuneStart(b[0]) {
		b = b[1:]
	}
	return b
}

// MostBurst is how many calls of bursts may be in flight at once.
const MaxBurst = load.MaxConcurrency

// Burst makes n calls at once besides the load, 1 to [MostBurst], and returns before they
// have begun. The note of it is rewritten when all have ended.
func (l *Lab) Burst(n int) error {
	if n < 1 || n > MaxBurst {
		return l.note("", invalid("a burst of %d calls is not from 1 to %d", n, MaxBurst))
	}
	if l.bursts.Add(int64(n)) > MaxBurst {
		l.bursts.Add(int64(-n))
		return l.note("", errors.New("no burst: too many calls of bursts are in flight"))
	}
	what := fmt.Sprintf("burst of %d", n)
	seq := l.notes.add(Info, what, "")
	err := l.start(func() {
		defer l.bursts.Add(int64(-n))
		mood, outcome := l.burst(n)
		l.notes.rewrite(seq, mood, what+": "+outcome)
	})
	if err != nil {
		l.bursts.Add(int64(-n))
		l.notes.rewrite(seq, Failure, what+": "+err.Error())
	}
	return err
}

func (l *Lab) burst(n int) (Level, string) {
	began := time.Now()
	calls, reqs := make([]*amqprpc.Call, n), make([]amqprpc.Request, n)
	for i := range calls {
		reqs[i] = l.nextRequest()
		calls[i] = l.client.Go(l.ctx, reqs[i])
		l.numbers.add(calls[i].ID())
	}
	completed, wrong := 0, 0
	for i, call := range calls {
		reply, err := call.Result()
		switch {
		case err != nil:
			l.failed(err)
			continue
		case l.check(reqs[i], reply) != nil:
			wrong++
		}
		completed++
	}
	mood, text := Success, fmt.Sprintf("%d completed in %s", completed, took(time.Since(began)))
	if completed < n {
		mood, text = Failure, fmt.Sprintf("%s, %d failed", text, n-completed)
	}
	if wrong > 0 {
		mood, text = Failure, fmt.Sprintf("%s, %d wrong", text, wrong)
	}
	return mood, text
}
