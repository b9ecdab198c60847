package text

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/mattn/go-runewidth"
	"pgregory.net/rapid"
)

func TestEscape(t *testing.T) {
	const flood = "e\u0301\u0301\u0301\u0301\u0301\u0301"
	for _, c := range []struct {
		name, in string
		width    int
		want     string
	}{
		{"empty", "", 10, ""},
		{"plain", "fib-1", 10, "fib-1"},
		{"exactly", "0123456789", 10, "0123456789"},
		{"cut", "0123456789a", 10, "012345678…"},
		{"one cell", "ab", 1, "…"},
		{"no cell", "ab", 0, ""},
		{"less than none", "ab", -3, ""},

		{"C0", "a\x00\x1b[2J\x07\b", 40, `a\x00\x1b[2J\a\b`},
		{"white", "a\tb\nc\rd\ve\ff", 40, `a\tb\nc\rd\ve\ff`},
		{"DEL", "\x7f", 40, `\x7f`},
		{"C1", "\u009b31m\u0085", 40, `\u009b31m\u0085`},
		{"C1 as a byte", "\x9b31m", 40, `\x9b31m`},
		{"no UTF-8", "\xff\xfe\xc3", 40, `\xff\xfe\xc3`},
		{"overlong", "\xc0\x9b", 40, `\xc0\x9b`},
		{"lone surrogate", "\xed\xa0\x80", 40, `\xed\xa0\x80`},
		{"replacement character", "\ufffd", 40, "\ufffd"},
		{"bidi", "\u202eabc\u2066d\u2069\u200f\u061c", 60, `\u202eabc\u2066d\u2069\u200f\u061c`},
		{"zero width", "a\u200bb\u200dc\ufeffd\u2060e\u00adf", 60, `a\u200bb\u200dc\ufeffd\u2060e\u00adf`},
		{"line separators", "\u2028\u2029", 40, `\u2028\u2029`},
		{"spaces", "a\u00a0b\u2003c d\u3000e", 40, "a\\u00a0b\\u2003c d\u3000e"},
		{"fillers", "\u3164\u115f\uffa0\u034f\ufe0f", 60, `\u3164\u115f\uffa0\u034f\ufe0f`},
		{"tags", "\U000e0041", 40, `\U000e0041`},
		{"private, unassigned", "\ue000\u0378\uffff", 40, `\ue000\u0378\uffff`},

		{"CJK", "サーバー 서버 服务器", 40, "サーバー 서버 服务器"},
		{"CJK cut before the middle", "服务器", 4, "服…"},
		{"CJK cut", "服务器", 5, "服务…"},
		{"CJK exactly", "服务器", 6, "服务器"},
		{"European", "Größe žluťoučký Ελλάδα", 40, "Größe žluťoučký Ελλάδα"},
		{"right to left letters", "שלום", 40, "שלום"},
		{"marks", "e\u0301 a\u0302\u0323", 40, "e\u0301 a\u0302\u0323"},
		{"Thai", "ที่นี่", 40, "ที่นี่"},
		{"flood", flood, 60, "e\u0301\u0301\u0301" + `\u0301\u0301\u0301`},
		{"flags", "🇩🇪🇫🇷", 40, "🇩🇪🇫🇷"},
		{"flags exactly", "🇩🇪🇫🇷", 4, "🇩🇪🇫🇷"},
		{"flags cut", "🇩🇪🇫🇷", 3, "🇩🇪…"},
		{"half a flag", "🇩🇪🇫 🇩", 40, `🇩🇪\U0001f1eb \U0001f1e9`},
		{"colour of skin", "👍🏽", 40, `👍\U0001f3fd`},
		{"mark on nothing", "\u0301a", 40, `\u0301a`},
		{"mark on a space", "a \u0301", 40, `a \u0301`},
		{"mark on an escape", "\n\u0301", 40, `\n\u0301`},
		{"mark on the last cell", "abe\u0301", 3, "abe\u0301"},
		{"escapes are not cut in two", "abc\x1bdef", 6, "abc…"},
		{"backslash", `C:\x1b`, 40, `C:\x1b`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Escape(c.in, c.width); got != c.want {
				t.Errorf("Escape(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
			}
		})
	}
}

