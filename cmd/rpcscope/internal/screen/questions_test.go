//go:build linux || darwin

package screen

import (
	"strings"
	"testing"
	"time"
)

// Bubble Tea queries the terminal before main begins, and waits 5 s if there is no answer.
func TestQuestions(t *testing.T) {
	env, path := asProgram(t)
	for name, start := range map[string]func(testing.TB, Size, []string, string, ...string) *Terminal{
		"answered": Start, "unanswered": StartMute,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			term := start(t, size, env, path)
			term.WaitFor("size 80x24")
			t.Logf("on the screen after %v", time.Since(began).Round(time.Millisecond))
			asked, _, _ := strings.Cut(term.Raw(), "\x1b[?1049h")
			asked = strings.ReplaceAll(asked, "\x1b[?25l", "") // not a query
			if want := "\x1b]11;?\x1b\\\x1b[6n"; asked != want {
				t.Errorf("asked %q, not %q", asked, want)
			}
		})
	}
}
