package text

import (
	"os"
	"strings"
)

// terminalEnv is the environment of the process for termenv. termenv derives colours from the name in TERM, and misses
// those of terminals such as screen, whose names do not mention them.
type terminalEnv struct{}

func (terminalEnv) Environ() []string { return os.Environ() }

func (terminalEnv) Getenv(name string) string {
	value := os.Getenv(name)
	if name == "TERM" && hasColours(value) {
		return value + "-color" // sixteen colours
	}
	return value
}

// hasColours reports whether a terminal has at least eight colours although its name does not say so.
func hasColours(term string) bool {
	if strings.HasSuffix(term, "-m") || strings.HasSuffix(term, "-mono") || strings.Contains(term, "color") {
		return false
	}
	family, _, _ := strings.Cut(term, "-")
	family, _, _ = strings.Cut(family, ".")
	switch family {
	case "screen", "tmux", "xterm", "linux", "rxvt", "konsole", "putty", "gnome", "vte", "st", "foot", "mlterm", "eterm", "cygwin":
		return true
	}
	return false
}
