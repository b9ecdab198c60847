package main

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
)

// fibs is the fib load: which n to ask for, and whether an answer is right.
type fibs struct {
	from, to int
	mu       sync.Mutex
	known    map[int][]byte // right answers, computed here when first needed
}

// mostFib is the greatest n of a load. Its answer has 209,000 digits.
const mostFib = 1_000_000

// parseFibs reads "30" or "20-35".
func parseFibs(s string) (*fibs, error) {
	low, high, isRange := strings.Cut(s, "-")
	if !isRange {
		high = low
	}
	from, err1 := strconv.Atoi(low)
	to, err2 := strconv.Atoi(high)
	if err1 != nil || err2 != nil || from < 0 || to < from || to > mostFib {
		return nil, fmt.Errorf("--fib %.40q is neither a number nor a range such as 20-35, from 0 to %d", s, mostFib)
	}
	return &fibs{from: from, to: to, known: make(map[int][]byte)}, nil
}

// request makes the request number k.
func (f *fibs) request(_ int, rng *rand.Rand) amqprpc.Request {
	n := f.from
	if f.to > f.from {
		n += rng.IntN(f.to - f.from + 1)
	}
	return amqprpc.Request{Body: strconv.AppendInt(nil, int64(n), 10), ContentType: "text/plain"}
}

// check returns an error where the reply is not fib(n).
func (f *fibs) check(req amqprpc.Request, reply amqprpc.Reply) error {
	n, err := strconv.Atoi(string(req.Body))
	if err != nil {
		return err
	}
	if !bytes.Equal(bytes.TrimSpace(reply.Body), f.right(n)) {
		return fmt.Errorf("fib(%d) is not %.40q, says %.40q", n, reply.Body, reply.Server)
	}
	return nil
}

func (f *fibs) right(n int) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b, ok := f.known[n]; ok {
		return b
	}
	v, err := server.Doubling.Fib(context.Background(), n)
	if err != nil {
		return nil // cannot be: n is in range and the context does not end
	}
	b := []byte(v.String())
	const most = 4096 // answers kept
	if len(f.known) < most {
		f.known[n] = b
	}
	return b
}
