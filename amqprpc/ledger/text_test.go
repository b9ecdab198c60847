package ledger

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

// A string of any bytes survives the JSON of a recording, and its JSON does not control a terminal.
func TestText(t *testing.T) {
	parts := rapid.SampledFrom([]string{
		"a", "\xff", "\x80", "\xed\xa0\x80", "\xed\xb2\x80", `\`, `\udc80`, `\ud83d`, "\"", "\n", "\x1b[2J", "\u009b", "\u202e", "\ufffd", "\U0001f600",
	})
	rapid.Check(t, func(t *rapid.T) {
		var in text
		for _, part := range rapid.SliceOfN(parts, 0, 8).Draw(t, "parts") {
			in += text(part)
		}
		b, err := json.Marshal(in, format)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(b) || bytes.ContainsFunc(b, controlsTerminal) {
			t.Fatalf("%q controls a terminal", b)
		}
		var out text
		if err := json.Unmarshal(b, &out, format); err != nil || out != in {
			t.Fatalf("%q became %s, then %q: %v", in, b, out, err)
		}
	})
}

// Escapes that a Recorder does not write have the meaning that JSON gives them.
func TestTextOfOtherWriters(t *testing.T) {
	for in, want := range map[string]text{
		`"\u0041\t\/\b"`:          "A\t/\b",
		`"\ud83d\ude00"`:          "\U0001f600",
		`"\ud83d\udc80"`:          "\U0001f480", // a pair, though the second half alone is a byte
		`"\ud83d\ud83d\udc80"`:    "\ufffd\U0001f480",
		`"\uDCFF\\udcff\\\udcfF"`: "\xff\\udcff\\\xff",
		`"\ud800"`:                "\ufffd",
		`"\udc00"`:                "\ufffd",
	} {
		var got text
		if err := json.Unmarshal([]byte(in), &got, format); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", in, got, err, want)
		}
	}
}
