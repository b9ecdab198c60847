package server

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func fib(t testing.TB, a Algorithm, n int) string {
	t.Helper()
	x, err := a.Fib(t.Context(), n)
	if err != nil {
		t.Fatalf("%v fib(%d): %v", a, n, err)
	}
	return x.String()
}

func TestKnownValues(t *testing.T) {
	for n, want := range map[int]string{0: "0", 1: "1", 2: "1", 3: "2", 10: "55", 24: "46368", 25: "75025", 30: "832040"} {
		for a := range Doubling + 1 {
			if got := fib(t, a, n); got != want {
				t.Errorf("%v fib(%d) = %s, want %s", a, n, got, want)
			}
		}
	}
	for n, want := range map[int]string{
		92: "7540113804746346429", 93: "12200160415121876738", 94: "19740274219868223167",
		100: "354224848179261915075", 186: "332825110087067562321196029789634457848",
	} {
		for _, a := range []Algorithm{Iterative, Doubling} {
			if got := fib(t, a, n); got != want {
				t.Errorf("%v fib(%d) = %s, want %s", a, n, got, want)
			}
		}
	}
	for _, a := range []Algorithm{Iterative, Doubling} {
		got := fib(t, a, 1000)
		if len(got) != 209 || !strings.HasPrefix(got, "43466557686937456435688527675040625802564660517371780402481729089536555417949051890403879840079255169295922593080322634775209689623239873322471161642996440906533187938298969649928516003704476137795166849228875") {
			t.Errorf("%v fib(1000) = %s", a, got)
		}
	}
}

func TestAlgorithmsAgree(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(0, 2000).Draw(r, "n")
		want := fib(t, Iterative, n)
		if got := fib(t, Doubling, n); got != want {
			r.Fatalf("doubling fib(%d) = %s, iterative %s", n, got, want)
		}
		if n %= 31; fib(t, Recursive, n) != fib(t, Iterative, n) {
			r.Fatalf("recursive fib(%d) = %s", n, fib(t, Recursive, n))
		}
	})
}

// countdown is a context that ends after some calls of Err.
type countdown struct {
	context.Context
	calls int
}

func (c *countdown) Err() error {
	if c.calls--; c.calls < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

func TestAlgorithmsStopWithTheContext(t *testing.T) {
	for _, c := range []struct {
		a Algorithm
		n int
	}{
		// The first two would take from minutes to centuries.
		{Recursive, 93}, {Iterative, 80_000_000}, {Doubling, 100_000},
	} {
		for _, calls := range []int{0, 1, 2, 7} {
			if x, err := c.a.Fib(&countdown{t.Context(), calls}, c.n); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v after %d calls: %v, %v", c.a, calls, x, err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := Recursive.Fib(ctx, 93); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a real deadline: %v", err)
	}
}

func TestAlgorithmFlag(t *testing.T) {
	for a := range Doubling + 1 {
		var got Algorithm = -1
		if err := got.Set(a.String()); err != nil || got != a {
			t.Errorf("%v reads as %v, %v", a, got, err)
		}
		if a.DefaultMaxN() <= 0 || a.DefaultMaxN() > a.LimitN() {
			t.Errorf("%v: default %d, limit %d", a, a.DefaultMaxN(), a.LimitN())
		}
	}
	a := Doubling
	if err := a.Set("magic"); err == nil || a != Doubling || !strings.Contains(err.Error(), "recursive, iterative, doubling") {
		t.Errorf("magic: %v, %v", a, err)
	}
	for a, n := range map[Algorithm]int{Recursive: 94, Iterative: -1, Doubling: 80_000_001} {
		if _, err := a.Fib(t.Context(), n); err == nil {
			t.Errorf("%v fib(%d) did not fail", a, n)
		}
	}
}

func BenchmarkFib(b *testing.B) {
	for _, c := range []struct {
		a Algorithm
		n int
	}{{Recursive, 30}, {Iterative, 100_000}, {Doubling, 1_000_000}} {
		b.Run(c.a.String(), func(b *testing.B) {
			for b.Loop() {
				fib(b, c.a, c.n)
			}
		})
	}
}
