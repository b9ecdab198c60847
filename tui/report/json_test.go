package report

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// The JSON is one line that a terminal can show, and means the same as that of encoding/json.
func TestPrintJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := map[string]string{rapid.String().Draw(t, "key"): rapid.StringOf(rapid.Rune()).Draw(t, "value") + "\u009b2J\x7f\u202e\x1b<"}
		var b strings.Builder
		if err := PrintJSON(&b, in); err != nil {
			t.Fatal(err)
		}
		line, ok := strings.CutSuffix(b.String(), "\n")
		if !ok {
			t.Fatalf("no end of line: %q", b.String())
		}
		for _, r := range line {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("%U in %q", r, line)
			}
		}
		var out map[string]string
		if err := json.Unmarshal([]byte(line), &out); err != nil {
			t.Fatal(err)
		}
		for k, v := range in {
			if out[k] != v {
				t.Fatalf("%q became %q", v, out[k])
			}
		}
	})
}