// harmless fails the test unless out keeps the promises of Escape.
func harmless(t interface {
	Helper()
	Fatalf(string, ...any)
}, out string, width int) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Fatalf("%q is no UTF-8", out)
	}
	marks, perRune := 0, 0
	for _, r := range out {
		switch {
		case unicode.Is(unicode.M, r):
			if marks++; marks > maxMarks {
				t.Fatalf("%q: marks pile up", out)
			}
		case unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Bidi_Control, unicode.Variation_Selector,
			unicode.Other_Default_Ignorable_Code_Point):
			t.Fatalf("%q has %U", out, r)
		default:
			marks = 0
		}
		perRune += runewidth.RuneWidth(r)
	}
	for i := range len(out) {
		if out[i] < ' ' || out[i] == 0x7f {
			t.Fatalf("%q has the control byte %#x", out, out[i])
		}
	}
	if w := max(runewidth.StringWidth(out), ansi.StringWidth(out), perRune, Width(out)); w > max(width, 0) {
		t.Fatalf("%q is %d cells wide, more than %d", out, w, width)
	}
	if ansi.Strip(out) != out {
		t.Fatalf("%q has escape sequences", out)
	}
}

// nasty draws text with good and bad parts.
var nasty = rapid.Custom(func(t *rapid.T) string {
	part := rapid.OneOf(
		rapid.String(),
		rapid.StringOf(rapid.RuneFrom(nil, unicode.M, unicode.Cf, unicode.Cc, unicode.Zs, unicode.Han, unicode.Hangul)),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"\x1b]52;c;", "👩‍👩‍👧", "🇩🇪", "👍🏽", "❤️", "1️⃣", "각", "क्षि", "\u0600", "⸻", "e\u0301"}),
	)
	return strings.Join(rapid.SliceOfN(part, 0, 6).Draw(t, "parts"), "")
})

func TestEscapeIsHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := nasty.Draw(t, "in")
		width := rapid.IntRange(-1, 60).Draw(t, "width")
		out := Escape(in, width)
		harmless(t, out, width)
		if twice := Escape(out, width); twice != out {
			t.Fatalf("Escape(%q) = %q, not the same again", out, twice)
		}
		if all := Escape(in, 1<<30); Width(all) <= width && out != all {
			t.Fatalf("%q was cut to %q, though it fits", all, out)
		}
	})
}

func TestEscapeOfEveryRuneIsHarmless(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r > 0x3400 && r < 0xfb00 || r > 0x1fb00 && r%0x1000 > 0x100 { // only some of Han, Hangul and the unassigned runes
			r += 40
		}
		s := string(r)
		harmless(t, Escape(s, 12), 12)
		harmless(t, Escape("a"+s, 12), 12)
	}
}

func TestEscapeCostsWhatIsShown(t *testing.T) {
	long := strings.Repeat("\u0301", 1<<20)
	if n := testing.AllocsPerRun(10, func() { Escape(long, 20) }); n > 8 {
		t.Errorf("%v allocations", n)
	}
	if n := testing.AllocsPerRun(10, func() { Escape("fib-1", 20) }); n != 0 {
		t.Errorf("%v allocations for what is fine as it is", n)
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{
		"", "fib-1", hostile, "サーバー", "\u202e\u2066", "e\u0301\u0301\u0301\u0301", "👩‍👩‍👧", "\xed\xa0\x80", "\x1b]52;c;AAAA\x07",
	} {
		for _, width := range []int{0, 1, 2, 5, 80} {
			f.Add(s, width)
		}
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		out := Escape(s, width)
		harmless(t, out, width)
		if twice := Escape(out, width); twice != out {
			t.Fatalf("Escape(%q) = %q, not the same again", out, twice)
		}
	})
}
