package pool

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// A server keeps its name over restarts. Its --name is unique among programs.
func TestNames(t *testing.T) {
	p, _ := newTestPool(t, Config{})
	s := start(t, p, "ready", "wait")
	want := fmt.Sprintf("fib-1.%d@%s", os.Getpid(), Host())
	for range 2 {
		if status := s.Status(); status.AppID != want || status.Name != "fib-1" || !status.Answers(want) || status.Answers("fib-1") {
			t.Errorf("%+v, want the app_id %s", status, want)
		}
		if err := p.Restart(t.Context(), "fib-1"); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, short string }{
		{want, "fib-1"}, {"from " + want + ", late", "from fib-1, late"}, {"fib-1", "fib-1"}, {"", ""},
		{fmt.Sprintf("fib-1.%d@%s", os.Getpid()+1, Host()), fmt.Sprintf("fib-1.%d@%s", os.Getpid()+1, Host())},
	} {
		if got := ShortNames(c.name); got != c.short {
			t.Errorf("%q is %q, want %q", c.name, got, c.short)
		}
	}
	if h := Host(); h == "" || strings.ContainsAny(h, ". \x1b") {
		t.Errorf("the host is %q", h)
	}
}
