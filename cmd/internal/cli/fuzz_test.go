package cli

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"rpcscope/amqprpc"
)

// Main prints any error in one printable line. Without passwords and the prefix of invalid configurations, it can be
// read back.
func FuzzErrorText(f *testing.F) {
	for _, s := range []string{"no", "one\ntwo\n", "a\x1b]0;title\a\r\u202e\xff\u009b\tb é長", `\x1b`, "\t\t\x00", "", "\n\n", "\u2028\ufeff\U000e0001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := errorText(errors.New(s))
		s = strings.ReplaceAll(amqprpc.Redact(s), amqprpc.ErrInvalidConfig.Error()+": ", "")
		if !utf8.ValidString(text) || len(text) > 10*len(s) || strings.ContainsFunc(strings.ReplaceAll(text, "\t", ""), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q is printed as %q", s, text)
		}
		if strings.Contains(s, `\`) || strings.Contains(s, "\n") {
			return // looks like an escape, or is replaced
		}
		back, err := strconv.Unquote(`"` + strings.NewReplacer(`"`, `\"`, "\t", `\t`).Replace(text) + `"`)
		if strings.Contains(s, `"`) {
			return
		}
		if err != nil || back != s {
			t.Errorf("%q is printed as %q, which is %q, %v", s, text, back, err)
		}
	})
}
