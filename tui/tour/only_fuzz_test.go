package tour

import (
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// Only returns the scenarios of the list in its order, none twice.
func FuzzOnly(f *testing.F) {
	for _, s := range []string{"", "4,7", "7,4", " 4 , 7 ", "4,4", "0", "11", "-1", "+4", "4,", ",", "99999999999999999999", "\x1b[2J", "1,2,3,4,5,6,7,8,9,10,11,12,13"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		some, err := Only(s)
		if err != nil {
			if text := err.Error(); len(text) > 200 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("an error of %q", text)
			}
			return
		}
		if s == "" {
			if len(some) != len(Scenarios()) {
				t.Errorf("%d of all", len(some))
			}
			return
		}
		items := strings.Split(s, ",")
		if len(items) != len(some) {
			t.Fatalf("%d scenarios of %q", len(some), s)
		}
		seen := map[int]bool{}
		for i, scenario := range some {
			if n, err := strconv.Atoi(strings.TrimSpace(items[i])); err != nil || n != scenario.Number || seen[n] {
				t.Errorf("%q has scenario %d", s, scenario.Number)
			}
			seen[scenario.Number] = true
		}
	})
}
