package tui

import (
	"os"
	"strings"
)

// An environment is the process's, for termenv, which goes by the names of terminals and
// misses the colours of those that do not speak of them: screen, for example.
type environment struct{}

func (environment) Environ() []string { return os.Environ() }

func (environment) Getenv(name string) string {
	value := os.Getenv(name)
	if name == "TERM" && colourful(value) {
		return value + "-color" // that is sixteen
	}
	return value
}

// colourful reports whether terminals of a kind have at least eight colours although their
// name says nothing of it.
func colourful(term string) bool {
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
