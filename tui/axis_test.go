package tui

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAxis(t *testing.T) {
	moment := func(at float64) step { return step{at: epoch.Add(ms(at)), mark: "◆"} }
	phase := func(from, at float64) step {
		return step{from: epoch.Add(ms(from)), at: epoch.Add(ms(at)), mark: "◆"}
	}
	for _, c := range []struct {
		name   string
		steps  []step
		whole  bool
		want   []string
		legend string
	}{
		{"one moment", []step{moment(5)}, false, []string{"◆"}, ""},
		{"linear", []step{moment(0), phase(0, 10), phase(10, 20)}, false,
			[]string{"◆", "━━━━━━━━━━◆", "          ━━━━━━━━━━◆"}, "20.0 ms"},
		{"an idle gap that dwarfs the rest is broken", []step{moment(0), phase(0, 10), moment(1010)}, false,
			[]string{"◆                  ┄", "━━━━━━━━━━━━━━━━━━◆┄", "                   ┄◆"}, "1.01 s (┄: nothing happens for 1.00 s)"},
		{"a gap in which something goes on is not", []step{moment(0), phase(0, 10), phase(10, 1010)}, false,
			[]string{"◆", "◆", "━━━━━━━━━━━━━━━━━━━━◆"}, "1.01 s"},
		{"nor one that is merely long", []step{moment(0), phase(0, 10), moment(40)}, false,
			[]string{"◆", "━━━━━◆", "                    ◆"}, "40.0 ms"},
		{"nor any of a call in flight", []step{moment(0), phase(0, 10), moment(1010)}, true,
			[]string{"◆", "◆", "                    ◆"}, "1.01 s"},
		{"two gaps", []step{moment(0), phase(0, 10), moment(1010), moment(61_010)}, false,
			[]string{"◆                ┄ ┄", "━━━━━━━━━━━━━━━━◆┄ ┄", "                 ┄◆┄", "                 ┄ ┄◆"}, "61.0 s (┄: nothing happens for 61.0 s)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAxis(c.steps, 21, c.whole)
			for i, s := range c.steps {
				if got := strings.TrimRight(a.draw(s), " "); got != c.want[i] {
					t.Errorf("step %d\n got %q\nwant %q", i, got, c.want[i])
				}
			}
			if got := a.legend(); got != c.legend {
				t.Errorf("legend %q, not %q", got, c.legend)
			}
		})
	}
}

// Whatever the times, what comes later is not drawn before, and all of it within the
// cells there are.
func TestAxisKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var steps []step
		for _, at := range rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 1e6), rapid.Int64Range(0, 1e14)), 1, 20).Draw(t, "times") {
			s := step{at: epoch.Add(time.Duration(at)), mark: "◆"}
			if rapid.Bool().Draw(t, "phase") {
				s.from = s.at.Add(-time.Duration(rapid.Int64Range(0, at).Draw(t, "length")))
			}
			steps = append(steps, s)
		}
		n := rapid.IntRange(8, 60).Draw(t, "cells")
		a := newAxis(steps, n, rapid.Bool().Draw(t, "whole"))
		for _, s := range steps {
			if got := cells(a.draw(s)); got != n {
				t.Fatalf("%d cells, not %d", got, n)
			}
			for _, other := range steps {
				if s.at.Before(other.at) && a.at(s.at) > a.at(other.at) {
					t.Fatalf("%v is drawn after %v", s.at, other.at)
				}
			}
		}
	})
}
