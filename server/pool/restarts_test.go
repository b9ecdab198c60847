package pool

import (
	"strings"
	"testing"
)

// Each process is told how many there were before it under its name, so that one that
// goes by a seed does not do the same again.
func TestRestartsAreCounted(t *testing.T) {
	p, e := newTestPool(t, Config{})
	s := start(t, p, "env:"+RestartsEnv, "ready", "wait")
	for range 2 {
		if err := p.Restart(t.Context(), s.Name()); err != nil {
			t.Fatal(err)
		}
		<-e.exits
	}
	start(t, p, "env:"+RestartsEnv, "ready", "wait")
	if err := p.Close(t.Context()); err != nil { // after it, all output has been told
		t.Fatal(err)
	}
	var told []string
	for _, line := range strings.Split(e.all(), "\n") {
		if strings.Contains(line, RestartsEnv) {
			told = append(told, strings.Replace(line, RestartsEnv+"=", "", 1))
		}
	}
	if got := strings.Join(told, ", "); got != "fib-1 0, fib-1 1, fib-1 2, fib-2 0" {
		t.Errorf("they were told %q", got)
	}
}

func TestRestartsOfThisProcess(t *testing.T) {
	for value, want := range map[string]int64{"": 0, "0": 0, "7": 7, "-1": 0, "many": 0} {
		t.Setenv(RestartsEnv, value)
		if got := Restarts(); got != want {
			t.Errorf("%q: %d, want %d", value, got, want)
		}
	}
}
