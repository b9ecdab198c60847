package pool

import (
	"strings"
	"testing"
)

func TestRestartsEnv(t *testing.T) {
	p, e := newTestPool(t, Config{})
	s := start(t, p, "env:"+RestartsEnv, "ready", "wait")
	for range 2 {
		if err := p.Restart(t.Context(), s.Name()); err != nil {
			t.Fatal(err)
		}
		<-e.exits
	}
	start(t, p, "env:"+RestartsEnv, "ready", "wait")
	if err := p.Close(t.Context()); err != nil { // after that, all output has been seen
		t.Fatal(err)
	}
	var seen []string
	for _, line := range strings.Split(e.all(), "\n") {
		if strings.Contains(line, RestartsEnv) {
			seen = append(seen, strings.Replace(line, RestartsEnv+"=", "", 1))
		}
	}
	if got := strings.Join(seen, ", "); got != "fib-1 0, fib-1 1, fib-1 2, fib-2 0" {
		t.Errorf("%s is %q in turn", RestartsEnv, got)
	}
}

func TestRestarts(t *testing.T) {
	for value, want := range map[string]int64{"": 0, "0": 0, "7": 7, "many": 0} {
		t.Setenv(RestartsEnv, value)
		if got := Restarts(); got != want {
			t.Errorf("%q: %d, want %d", value, got, want)
		}
	}
}
