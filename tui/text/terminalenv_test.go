package text

import (
	"testing"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// A terminal has the colours that terminals of its kind have, unless somebody wants none.
func TestColours(t *testing.T) {
	for _, c := range []struct {
		term, name, value string
		want              termenv.Profile
	}{
		{"xterm", "", "", termenv.ANSI},
		{"xterm-new", "", "", termenv.ANSI},
		{"xterm-256color", "", "", termenv.ANSI256},
		{"xterm-256color", "COLORTERM", "truecolor", termenv.TrueColor},
		{"screen", "", "", termenv.ANSI},
		{"screen", "COLORTERM", "truecolor", termenv.ANSI256}, // termenv sees true colour only in tmux
		{"screen.xterm-new", "", "", termenv.ANSI},
		{"screen-256color", "", "", termenv.ANSI256},
		{"tmux", "", "", termenv.ANSI},
		{"linux", "", "", termenv.ANSI},
		{"rxvt-unicode", "", "", termenv.ANSI},
		{"xterm-mono", "", "", termenv.Ascii},
		{"linux-m", "", "", termenv.Ascii},
		{"vt100", "", "", termenv.Ascii},
		{"dumb", "", "", termenv.Ascii},
		{"", "", "", termenv.Ascii},
		{"screen", "NO_COLOR", "1", termenv.Ascii},
		{"xterm-256color", "NO_COLOR", "1", termenv.Ascii},
	} {
		for _, name := range []string{"CI", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "TERM_PROGRAM", "GOOGLE_CLOUD_SHELL"} {
			t.Setenv(name, "")
		}
		t.Setenv("TERM", c.term)
		if c.name != "" {
			t.Setenv(c.name, c.value)
		}
		r := lipgloss.NewRenderer(nil, termenv.WithEnvironment(terminalEnv{}), termenv.WithTTY(true))
		if got := r.ColorProfile(); got != c.want {
			t.Errorf("TERM=%s %s=%s: %s, want %s", c.term, c.name, c.value, got.Name(), c.want.Name())
		}
	}
}
