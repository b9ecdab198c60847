package lab

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/load"
)

// maxNumbered bounds how many manual calls have a number.
const maxNumbered = 10_000

// manualCalls counts the calls of Call, CallWith and Burst.
type manualCalls struct {
	made     atomic.Int64 // requests
	inBursts atomic.Int64 // calls of bursts that have not ended
	mu       sync.Mutex
	numbers  map[string]int
}

func (m *manualCalls) addID(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.numbers == nil {
		m.numbers = make(map[string]int)
	}
	if id != "" && len(m.numbers) < maxNumbered {
		m.numbers[id] = len(m.numbers) + 1
	}
}

// Number returns the number of a call of [Lab.Call], [Lab.CallWith] or [Lab.Burst], from 1 in the
// order in which they started. It returns 0 for other calls, and after the first 10,000.
func (l *Lab) Number(id string) int {
	l.manual.mu.Lock()
	defer l.manual.mu.Unlock()
	return l.manual.numbers[id]
}

// nextRequest returns the next request of a manual call. Its random numbers depend on the seed.
func (l *Lab) nextRequest() amqprpc.Request {
	k := l.manual.made.Add(1) - 1
	return l.request(k, rand.New(rand.NewPCG(l.cfg.Seed, ^uint64(k))))
}

// Call makes one call beside the load and returns its correlation ID at once, or "" if it failed.
// The note of the call is rewritten when it ends.
func (l *Lab) Call() (id string) {
	req := l.nextRequest()
	return l.callOne(req, (*l.workload.Load()).Name(req))
}

// CallWith is [Lab.Call] with another body.
func (l *Lab) CallWith(body string) (id string) {
	req := l.nextRequest()
	req.Body = []byte(body)
	return l.callOne(req, fmt.Sprintf("with the body %.40q", body))
}

func (l *Lab) callOne(req amqprpc.Request, name string) (id string) {
	if l.client.InFlight() >= maxInFlight {
		l.notes.add(Failure, "no call: too many are in flight", "")
		return ""
	}
	call := l.client.Go(l.ctx, req)
	if call.ID() == "" {
		_, err := call.Result()
		l.notes.add(Failure, err.Error(), "")
		return ""
	}
	l.manual.addID(call.ID())
	what := fmt.Sprintf("call %s %s", shortID(call.ID()), name)
	seq := l.notes.add(Info, what, call.ID())
	err := l.start(func() {
		reply, err := call.Result()
		l.reportFailure(err)
		level, outcome := l.outcome(req, reply, err)
		l.notes.rewrite(seq, level, what+": "+outcome)
	})
	if err != nil {
		l.notes.rewrite(seq, Failure, what+": "+err.Error())
	}
	return call.ID()
}

// outcome describes the outcome of a call.
func (l *Lab) outcome(req amqprpc.Request, reply amqprpc.Reply, err error) (Level, string) {
	if err == nil {
		text := fmt.Sprintf("%s in %s", bodyText(reply.Body), formatDuration(reply.Latency))
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
		text = fmt.Sprintf("connection lost: %v", l.conn.lossReason.Load())
	case failed.Err != nil:
		text += ": " + failed.Err.Error()
	}
	return Failure, text
}

// bodyText returns a body in at most some 60 characters: as text, or else in hexadecimal.
func bodyText(body []byte) string {
	const max = 60
	switch {
	case len(body) == 0:
		return "(empty)"
	case !isText(body) && len(body) <= max/2:
		return fmt.Sprintf("0x%x", body)
	case !isText(body):
		return fmt.Sprintf("0x%x… (%d bytes)", body[:max/3], len(body))
	case len(body) <= max:
		return strings.TrimSpace(string(body))
	}
	end := body[len(body)-5:]
	for len(end) > 0 && !utf8.RuneStart(end[0]) {
		end = end[1:]
	}
	return fmt.Sprintf("%s%s (%d bytes)", clip(string(body[:max/2]), 20+len("…")), end, len(body))
}

// isText reports whether a body can be shown as text.
func isText(body []byte) bool { return utf8.Valid(body) && bytes.IndexByte(body, 0) < 0 }

// MaxBurst is how many calls of bursts may be in flight at once.
const MaxBurst = load.MaxConcurrency

// Burst makes n calls at once beside the load, 1 to [MaxBurst], and returns before they have
// started. Its note is rewritten when all have ended.
func (l *Lab) Burst(n int) error {
	if n < 1 || n > MaxBurst {
		return l.noteResult("", invalid("a burst of %d calls is not from 1 to %d", n, MaxBurst))
	}
	if l.manual.inBursts.Add(int64(n)) > MaxBurst {
		l.manual.inBursts.Add(int64(-n))
		return l.noteResult("", errors.New("no burst: too many calls of bursts are in flight"))
	}
	what := fmt.Sprintf("burst of %d", n)
	seq := l.notes.add(Info, what, "")
	err := l.start(func() {
		defer l.manual.inBursts.Add(int64(-n))
		level, outcome := l.burst(n)
		l.notes.rewrite(seq, level, what+": "+outcome)
	})
	if err != nil {
		l.manual.inBursts.Add(int64(-n))
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
		l.manual.addID(calls[i].ID())
	}
	completed, wrong := 0, 0
	for i, call := range calls {
		reply, err := call.Result()
		if err != nil {
			l.reportFailure(err)
			continue
		}
		completed++
		if l.check(reqs[i], reply) != nil {
			wrong++
		}
	}
	level, text := Success, fmt.Sprintf("%d completed in %s", completed, formatDuration(time.Since(began)))
	if completed < n {
		level, text = Failure, fmt.Sprintf("%s, %d failed", text, n-completed)
	}
	if wrong > 0 {
		level, text = Failure, fmt.Sprintf("%s, %d wrong", text, wrong)
	}
	return level, text
}
