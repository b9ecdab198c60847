package tui

import (
	"bytes"
	"os"
)

// The brackets that terminals put around what is pasted, and what ctrl+c sends.
const (
	pasteBegins = "\x1b[200~"
	pasteEnds   = "\x1b[201~"
	interrupt   = '\x03'
)

// A terminalInput is a terminal that is read from, with what Bubble Tea lacks: a paste
// whose end got lost is over with ctrl+c, where it would swallow all keys for ever
// (terminals send no control characters in a paste), and a terminal that has gone says
// so, where nobody would notice.
type terminalInput struct {
	*os.File
	gone    func() // called when there is nothing more to read
	pasting bool
	tail    []byte // the last few bytes, which may be the beginning of a bracket
}

// Read reads what is typed.
func (t *terminalInput) Read(p []byte) (int, error) {
	room := len(p)
	if t.pasting {
		room = max(room-len(pasteEnds), 1)
	}
	n, err := t.File.Read(p[:room])
	if n <= 0 || err != nil {
		t.gone()
		return n, err
	}
	if at := bytes.IndexByte(p[:n], interrupt); at >= 0 && t.after(p[:at]) && n+len(pasteEnds) <= len(p) {
		copy(p[at+len(pasteEnds):], p[at:n])
		copy(p[at:], pasteEnds)
		n += len(pasteEnds)
	}
	t.pasting = t.after(p[:n])
	seen := append(t.tail, p[:n]...)
	t.tail = append([]byte(nil), seen[max(len(seen)-len(pasteBegins)+1, 0):]...)
	return n, nil
}

// after reports whether a paste goes on after these bytes.
func (t *terminalInput) after(read []byte) bool {
	seen := append(t.tail[:len(t.tail):len(t.tail)], read...)
	if begins, ends := bytes.LastIndex(seen, []byte(pasteBegins)), bytes.LastIndex(seen, []byte(pasteEnds)); begins != ends {
		return begins > ends
	}
	return t.pasting
}
