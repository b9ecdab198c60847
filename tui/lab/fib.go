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

// MostFib is the greatest n of a load. Its answer has 209,000 digits.
const MaxFib = 1_000_000

// mostAnswers is how much memory right answers may take, in bytes.
const mostAnswers = 16 << 20

// A Fib is the fib load: which n to ask for, and whether an answer is right. Its methods
// may be called from many goroutines at once.
type Fib struct {
	text     string
	from, to int

	mu    sync.Mutex
	known map[int][]byte // right answers, computed here when first needed
	size  int            // of them, in bytes
}

// ParseFib reads "30" or "20-35", from 0 to [MostFib]. The error is an
// amqprpc.ErrInvalidConfig and begins with what was read, quoted.
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
	return &Fib{text: s, from: from, to: to, known: make(map[int][]byte)}, nil
}

// String returns what [ParseFib] read.
func (f *Fib) String() string { return f.text }

// Request makes the request number k: it is a load.Source.
func (f *Fib) Request(_ int64, rng *rand.Rand) amqprpc.Request {
	return amqprpc.Request{Body: strconv.AppendInt(nil, int64(f.draw(rng)), 10), ContentType: "text/plain"}
}

// draw chooses an n.
func (f *Fib) draw(rng *rand.Rand) int {
	if f.to == f.from {
		return f.from
	}
	return f.from + rng.IntN(f.to-f.from+1)
}

// Name returns fib(30), say.
func (f *Fib) Name(req amqprpc.Request) string { return fmt.Sprintf("fib(%.40s)", req.Body) }

// Describe fills in what of a run's configuration is about what is asked for.
func (f *Fib) Describe(c *report.RunConfig) { c.Fib = f.text }

// Check returns an error where the reply is not fib(n) for the n that was requested,
// whether or not this Fib would have requested it. It may quote the reply.
func (f *Fib) Check(req amqprpc.Request, reply amqprpc.Reply) error {
	n, err := strconv.Atoi(string(req.Body))
	if err != nil {
		return err
	}
	right, err := f.right(n)
	if err != nil {
		return err
	}
	if !bytes.Equal(bytes.TrimSpace(reply.Body), right) {
		return fmt.Errorf("fib(%d) is not %.40q, says %.40q", n, reply.Body, reply.Server)
	}
	return nil
}

func (f *Fib) right(n int) ([]byte, error) {
	f.mu.Lock()
	b, ok := f.known[n]
	f.mu.Unlock()
	if ok {
		return b, nil
	}
	v, err := server.Doubling.Fib(context.Background(), n)
	if err != nil {
		return nil, err
	}
	b = []byte(v.String())
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.known[n]; !ok && f.size+len(b) <= mostAnswers {
		f.known[n] = b
		f.size += len(b)
	}
	return b, nil
}
