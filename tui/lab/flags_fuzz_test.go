package lab

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// readable checks that an error can be shown unescaped.
func readable(t *testing.T, err error) {
	t.Helper()
	if text := err.Error(); !utf8.ValidString(text) || len(text) > 600 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("an error of %q", text)
	}
}

// ParseHeaders returns the given headers, and none that changes the meaning of a request.
func FuzzParseHeaders(f *testing.F) {
	for _, s := range []string{"tenant=blue", "a=1\nb=2", "a=1\na=2", "=x", "x-rpc-deadline=1", "X-RPC-x=", "CC=q", "a\x1b=1", "\u202e=1", "a=\x1b[2J\x00", "a b=1", strings.Repeat("n", 129) + "=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		all := strings.Split(s, "\n")
		headers, err := ParseHeaders(all)
		if err != nil {
			readable(t, err)
			return
		}
		if len(headers) != len(all) {
			t.Errorf("%d headers of %q", len(headers), all)
		}
		for _, text := range all {
			name, value, _ := strings.Cut(text, "=")
			if headers[name] != value {
				t.Errorf("%q is %q", text, headers[name])
			}
			if name == "" || name == "CC" || name == "BCC" || len(name) > 128 || strings.HasPrefix(strings.ToLower(name), "x-rpc-") || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }) {
				t.Errorf("a header of the name %q", name)
			}
		}
	})
}

// Requests are within the range.
func FuzzParseFib(f *testing.F) {
	for _, s := range []string{"30", "20-35", "35-20", "-1", "1-2-3", "+5", "0", "1000000", "1000001", "99999999999999999999", "\x1b[2J", "٣", ""} {
		f.Add(s, uint64(1))
	}
	f.Fuzz(func(t *testing.T, s string, seed uint64) {
		fib, err := ParseFib(s)
		if err != nil {
			readable(t, err)
			return
		}
		if fib.String() != s || fib.from < 0 || fib.to < fib.from || fib.to > MaxFib {
			t.Fatalf("%q is %+v", s, fib)
		}
		rng := rand.New(rand.NewPCG(seed, 1))
		for k := range int64(20) {
			body := fib.Request(k, rng).Body
			if n, err := strconv.Atoi(string(body)); err != nil || n < fib.from || n > fib.to || !bytes.Equal(body, []byte(strconv.Itoa(n))) {
				t.Fatalf("%q asks for %q", s, body)
			}
		}
	})
}
