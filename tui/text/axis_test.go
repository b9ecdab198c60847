package text

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAxis(t *testing.T) {
	after := func(ms float64) time.Time { return epoch.Add(time.Duration(ms * 1e6)) }
	moment := func(at float64) Interval { return Interval{To: after(at)} }
	bar := func(from, to float64) Interval { return Interval{after(from), after(to)} }
	for _, c := range []struct {
		name   string
		steps  []Interval
		whole  bool
		want   []string
		legend string
	}{
		{"one moment", []Interval{moment(5)}, false, []string{"◆"}, ""},
		{"linear", []Interval{moment(0), bar(0, 10), bar(10, 20)}, false,
			[]string{"◆", "━━━━━━━━━━◆", "          ━━━━━━━━━━◆"}, "20.0 ms"},
		{"an idle gap that dwarfs the rest is broken", []Interval{moment(0), bar(0, 10), moment(1010)}, false,
			[]string{"◆                  ┄", "━━━━━━━━━━━━━━━━━━◆┄", "                   ┄◆"}, "1.01 s (┄: nothing happens for 1.00 s)"},
		{"a gap in which something goes on is not", []Interval{moment(0), bar(0, 10), bar(10, 1010)}, false,
			[]string{"◆", "◆", "━━━━━━━━━━━━━━━━━━━━◆"}, "1.01 s"},
		{"nor one that is merely long", []Interval{moment(0), bar(0, 10), moment(40)}, false,
			[]string{"◆", "━━━━━◆", "                    ◆"}, "40.0 ms"},
		{"nor any of a call in flight", []Interval{moment(0), bar(0, 10), moment(1010)}, true,
			[]string{"◆", "◆", "                    ◆"}, "1.01 s"},
		{"two gaps", []Interval{moment(0), bar(0, 10), moment(1010), moment(61_010)}, false,
			[]string{"◆                ┄ ┄", "━━━━━━━━━━━━━━━━◆┄ ┄", "                 ┄◆┄", "                 ┄ ┄◆"}, "61.0 s (┄: nothing happens for 61.0 s)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := NewAxis(c.steps, 21, c.whole)
			for i, s := range c.steps {
				if got := strings.TrimRight(a.Draw(s, '◆'), " "); got != c.want[i] {
					t.Errorf("step %d\n got %q\nwant %q", i, got, c.want[i])
				}
			}
			if got := a.Legend(); got != c.legend {
				t.Errorf("legend %q, not %q", got, c.legend)
			}
		})
	}
}

// Later times are not drawn before earlier ones, and all are within the axis.
func TestAxisKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var steps []Interval
		for _, at := range rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 1e6), rapid.Int64Range(0, 1e14)), 1, 20).Draw(t, "times") {
			s := Interval{To: epoch.Add(time.Duration(at))}
			if rapid.Bool().Draw(t, "phase") {
				s.From = s.To.Add(-time.Duration(rapid.Int64Range(0, at).Draw(t, "length")))
			}
			steps = append(steps, s)
		}
		n := rapid.IntRange(8, 60).Draw(t, "cells")
		a := NewAxis(steps, n, rapid.Bool().Draw(t, "whole"))
		for _, s := range steps {
			if got := Width(a.Draw(s, '◆')); got != n {
				t.Fatalf("%d cells, not %d", got, n)
			}
			for _, other := range steps {
				if s.To.Before(other.To) && a.column(s.To) > a.column(other.To) {
					t.Fatalf("%v is drawn after %v", s.To, other.To)
				}
			}
		}
	})
}
