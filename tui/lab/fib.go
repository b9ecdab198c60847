package lab

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"

	"rpcscope/amqprpc"
	"rpcscope/server"
	"rpcscope/tui/report"
)

// MaxFib is the greatest n of a load. Its answer has 209,000 digits.
const MaxFib = 1_000_000

// maxAnswers bounds the memory for right answers, in bytes.
const maxAnswers = 16 << 20

// A Fib is the workload for fibserver: it requests n from a range and checks the answers.
type Fib struct {
	text     string
	from, to int

	mu      sync.Mutex
	answers map[int][]byte // computed when first needed
	size    int            // of answers, in bytes
}

// ParseFib reads "30" or "20-35", from 0 to [MaxFib]. The error is an amqprpc.ErrInvalidConfig that
// begins with the quoted text.
func ParseFib(s string) (*Fib, error) {
	low, high, isRange := strings.Cut(s, "-")
	if !isRange {
		high = low
	}
	from, err1 := strconv.Atoi(low)
	to, err2 := strconv.Atoi(high)
	switch {
	case err1 != nil || err2 != nil:
		return nil, invalid("%.40q is neither a number nor a range such as 20-35, from 0 to %d", s, MaxFib)
	case from < 0 || max(from, to) > MaxFib:
		return nil, invalid("%.40q is not within 0 to %d", s, MaxFib)
	case to < from:
		return nil, invalid("%.40q is a reversed range: write %d-%d", s, to, from)
	}
	return &Fib{text: s, from: from, to: to, answers: make(map[int][]byte)}, nil
}

// String returns the text that [ParseFib] has read.
func (f *Fib) String() string { return f.text }

// Request implements [Workload].
func (f *Fib) Request(_ int64, rng *rand.Rand) amqprpc.Request {
	return amqprpc.Request{Body: strconv.AppendInt(nil, int64(f.draw(rng)), 10), ContentType: "text/plain"}
}

// draw returns a random n of the range.
func (f *Fib) draw(rng *rand.Rand) int {
	if f.to == f.from {
		return f.from
	}
	return f.from + rng.IntN(f.to-f.from+1)
}

// Name implements [Workload]. It returns fib(30), for example.
func (f *Fib) Name(req amqprpc.Request) string { return fmt.Sprintf("fib(%.40s)", req.Body) }

// Describe implements [Workload].
func (f *Fib) Describe(c *report.RunConfig) { c.Fib = f.text }

// Check implements [Workload]. It checks requests outside of the range too.
func (f *Fib) Check(req amqprpc.Request, reply amqprpc.Reply) error {
	n, err := strconv.Atoi(string(req.Body))
	if err != nil {
		return err
	}
	answer, err := f.answer(n)
	if err != nil {
		return err
	}
	if !bytes.Equal(bytes.TrimSpace(reply.Body), answer) {
		return fmt.Errorf("fib(%d) is not %.40q, says %.40q", n, reply.Body, reply.Server)
	}
	return nil
}

func (f *Fib) answer(n int) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b, ok := f.answers[n]; ok {
		return b, nil
	}
	v, err := server.Doubling.Fib(context.Background(), n)
	if err != nil {
		return nil, err
	}
	b := []byte(v.String())
	if f.size+len(b) <= maxAnswers {
		f.answers[n] = b
		f.size += len(b)
	}
	return b, nil
}
