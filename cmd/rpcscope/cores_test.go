package main

import (
	"strings"
	"testing"
)

func TestCoreLimit(t *testing.T) {
	for _, test := range []struct {
		name  string
		cores int
		steps []step
		want  string // begin of the notice, "" for none
	}{
		{"no run", 2, nil, ""},
		{"one run", 1, []step{{1, 260, 1}}, ""},
		{"fib(30) on two cores", 2, []step{{1, 262, 0.95}, {2, 490, 1.8}, {4, 500, 1.9}}, "4 servers would keep 3.8 cores busy, of 2 for them"},
		{"on one", 1, []step{{1, 262, 0.8}, {2, 270, 0.9}}, "2 servers would keep 1.6 cores busy, of 1 for them"},
		{"from two servers on", 2, []step{{2, 490, 1.7}, {4, 500, 1.9}}, "4 servers would keep 3.4"},
		{"cores are taken by others", 2, []step{{1, 130, 0.5}, {4, 140, 0.5}}, "4 servers would keep 2.0"},
		{"cores enough", 8, []step{{1, 262, 0.95}, {2, 520, 1.9}, {4, 1000, 3.8}}, ""},
		{"cores enough, and something else is the limit", 8, []step{{1, 262, 0.95}, {4, 300, 1.2}}, ""},
		{"it sleeps", 2, []step{{1, 48, 0.02}, {2, 95, 0.04}, {4, 190, 0.08}}, ""},
		{"it sleeps, on a bad day", 2, []step{{1, 48, 0.02}, {4, 60, 0.03}}, ""},
		{"speed-up as it should be", 2, []step{{1, 262, 0.95}, {2, 500, 1.8}}, ""},
		{"fewer and fewer", 2, []step{{4, 500, 1.9}, {1, 262, 0.95}}, ""},
		{"nothing was completed", 2, []step{{1, 0, 0.95}, {4, 0, 1.9}}, "4 servers"},
	} {
		got := coreLimit(test.steps, test.cores)
		if !strings.HasPrefix(got, test.want) || got != "" && (test.want == "" || !strings.HasSuffix(got, "--server-flag=--delay=20ms")) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
