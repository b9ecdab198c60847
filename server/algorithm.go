package server

import (
	"context"
	"fmt"
	"math/big"
	"math/bits"
	"strings"
)

// An Algorithm computes Fibonacci numbers. The zero value is [Recursive], the tutorial's. A
// pointer to an Algorithm is a pflag.Value.
type Algorithm int

const (
	// Recursive calls itself twice: the work is exponential, 1.6 times more for each n.
	Recursive Algorithm = iota
	// Iterative adds n times. The numbers grow, so the work is quadratic.
	Iterative
	// Doubling computes fib(2k) and fib(2k+1) from fib(k) and fib(k+1), with about 2*log2(n)
	// long multiplications.
	Doubling
)

// The default maximum takes about ten seconds on one core, decimal digits included. The
// limit of Recursive is the last number that fits into a uint64; that of the others is the
// size of a reply, since RabbitMQ 4 accepts 16 MiB and fib(80,000,000) has 16.7 million digits.
var algorithmTable = [...]struct {
	name              string
	defaultMax, limit int
}{
	Recursive: {"recursive", 45, 93},
	Iterative: {"iterative", 2_000_000, 80_000_000},
	Doubling:  {"doubling", 40_000_000, 80_000_000},
}

// String returns the algorithm's name, as [Algorithm.Set] reads it.
func (a Algorithm) String() string { return algorithmTable[a].name }

// Set implements pflag.Value. It reads "recursive", "iterative" or "doubling".
func (a *Algorithm) Set(s string) error {
	var names []string
	for b, row := range algorithmTable {
		if s == row.name {
			*a = Algorithm(b)
			return nil
		}
		names = append(names, row.name)
	}
	return fmt.Errorf("unknown algorithm %s: it is one of %s", quote(s), strings.Join(names, ", "))
}

// Type implements pflag.Value.
func (a *Algorithm) Type() string { return "algorithm" }

// DefaultMaxN returns the greatest n that takes about ten seconds.
func (a Algorithm) DefaultMaxN() int { return algorithmTable[a].defaultMax }

// LimitN returns the greatest n that the algorithm can compute and a reply can hold.
func (a Algorithm) LimitN() int { return algorithmTable[a].limit }

// Fib returns fib(n), with fib(0) = 0 and fib(1) = 1. It fails if n is not from 0 to
// [Algorithm.LimitN], and soon after ctx has ended.
func (a Algorithm) Fib(ctx context.Context, n int) (*big.Int, error) {
	if n < 0 || n > a.LimitN() {
		return nil, fmt.Errorf("fib(%d) is out of range: the %v algorithm goes from 0 to %d", n, a, a.LimitN())
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch a {
	case Iterative:
		return iterative(ctx, n)
	case Doubling:
		return doubling(ctx, n)
	default:
		sum, err := recursive(ctx, n)
		return new(big.Int).SetUint64(sum), err
	}
}

// uncheckedN is the greatest n that recursive computes without a look at the context, in less
// than a millisecond.
const uncheckedN = 24

func recursive(ctx context.Context, n int) (uint64, error) {
	if n <= uncheckedN {
		return naive(n), ctx.Err()
	}
	a, err := recursive(ctx, n-1)
	if err != nil {
		return 0, err
	}
	b, err := recursive(ctx, n-2)
	return a + b, err
}

func naive(n int) uint64 {
	if n < 2 {
		return uint64(n)
	}
	return naive(n-1) + naive(n-2)
}

func iterative(ctx context.Context, n int) (*big.Int, error) {
	a, b := big.NewInt(0), big.NewInt(1)
	for i := range n {
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		a.Add(a, b)
		a, b = b, a
	}
	return a, nil
}

// doubling goes through the bits of n from the highest. a and b are fib(k) and fib(k+1) for
// the k that the bits so far make:
//
//	fib(2k)   = fib(k) * (2*fib(k+1) - fib(k))
//	fib(2k+1) = fib(k)^2 + fib(k+1)^2
func doubling(ctx context.Context, n int) (*big.Int, error) {
	a, b := big.NewInt(0), big.NewInt(1)
	t, u := new(big.Int), new(big.Int)
	for i := bits.Len(uint(n)) - 1; i >= 0; i-- {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t.Lsh(b, 1)
		t.Sub(t, a)
		t.Mul(t, a)
		a.Mul(a, a)
		u.Mul(b, b)
		u.Add(u, a)
		a, b, t, u = t, u, a, b
		if n>>i&1 == 1 {
			a.Add(a, b)
			a, b = b, a
		}
	}
	return a, nil
}
