//go:build linux || darwin

package screen

import "strings"

var keys = map[string]string{
	"enter":     "\r",
	"esc":       "\x1b",
	"tab":       "\t",
	"shift+tab": "\x1b[Z",
	"space":     " ",
	"backspace": "\x7f",
	"up":        "\x1b[A",
	"down":      "\x1b[B",
	"right":     "\x1b[C",
	"left":      "\x1b[D",
	"home":      "\x1b[H",
	"end":       "\x1b[F",
	"insert":    "\x1b[2~",
	"delete":    "\x1b[3~",
	"pgup":      "\x1b[5~",
	"pgdown":    "\x1b[6~",
	"f1":        "\x1bOP",
}

// keyBytes returns the bytes that a terminal sends for a key, or the text itself if it is not the name of a key.
func keyBytes(key string) string {
	if s, ok := keys[key]; ok {
		return s
	}
	if letter, ok := strings.CutPrefix(key, "ctrl+"); ok && len(letter) == 1 {
		return string(rune(letter[0] & 0x1f))
	}
	if rest, ok := strings.CutPrefix(key, "alt+"); ok && rest != "" {
		return "\x1b" + keyBytes(rest)
	}
	return key
}
