package lab

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/load"
	"rpcscope/tui/text"
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
	call := l.client.Go(l.ctx, req)
	if call.ID() == "" {
		_, err := call.Result()
		l.notes.add(Failure, err.Error(), "")
		return ""
	}
	l.manual.addID(call.ID())
	what := fmt.Sprintf("call %s %s", shortID(call.ID()), name)
	seq := l.notes.add(Info, what, call.ID())
	l.start(func() { //nolint:errcheck // a closed lab needs no note
		reply, err := call.Result()
		l.reportFailure(err)
		level, outcome := l.outcome(req, reply, err)
		l.notes.rewrite(seq, level, what+": "+outcome)
	})
	return call.ID()
}

// outcome describes the outcome of a call.
func (l *Lab) outcome(req amqprpc.Request, reply amqprpc.Reply, err error) (Level, string) {
	if err == nil {
		result := fmt.Sprintf("%s in %s", bodyText(reply.Body), text.Duration(reply.Latency))
		if reply.Server != "" {
			result += " from " + reply.Server
		}
		if l.check(req, reply) != nil {
			return Failure, result + ", which is wrong"
		}
		return Success, result
	}
	var failed *amqprpc.CallError
	if !errors.As(err, &failed) {
		return Failure, err.Error()
	}
	result := failed.Outcome.String()
	switch {
	case failed.Outcome == amqprpc.Unroutable:
		result += ": no queue " + l.cfg.Queue
	case failed.Outcome == amqprpc.Timeout && failed.NotExecuted:
		result += ": it could not be sent before its deadline"
	case failed.Outcome == amqprpc.Timeout:
		result += ": no reply within " + req.Timeout.String()
	case failed.Outcome == amqprpc.ConnectionLost:
		result = fmt.Sprintf("connection lost: %v", l.conn.lossReason.Load())
	case failed.Err != nil:
		result += ": " + failed.Err.Error()
	}
	return Failure, result
}

// bodyText returns the beginning of a body, as text or else in hexadecimal.
func bodyText(body []byte) string {
	body = bytes.TrimSpace(body)
	return text.Body(string(body[:min(len(body), 256)]), len(body), 60)
}

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
	level, result := Success, fmt.Sprintf("%d completed in %s", completed, text.Duration(time.Since(began)))
	if completed < n {
		level, result = Failure, fmt.Sprintf("%s, %d failed", result, n-completed)
	}
	if wrong > 0 {
		level, result = Failure, fmt.Sprintf("%s, %d wrong", result, wrong)
	}
	return level, result
}
