package main

import (
	"slices"
	"strings"
	"testing"
)

// arguments loses nothing and keeps the order of the numbers.
func FuzzArguments(f *testing.F) {
	for _, s := range []string{"call 30", "call -5", "call --json -5 40 -6", "call --timeout -5s 3", "call --timeout 5 -5", "call -- -5 --x", "load -5", "call --queue -5 -7 8", "call -5 --timeout 9 8"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		in := strings.Split(s, " ")
		out := arguments(slices.Clone(in))
		without := func(args []string) []string {
			return slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "--" })
		}
		a, b := without(in), without(out)
		numbers := func(args []string) []string {
			return slices.DeleteFunc(slices.Clone(args), func(a string) bool { return !number.MatchString(a) || a[0] != '-' })
		}
		if !slices.Contains(in, "--") && !slices.Equal(numbers(a), numbers(b)) && in[0] == "call" && !strings.Contains(s, "--") {
			t.Errorf("%q became %q", in, out)
		}
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("%q became %q", in, out)
		}
		if in[0] != "call" && !slices.Equal(in, out) {
			t.Errorf("%q became %q", in, out)
		}
	})
}
