package tui

import "github.com/aymanbagabas/go-osc52/v2"

// mostClipboard is the longest text that goes onto a clipboard, in bytes; a correlation
// ID has 255 at most.
const mostClipboard = 1024

// clipboardSequence is what asks a terminal to put text onto the clipboard (OSC 52).
// Text that somebody else wrote goes there escaped: it may be pasted into a shell.
func clipboardSequence(text string) string {
	return osc52.New(Escape(text, mostClipboard)).Limit(mostClipboard).String()
}
